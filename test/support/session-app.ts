/** Apps with sessions of their own, and clients that keep cookies as a browser does. */
import { Body, Controller, Get, Post, Req, Res, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthModuleOptions, type AuthUser, CurrentUser, Public } from 'nest-gatehouse';
import {
  ownTokens,
  type OwnTokensOptions,
  SessionService,
  SessionsModule,
  type SessionsModuleOptions,
  type SessionSubject,
} from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { Inject } from '@nestjs/common';

import { type AppParts, type Platform, type RunningApp, startApp } from './app.js';
import type { Answer, Call } from './http.js';
import { ManualClock } from './manual-clock.js';

export const publicUrl = 'https://api.example.com';

/** Users as an app of its own keeps them. */
export class Users {
  readonly all = new Map<string, SessionSubject>();
  /** What `findSubject` throws; `null` while the users can be looked up. */
  fault: Error | null = null;
  lookUps = 0;

  constructor(...subjects: SessionSubject[]) {
    for (const subject of subjects) this.all.set(subject.id, subject);
  }

  readonly findSubject = (userId: string): SessionSubject | null => {
    this.lookUps += 1;
    if (this.fault !== null) throw this.fault;
    return this.all.get(userId) ?? null;
  };
}

@Controller()
export class SessionTestController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  /** What an app writes to sign in: it has checked the password, and names the user. */
  @Public()
  @Post('sign-in')
  async signIn(
    @Body() body: { userId: string; amr?: string[]; remember?: boolean },
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<object> {
    const { userId, amr = ['pwd'], remember = true } = body;
    const session = await this.sessions.start(userId, { request, amr, remember });
    return this.sessions.deliver(session, request, response);
  }

  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser() user: AuthUser): AuthUser {
    return user;
  }

  @UseGuards(AuthGuard)
  @Post('change')
  change(@CurrentUser() user: AuthUser): object {
    return { by: user.id };
  }
}

export interface SessionAppParts extends Partial<Omit<AppParts, 'imports' | 'controllers'>> {
  readonly clock?: ManualClock;
  readonly users?: Users;
  readonly sessions?: Partial<SessionsModuleOptions>;
  readonly auth?: Partial<AuthModuleOptions>;
  readonly own?: OwnTokensOptions;
  /** @defaultValue stores in memory of this app alone */
  readonly stores?: AppParts['imports'];
  readonly imports?: AppParts['imports'];
  readonly controllers?: AppParts['controllers'];
}

export interface SessionApp {
  readonly app: RunningApp;
  readonly clock: ManualClock;
  readonly users: Users;
  readonly service: SessionService;
  readonly client: (delivery?: 'cookies' | 'body') => SessionClient;
}

export async function startSessionApp(platform: Platform, parts: SessionAppParts = {}): Promise<SessionApp> {
  const {
    clock = new ManualClock(),
    users = new Users({ id: 'alice', name: 'Alice', email: 'alice@example.com', roles: ['admin'] }, { id: 'bob' }),
    sessions = {},
    auth = {},
    own = {},
    stores = [memoryStores({ clock })],
    imports = [],
    controllers = [],
    ...rest
  } = parts;
  const app = await startApp(platform, {
    ...rest,
    imports: [
      SessionsModule.forRoot({ findSubject: users.findSubject, ...sessions }),
      AuthModule.forRoot({ issuers: ownTokens(own), publicUrl, clock, ...auth }),
      ...stores,
      ...imports,
    ],
    controllers: [SessionTestController, ...controllers],
  });
  const service = app.nest.get(SessionService);
  return { app, clock, users, service, client: (delivery) => new SessionClient(app, delivery) };
}

/** A client that signs in, and keeps its tokens: a browser with a cookie jar, or one that receives them in the body. */
export class SessionClient {
  /** By name. */
  readonly jar = new Map<string, string>();
  /** The answer that it received last with tokens in the body. */
  tokens: { readonly access_token: string; readonly refresh_token: string } | null = null;

  constructor(
    private readonly app: RunningApp,
    private readonly delivery: 'cookies' | 'body' = 'cookies',
  ) {}

  get accessToken(): string {
    return this.tokens?.access_token ?? this.cookie('access');
  }

  get refreshToken(): string {
    return this.tokens?.refresh_token ?? this.cookie('refresh');
  }

  /** The value of the cookie whose name ends so. */
  cookie(end: string): string {
    return [...this.jar].find(([name]) => name.endsWith(end))?.[1] ?? '';
  }

  /** The same client in another tab: it has what this one has now, and does not see what comes later. */
  fork(app = this.app): SessionClient {
    const fork = new SessionClient(app, this.delivery);
    for (const [name, value] of this.jar) fork.jar.set(name, value);
    fork.tokens = this.tokens;
    return fork;
  }

  async call(path: string, call: Call & { readonly json?: object } = {}): Promise<Answer> {
    const { json, headers = [], ...rest } = call;
    const cookies = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.app.call(path, {
      ...rest,
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(this.tokens !== null && rest.token === undefined && { token: this.tokens.access_token }),
      headers: [
        ...(cookies === '' ? [] : [['Cookie', cookies] as const]),
        ...(json === undefined ? [] : [['Content-Type', 'application/json'] as const]),
        ...headers,
      ],
    });
    this.keep(answer);
    return answer;
  }

  post(path: string, json?: object, headers: Call['headers'] = []): Promise<Answer> {
    return this.call(path, { method: 'POST', headers, ...(json !== undefined && { json }) });
  }

  signIn(userId: string, more: object = {}): Promise<Answer> {
    return this.post('/sign-in', { userId, ...more }, [['X-Token-Delivery', this.delivery]]);
  }

  refresh(): Promise<Answer> {
    return this.post('/auth/refresh', this.tokens === null ? undefined : { refresh_token: this.tokens.refresh_token });
  }

  private keep({ headers, json }: Answer): void {
    for (const line of setCookiesOf({ headers })) {
      const [pair = '', ...attributes] = line.split('; ');
      const at = pair.indexOf('=');
      if (attributes.includes('Max-Age=0')) this.jar.delete(pair.slice(0, at));
      else this.jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    if (typeof json === 'object' && json !== null && 'access_token' in json) this.tokens = json as typeof this.tokens;
  }
}

/** The `Set-Cookie` lines of an answer. */
export function setCookiesOf({ headers }: Pick<Answer, 'headers'>): string[] {
  return headers['set-cookie']?.split(/, (?=[\w.-]+=)/) ?? [];
}

/** The claims of a token, without verifying it. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}
