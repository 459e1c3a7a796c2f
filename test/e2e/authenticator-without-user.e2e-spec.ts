/** An Authenticator of the app, as its tests may provide one, that returns no user where it must return one or throw. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard as PassportGuard } from '@nestjs/passport';
import { Test } from '@nestjs/testing';
import { AuthGuard, AuthModule, type AuthUser, Authenticator, CurrentUser, OptionalAuth, oidc } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startTestingApp } from '../support/app.js';
import { accessDenied, verdictOf } from '../support/verdicts.js';

@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(@CurrentUser() user: AuthUser | null): object {
    return { user };
  }

  @UseGuards(PassportGuard('jwt'))
  @Get('passport')
  passport(): object {
    return {};
  }

  @OptionalAuth()
  @Get('optional')
  optional(@CurrentUser() user: AuthUser | null): object {
    return { user };
  }
}

const withoutUser: readonly [string, () => AuthUser | Promise<AuthUser>][] = [
  ['null', () => null as unknown as AuthUser],
  ['undefined', () => undefined as unknown as AuthUser],
  ['null after a while', async () => null as unknown as AuthUser],
];

describe.each(platforms)('an Authenticator that returns no user, on $name', (platform) => {
  const events: string[] = [];
  const start = async (authenticator: Authenticator) => {
    events.length = 0;
    const module = Test.createTestingModule({
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: 'https://issuer.example', audience: 'api' }),
          onEvent: (event) => {
            if (event.type === 'refused') events.push(`${event.handler} ${event.code}`);
          },
        }),
      ],
      controllers: [CatsController],
    });
    return startTestingApp(platform, await module.overrideProvider(Authenticator).useValue(authenticator).compile());
  };

  it.each(withoutUser)('refuses the caller when it returns %s', async (_what, authenticate) => {
    const app = await start({ authenticate, toAppUser: (_, user) => user });

    expect(verdictOf(await app.call('/guarded'))).toEqual(accessDenied);
    expect((await app.call('/optional')).json).toEqual({ user: null });
    // Passport's guard answers 401 to a failed login, whatever its reason, and logs the reason of ours.
    expect((await app.call('/passport')).status).toBe(401);
    expect(events).toContain("AuthGuard('jwt') ACCESS_DENIED");
  });
});
