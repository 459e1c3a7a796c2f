/** Apps whose sessions Stack Auth keeps, with a stand-in of its API that answers as the real one was recorded. */
import { Body, Controller, Get, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthUser,
  CurrentUser,
  stackAuth,
  type StackAuthOptions,
} from 'nest-gatehouse';
import {
  StackAuthModule,
  type StackAuthModuleOptions,
  StackAuthSessions,
  StackAuthSignIn,
} from 'nest-gatehouse/stack-auth';

import { type AppParts, type Platform, type RunningApp, startApp } from './app.js';
import type { Answer } from './http.js';
import { ManualClock } from './manual-clock.js';
import { publicUrl, SessionClient } from './session-app.js';
import { recordedOrigin, type StackAuthServer, startStackAuthSessions } from './stack-auth-server.js';

/** The recorded project, and the user who signed up in it. */
export const projectId = 'c640df62-42eb-4693-89b3-44e61b852ecd';
export const alice = {
  id: 'e33e436a-bea5-4b61-b8d8-710811cdb6f7',
  email: 'alice-mwrpeqac@example.test',
  password: 'rig-User-pw-1',
};
export const guestId = 'b0502a81-c73f-4e58-8f49-34cd135f8751';

/** What an app writes for ways to sign in that have no route. */
@Controller()
class StackAuthTestController {
  constructor(
    @Inject(StackAuthSessions) private readonly sessions: StackAuthSessions,
    @Inject(StackAuthSignIn) private readonly signIn: StackAuthSignIn,
  ) {}

  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser() user: AuthUser): AuthUser {
    return user;
  }

  @UseGuards(AuthGuard)
  @Post('change')
  change(@CurrentUser('id') id: string): object {
    return { by: id };
  }

  @Post('passkey')
  async passkey(
    @Body() body: { response: object; code: string },
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<object> {
    return this.sessions.deliver(await this.signIn.withPasskey(body), request, response);
  }
}

export interface StackAuthAppParts extends Partial<Omit<AppParts, 'controllers'>> {
  readonly clock?: ManualClock;
  readonly server?: StackAuthServer;
  readonly module?: StackAuthModuleOptions;
  readonly issuer?: StackAuthOptions;
  readonly auth?: Partial<AuthModuleOptions>;
}

export interface StackAuthApp {
  readonly app: RunningApp;
  readonly clock: ManualClock;
  readonly server: StackAuthServer;
  readonly sessions: StackAuthSessions;
  readonly signIn: StackAuthSignIn;
  /** The addresses that the app has called, in order. */
  readonly called: readonly string[];
  readonly client: (delivery?: 'cookies' | 'body') => StackAuthClient;
}

/** A clock at the time of the recording, so that recorded tokens are valid for some minutes more. */
export function recordedClock(): ManualClock {
  const clock = new ManualClock();
  clock.advanceSeconds((Date.parse('2026-11-22T10:38:40Z') - clock.now().getTime()) / 1_000);
  return clock;
}

export async function startStackAuthApp(platform: Platform, parts: StackAuthAppParts = {}): Promise<StackAuthApp> {
  const { clock = recordedClock(), module = {}, issuer = {}, auth = {}, imports = [], ...rest } = parts;
  const server = parts.server ?? (await startStackAuthSessions());
  const called: string[] = [];
  const provider = stackAuth({ projectId, publishableClientKey: 'pck_sample_1', baseUrl: recordedOrigin, ...issuer });
  const app = await startApp(platform, {
    ...rest,
    imports: [
      StackAuthModule.forRoot(module),
      AuthModule.forRoot({
        issuers: provider,
        publicUrl,
        clock,
        http: {
          // The recorded server believed to be at port 8102, which may be taken; its origin leads to the one that listens.
          fetch: (url, init) => {
            called.push(url);
            return globalThis.fetch(url.replace(recordedOrigin, server.url), init);
          },
        },
        ...auth,
      }),
      ...imports,
    ],
    controllers: [StackAuthTestController],
  });
  return {
    app,
    clock,
    server,
    sessions: app.nest.get(StackAuthSessions),
    signIn: app.nest.get(StackAuthSignIn),
    called,
    client: (delivery) => new StackAuthClient(app, delivery),
  };
}

/** A client that signs in at the routes of `StackAuthModule`. */
export class StackAuthClient extends SessionClient {
  constructor(
    app: RunningApp,
    private readonly chosen: 'cookies' | 'body' = 'cookies',
  ) {
    super(app, chosen);
  }

  /** Posts to a route that begins a session, and chooses the delivery. */
  begin(route: string, json?: object): Promise<Answer> {
    return this.post(`/auth/${route}`, json, [['X-Token-Delivery', this.chosen]]);
  }

  withPassword(more: object = {}): Promise<Answer> {
    return this.begin('sign-in', { email: alice.email, password: alice.password, ...more });
  }

  signUp(more: object = {}): Promise<Answer> {
    return this.begin('sign-up', { email: alice.email, password: alice.password, ...more });
  }
}
