/** A handler that reads a user where there never is one is named in the log when the app starts. */
import { Controller, DefaultValuePipe, Get, UseGuards } from '@nestjs/common';
import { AuthGuard as PassportGuard } from '@nestjs/passport';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, oidc, OptionalAuth, Public } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';

@Public()
@Controller('lobby')
class LobbyController {
  @Get('mine')
  mine(@CurrentUser() user: AuthUser): string {
    return user.id;
  }

  @Get('id')
  id(@CurrentUser('id') id: string): string {
    return id;
  }

  @Get('name')
  name(@CurrentUser('name', new DefaultValuePipe('nobody')) name: string): string {
    return name;
  }

  @Get('open')
  open(): void {}

  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(@CurrentUser() user: AuthUser): string {
    return user.id;
  }
}

@Controller('cats')
class CatsController {
  @Get('forgotten')
  forgotten(@CurrentUser() user: AuthUser): string {
    return user.id;
  }

  @OptionalAuth()
  @Get('optional')
  optional(@CurrentUser() user: AuthUser | null): string {
    return user?.id ?? 'nobody';
  }

  @UseGuards(PassportGuard('jwt'))
  @Get('passport')
  passport(@CurrentUser() user: AuthUser): string {
    return user.id;
  }
}

describe.each(platforms)('parameters for a user on $name', (platform) => {
  const warningsOf = async (guardEverything: boolean): Promise<string[]> => {
    const logger = new LogLines();
    const issuers = oidc({ issuer: 'https://issuer.example', audience: 'api' });
    await startApp(platform, {
      logger,
      imports: [AuthModule.forRoot({ issuers, guardEverything })],
      controllers: [LobbyController, CatsController],
    });
    return logger.ours().map(({ level, text }) => `${level}: ${text.split(', unless')[0] ?? ''}`);
  };
  const publicOnes = [
    'warn: LobbyController.mine (GET /lobby/mine) is public, so @CurrentUser() gives null there',
    'warn: LobbyController.id (GET /lobby/id) is public, so @CurrentUser() gives null there',
  ];

  it('are reported on public routes, and on routes without any guard', async () => {
    expect(await warningsOf(false)).toEqual([
      ...publicOnes,
      'warn: CatsController.forgotten (GET /cats/forgotten) has no guard, so @CurrentUser() gives null there',
    ]);
    expect(await warningsOf(true)).toEqual(publicOnes);
  });
});
