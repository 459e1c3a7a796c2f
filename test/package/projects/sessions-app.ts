// The app with sessions of its own that both strange projects run, on the embedded database.
import 'reflect-metadata';
import { Controller, Get, Inject, type INestApplication, Module, Post, Req, Res, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser } from 'nest-gatehouse';
import { ownTokens, SessionService, SessionsModule } from 'nest-gatehouse/sessions';
import { embeddedPostgres, postgres, SqlStoresModule } from 'nest-gatehouse/sql';

@Controller()
class SessionController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Post('sign-in')
  async signIn(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<object> {
    const session = await this.sessions.start('alice', { request, amr: ['pwd'] });
    return this.sessions.deliver(session, request, response);
  }

  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser() user: AuthUser): object {
    return { id: user.id, provider: user.provider };
  }
}

const key = Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('base64');

function moduleWith(database: ReturnType<typeof embeddedPostgres>): new () => object {
  @Module({
    imports: [
      SessionsModule.forRoot({ findSubject: (id: string) => ({ id }) }),
      AuthModule.forRoot({ issuers: ownTokens(), publicUrl: 'http://localhost:3000' }),
      SqlStoresModule.forRoot({ database, encryptionKey: key }),
    ],
    controllers: [SessionController],
  })
  class AppModule {}
  return AppModule;
}

/** Signs in, refreshes twice, calls a guarded route, and signs out; gives the status of each answer. */
export async function liveThroughSession(): Promise<{ statuses: number[]; me: unknown; refreshed: boolean }> {
  const app: INestApplication = await NestFactory.create(moduleWith(embeddedPostgres()), {
    logger: false,
    abortOnError: false,
  });
  try {
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const post = (path: string, body?: object, token?: string): Promise<Response> =>
      fetch(`${url}/${path}`, {
        method: 'POST',
        headers: {
          'x-token-delivery': 'body',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const signedIn = await post('sign-in');
    const first = (await signedIn.json()) as { refresh_token: string };
    const refreshed = await post('auth/refresh', { refresh_token: first.refresh_token });
    const second = (await refreshed.json()) as { access_token: string; refresh_token: string };
    const headers = { authorization: `Bearer ${second.access_token}` };
    const me = await fetch(`${url}/me`, { headers });
    const shown: unknown = await me.json();
    const signedOut = await post('auth/sign-out', undefined, second.access_token);
    const after = await fetch(`${url}/me`, { headers });
    return {
      statuses: [signedIn.status, refreshed.status, me.status, signedOut.status, after.status],
      me: shown,
      refreshed: second.refresh_token !== first.refresh_token,
    };
  } finally {
    await app.close();
  }
}

/** Starts an app whose driver is not installed, and gives what the start threw. */
export async function startWithoutDriver(): Promise<string> {
  try {
    const database = postgres('postgres://localhost:1/none');
    const app = await NestFactory.create(moduleWith(database), { logger: false, abortOnError: false });
    await app.init();
    await app.close();
    return 'it started';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
