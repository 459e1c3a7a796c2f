// The app that most strange projects run: one issuer, one guarded route, as the README has it.
import 'reflect-metadata';
import { Controller, Get, type INestApplication, type LoggerService, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, oidc, stackAuth, UserProfileService } from 'nest-gatehouse';
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

  static async start(logger: LoggerService | false = false): Promise<RunningApp> {
    const issuer = await TestIssuer.start();

    @Module({
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) })],
      controllers: [MeController],
    })
    class AppModule {}

    const app = await NestFactory.create(AppModule, { logger, abortOnError: false });
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

/**
 * Asks a provider that is not there for a profile. On the way everything is loaded that the package loads late; what failed
 * to load would be another cause of the outage than the one that this gives.
 */
export async function causeOfOutage(): Promise<string> {
  const issuers = stackAuth({
    projectId: '00000000-0000-4000-8000-000000000000',
    secretServerKey: 'ssk_invented',
    baseUrl: 'http://127.0.0.1:9',
  });

  @Module({ imports: [AuthModule.forRoot({ issuers })] })
  class AppModule {}

  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  try {
    await app.get(UserProfileService).find('22222222-2222-4222-8222-222222222222');
    return 'none';
  } catch (error) {
    return String(firstCauseOf(error));
  } finally {
    await app.close();
  }
}

function firstCauseOf(error: unknown): unknown {
  const { cause } = error as { cause?: unknown };
  return cause === undefined ? error : firstCauseOf(cause);
}
