/** Sockets and GraphQL operations that a page of another site starts: a browser adds cookies to them by itself. */
import type { INestApplication } from '@nestjs/common';
import { UseGuards } from '@nestjs/common';
import { Mutation, Query, Resolver } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard, AuthModule, type AuthModuleOptions, type AuthUser, CurrentUser, fromBearer } from 'nest-gatehouse';
import { fromCookie, oidc, OptionalAuth } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeAll, describe, expect, it } from 'vitest';
import { behindProxy, type Platform, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { ask, askOverSocket, type GraphqlResult } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { deniedBody, refusalOf, refused, socketTransports } from '../support/socket-transports.js';

type Headers = Readonly<Record<string, string>>;

const foreignPages: readonly Headers[] = [
  { Origin: 'https://evil.example' },
  { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
  { Origin: 'null' },
  { 'Sec-Fetch-Site': 'cross-site' },
  { 'Sec-Fetch-Site': 'same-site' },
];
const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'api.example.com' };

/** Headers of pages that may open a socket of an app at this address. */
const ownPages = (url: string): readonly Headers[] => [
  {},
  { Origin: url },
  { Origin: url, 'Sec-Fetch-Site': 'cross-site' },
  { Origin: 'https://app.example.com' },
  { 'Sec-Fetch-Site': 'same-origin' },
];

@WebSocketGateway()
class ChatGateway {
  @UseGuards(AuthGuard)
  @SubscribeMessage('me')
  me(@CurrentUser() user: AuthUser): object {
    return { event: 'reply', data: user.id };
  }

  @OptionalAuth()
  @SubscribeMessage('maybe')
  maybe(@CurrentUser() user: AuthUser | null): object {
    return { event: 'reply', data: user?.id ?? 'anonymous' };
  }
}

describe.each(socketTransports)('sockets of other sites over $name', (transport) => {
  const { Adapter, connect, platform } = transport;
  let issuer: TestIssuer;
  let token: string;
  let cookie: Headers;

  const start = (
    options: Partial<AuthModuleOptions> = {},
    on: Platform = platform,
    AnyAdapter: typeof Adapter = Adapter,
  ): Promise<RunningApp> =>
    startApp(on, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          transports: [webSockets()],
          tokenFrom: [fromCookie('access_token'), fromBearer()],
          trustedOrigins: ['https://app.example.com'],
          ...options,
        }),
      ],
      providers: [ChatGateway],
      prepare: (nest: INestApplication) => nest.useWebSocketAdapter(new AnyAdapter(nest)),
    });

  const replies = async (app: RunningApp, headers: Headers): Promise<readonly unknown[]> => {
    const socket = await connect(app.url, { headers: { ...cookie, ...headers } });
    const events = [await socket.ask('me'), await socket.ask('maybe')];
    socket.close();
    return events;
  };

  const alice = ['me', 'maybe'].map(() => ({ event: 'reply', data: 'alice' }));
  const denied = ['me', 'maybe'].map((pattern) => ({
    event: 'exception',
    data: { status: 'error', ...deniedBody, cause: { pattern } },
  }));

  beforeAll(async () => {
    issuer = await startIssuer();
    token = await issuer.token({ aud: 'api', sub: 'alice' });
    cookie = { Cookie: `access_token=${token}` };
  });

  it('have their messages refused, on optional handlers too', async () => {
    const app = await start();
    for (const headers of ownPages(app.url)) expect(await replies(app, headers)).toEqual(alice);
    for (const headers of foreignPages) expect(await replies(app, headers)).toEqual(denied);
  });

  it('are refused at the handshake with a cookie, and not with a token that the page sends itself', async () => {
    class GuardedAdapter extends withAuth(Adapter) {}
    @UseGuards(AuthGuard)
    @WebSocketGateway()
    class GuardedGateway extends ChatGateway {}
    const app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          transports: [webSockets()],
          tokenFrom: [fromCookie('access_token'), fromBearer()],
        }),
      ],
      providers: [GuardedGateway],
      prepare: (nest: INestApplication) => nest.useWebSocketAdapter(new GuardedAdapter(nest)),
    });
    for (const headers of foreignPages) {
      const call = { headers: { ...cookie, ...headers } };
      expect(await refusalOf(transport, app.url, call)).toEqual(refused(transport, deniedBody));
      const socket = await connect(app.url, { headers, token });
      expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
      socket.close();
    }
    expect(await replies(app, { Origin: app.url })).toEqual(alice);
  });

  it('are refused by a cookie for which the app has turned the check of requests off', async () => {
    const app = await start({ tokenFrom: [fromCookie('access_token', { checkOrigin: false })] });
    expect(await replies(app, { Origin: 'https://evil.example' })).toEqual(denied);
    expect(await replies(app, { Origin: app.url })).toEqual(alice);
  });

  it('are told from own ones by publicUrl', async () => {
    const app = await start({ publicUrl: 'https://api.example.com' });
    expect(await replies(app, { Origin: 'https://api.example.com' })).toEqual(alice);
    expect(await replies(app, { Origin: app.url })).toEqual(denied);
  });

  it('are told from own ones by what the proxy forwards, where the adapter is set to believe it', async () => {
    const app = await start({}, behindProxy(platform));
    expect(await replies(app, { Origin: 'https://api.example.com', ...forwarded })).toEqual(alice);
    const webSocketScheme = { ...forwarded, 'X-Forwarded-Proto': 'wss' };
    expect(await replies(app, { Origin: 'https://api.example.com', ...webSocketScheme })).toEqual(alice);
    expect(await replies(app, { Origin: app.url, ...forwarded })).toEqual(denied);
    const plain = await start();
    expect(await replies(plain, { Origin: 'https://api.example.com', ...forwarded })).toEqual(denied);
    expect(await replies(plain, { Origin: plain.url, ...forwarded })).toEqual(alice);
  });
});

