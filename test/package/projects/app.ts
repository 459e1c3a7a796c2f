// The app that both strange projects run: one issuer, one guarded route, as the README has it.
import 'reflect-metadata';
import { Controller, Get, type INestApplication, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, oidc } from 'nest-gatehouse';
import { TestIssuer } from 'nest-gatehouse/testing';

@Controller()
class MeController {
  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser() user: AuthUser): { id: string } {
    return { id: user.id };
  }
}

export interface Answer {
  status: number;
  challenge: string | null;
  body: Record<string, unknown>;
}

export class RunningApp {
  private constructor(
    readonly issuer: TestIssuer,
    private readonly app: INestApplication,
  ) {}

  static async start(): Promise<RunningApp> {
    const issuer = await TestIssuer.start();

    @Module({
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) })],
      controllers: [MeController],
    })
    class AppModule {}

    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    return new RunningApp(issuer, app);
  }

  async getMe(token?: string): Promise<Answer> {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${await this.app.getUrl()}/me`, { headers });
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: (await response.json()) as Record<string, unknown>,
    };
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.issuer.stop();
  }
}