@Resolver()
class CatsResolver {
  @UseGuards(AuthGuard)
  @Query(() => String)
  me(@CurrentUser('id') id: string): string {
    return id;
  }

  @OptionalAuth()
  @Query(() => String)
  maybe(@CurrentUser() user: AuthUser | null): string {
    return user?.id ?? 'anonymous';
  }

  @UseGuards(AuthGuard)
  @Mutation(() => String)
  adopt(@CurrentUser('id') id: string): string {
    return id;
  }
}

describe.each(graphqlEngines)('GraphQL operations of other sites by $name', ({ platform, importModule }) => {
  let issuer: TestIssuer;
  let token: string;
  let cookie: Headers;
  let app: RunningApp;

  const start = (options: Partial<AuthModuleOptions>, on: Platform): Promise<RunningApp> =>
    startApp(on, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          tokenFrom: [fromCookie('access_token'), fromBearer()],
          trustedOrigins: ['https://app.example.com'],
          ...options,
        }),
        importModule(),
      ],
      providers: [CatsResolver],
    });

  beforeAll(async () => {
    issuer = await startIssuer();
    token = await issuer.token({ aud: 'api', sub: 'alice' });
    cookie = { Cookie: `access_token=${token}` };
    app = await start({}, platform);
  });

  const headersOf = (headers: Headers): { headers: [string, string][] } => ({
    headers: Object.entries({ ...cookie, ...headers }),
  });

  const deniedErrors = [{ code: 'FORBIDDEN', originalError: deniedBody }];
  const errorsOf = ({ errors }: GraphqlResult): unknown => errors?.map(({ extensions }) => forbiddenOf(extensions));

  it('are refused by POST, queries and optional fields too', async () => {
    for (const headers of foreignPages) {
      for (const query of ['mutation { adopt }', '{ me }', '{ maybe }']) {
        const answer = await ask(app, query, headersOf(headers));
        expect(errorsOf(answer)).toEqual(deniedErrors);
        expect(answer.http.headers['www-authenticate']).toBeUndefined();
      }
    }
    for (const headers of ownPages(app.url)) {
      const { data } = await ask(app, 'mutation { adopt }', headersOf(headers));
      expect(data).toEqual({ adopt: 'alice' });
    }
  });

  it('pass as queries by GET, and with a token that the page sends itself', async () => {
    const foreign = { Origin: 'https://evil.example', 'Apollo-Require-Preflight': 'yes' };
    const answer = await app.call('/graphql?query=%7Bme%7D', headersOf(foreign));
    expect([answer.status, answer.json]).toEqual([200, { data: { me: 'alice' } }]);
    const { data } = await ask(app, 'mutation { adopt }', { token, headers: Object.entries(foreign) });
    expect(data).toEqual({ adopt: 'alice' });
  });

  it('are refused over a socket that a cookie has opened, whatever connectionParams state', async () => {
    const connectionParams = { origin: app.url, headers: { Origin: app.url, 'Sec-Fetch-Site': 'same-origin' } };
    for (const headers of foreignPages) {
      for (const query of ['mutation { adopt }', '{ me }', '{ maybe }']) {
        const refusedOperation = await askOverSocket(app, query, {
          headers: { ...cookie, ...headers },
          connectionParams,
        });
        expect(errorsOf(refusedOperation)).toEqual(deniedErrors);
      }
      const { data } = await askOverSocket(app, '{ me }', { headers, connectionParams: { token } });
      expect(data).toEqual({ me: 'alice' });
    }
    for (const headers of ownPages(app.url)) {
      const { data } = await askOverSocket(app, '{ me }', { headers: { ...cookie, ...headers } });
      expect(data).toEqual({ me: 'alice' });
    }
  });

  it('are told from own ones by publicUrl, or by what the proxy forwards', async () => {
    const stated = await start({ publicUrl: 'https://api.example.com' }, platform);
    const trusting = await start({}, behindProxy(platform));
    const own = { ...forwarded, Origin: 'https://api.example.com' };
    for (const running of [stated, trusting]) {
      const foreign = { ...forwarded, Origin: running.url };
      expect((await ask(running, 'mutation { adopt }', headersOf(own))).data).toEqual({ adopt: 'alice' });
      expect(errorsOf(await ask(running, 'mutation { adopt }', headersOf(foreign)))).toEqual(deniedErrors);
      const socket = await askOverSocket(running, '{ me }', { headers: { ...cookie, ...own } });
      expect(socket.data).toEqual({ me: 'alice' });
      const foreignSocket = await askOverSocket(running, '{ me }', { headers: { ...cookie, ...foreign } });
      expect(errorsOf(foreignSocket)).toEqual(deniedErrors);
    }
  });
});

function forbiddenOf(extensions: Readonly<Record<string, unknown>> | undefined): object {
  return { code: extensions?.['code'], originalError: extensions?.['originalError'] };
}
