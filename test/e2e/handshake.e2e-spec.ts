/** With an adapter of `withAuth()`, a guarded gateway accepts connections with a valid token only. */
import { type INestApplication, UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, fromBearer, fromCookie, oidc } from 'nest-gatehouse';
import { OptionalAuth, Public, RequireScopes } from 'nest-gatehouse';
import { userOf, webSockets, withAuth } from 'nest-gatehouse/websockets';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApp, startAppWithTimer, startApp, startIssuer } from '../support/app.js';
import { ManualTimer } from '../support/manual-timer.js';
import { ManualClock } from '../support/manual-clock.js';
import { connectWs } from '../support/socket-clients.js';
import {
  deniedBody,
  invalidTokenBody,
  lackingScopeBody,
  missingTokenBody,
  refusalOf,
  refused,
  type SocketTransport,
  socketTransports,
} from '../support/socket-transports.js';
import { invalidTokenChallenge } from '../support/verdicts.js';

/** Who has come in, by `handleConnection`. */
const arrived: string[] = [];

function arrive(client: object): void {
  arrived.push(userOf(client)?.id ?? 'anonymousCaller');
}

interface Reply {
  readonly event: 'reply';
  readonly data: string;
}

const reply = (user: AuthUser | null): Reply => ({ event: 'reply', data: user?.id ?? 'anonymousCaller' });

function makeGateways(place: SocketTransport['place']): (new () => object)[] {
  class Answering {
    handleConnection(client: object): void {
      arrive(client);
    }

    @SubscribeMessage('who')
    who(@CurrentUser() user: AuthUser | null): Reply {
      return reply(user);
    }
  }

  @UseGuards(AuthGuard)
  @WebSocketGateway(place('guarded'))
  class GuardedGateway extends Answering {}

  @RequireScopes('chat:write')
  @WebSocketGateway(place('writers'))
  class WritersGateway extends Answering {}

  @OptionalAuth()
  @WebSocketGateway(place('maybe'))
  class MaybeGateway extends Answering {}

  @Public()
  @WebSocketGateway(place('open'))
  class OpenGateway extends Answering {}

  @WebSocketGateway(place('plain'))
  class PlainGateway extends Answering {}

  @UseGuards(AuthGuard)
  @WebSocketGateway(place('lobby'))
  class LobbyGateway {
    @OptionalAuth()
    handleConnection(client: object): void {
      arrive(client);
    }

    @SubscribeMessage('who')
    who(@CurrentUser() user: AuthUser | null): Reply {
      return reply(user);
    }
  }

  @Public()
  @WebSocketGateway(place('shared'))
  class SharedOpenGateway extends Answering {}

  @UseGuards(AuthGuard)
  @WebSocketGateway(place('shared'))
  class SharedGuardedGateway {}

  return [
    ...[GuardedGateway, WritersGateway, MaybeGateway, OpenGateway, PlainGateway, LobbyGateway],
    ...[SharedOpenGateway, SharedGuardedGateway],
  ];
}

describe.each(socketTransports)('the handshake of $name', (transport) => {
  const { Adapter, connect, platform, place } = transport;
  let clock: ManualClock;
  let timer: ManualTimer;
  let issuer: TestIssuer;
  let app: RunningApp;

  const tokenFor = (sub: string, scope = ''): Promise<string> =>
    issuer.token({ aud: 'api', sub, scope }, { expiresIn: '5m' });

  interface Options {
    readonly guardEverything?: boolean;
    readonly from?: TestIssuer;
  }

  function start({ guardEverything = false, from = issuer }: Options, own?: ManualTimer): Promise<RunningApp> {
    const parts = {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: from.url, audience: 'api' }),
          transports: [webSockets()],
          tokenFrom: [fromBearer(), fromCookie('access_token')],
          clock,
          guardEverything,
        }),
      ],
      providers: makeGateways(place),
      prepare: (nest: INestApplication) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
    };
    return own === undefined ? startApp(platform, parts) : startAppWithTimer(platform, parts, own);
  }

  beforeAll(async () => {
    clock = new ManualClock();
    timer = new ManualTimer();
    issuer = await startIssuer({ clock });
    app = await start({}, timer);
  });

  beforeEach(() => {
    arrived.length = 0;
  });

  it('refuses a missing or invalid token before the app sees the connection', async () => {
    expect(await refusalOf(transport, app.url, { at: '/guarded' })).toEqual(
      refused(transport, missingTokenBody, 'Bearer'),
    );
    const late = await tokenFor('alice');
    clock.advanceSeconds(306);
    expect(await refusalOf(transport, app.url, { at: '/guarded', token: late })).toEqual(
      refused(transport, invalidTokenBody('expired'), invalidTokenChallenge('expired')),
    );
    const token = await issuer.token({ aud: 'api' }, { signWith: 'stranger' });
    expect(await refusalOf(transport, app.url, { at: '/guarded', token })).toEqual(
      refused(transport, invalidTokenBody('signature'), invalidTokenChallenge('signature')),
    );
    expect(arrived).toEqual([]);
  });

  it('accepts a user, who is available in handleConnection and in every message', async () => {
    const socket = await connect(app.url, { at: '/guarded', token: await tokenFor('alice') });
    expect(await socket.ask('who')).toEqual({ event: 'reply', data: 'alice' });
    expect(arrived).toEqual(['alice']);
    socket.close();
  });

  it('accepts a cookie from pages of the app only', async () => {
    const cookie = { Cookie: `access_token=${await tokenFor('alice')}` };
    const socket = await connect(app.url, { at: '/guarded', headers: { ...cookie, Origin: app.url } });
    socket.close();
    expect(
      await refusalOf(transport, app.url, { at: '/guarded', headers: { ...cookie, Origin: 'https://evil.example' } }),
    ).toEqual(refused(transport, deniedBody));
    expect(arrived).toEqual(['alice']);
  });

  it('requires the scopes of the class', async () => {
    const token = await tokenFor('alice', 'chat:read');
    expect(await refusalOf(transport, app.url, { at: '/writers', token })).toEqual(
      refused(transport, lackingScopeBody('chat:write'), 'Bearer error="insufficient_scope", scope="chat:write"'),
    );
    const writer = await connect(app.url, { at: '/writers', token: await tokenFor('alice', 'chat:write') });
    expect(await writer.ask('who')).toEqual({ event: 'reply', data: 'alice' });
    writer.close();
  });

  it('accepts anonymous callers where authentication is optional or public, on the class or on handleConnection', async () => {
    const token = await tokenFor('alice');
    for (const [at, call, who] of [
      ['/maybe', {}, 'anonymousCaller'],
      ['/maybe', { token: 'no.good.token' }, 'anonymousCaller'],
      ['/maybe', { token }, 'alice'],
      ['/lobby', {}, 'anonymousCaller'],
      ['/lobby', { token }, 'alice'],
      ['/open', { token }, 'anonymousCaller'],
      ['/plain', { token }, 'anonymousCaller'],
    ] as const) {
      arrived.length = 0;
      const socket = await connect(app.url, { at, ...call });
      if (at !== '/lobby') expect(await socket.ask('who')).toEqual({ event: 'reply', data: who });
      else if (who === 'anonymousCaller') expect(await socket.ask('who')).toMatchObject({ event: 'exception' });
      expect(arrived).toEqual([who]);
      socket.close();
    }
  });

  it('guards gateways without decorators with guardEverything', async () => {
    const everything = await start({ guardEverything: true });
    expect(await refusalOf(transport, everything.url, { at: '/plain' })).toEqual(
      refused(transport, missingTokenBody, 'Bearer'),
    );
    const socket = await connect(everything.url, { at: '/plain', token: await tokenFor('alice') });
    expect(await socket.ask('who')).toEqual({ event: 'reply', data: 'alice' });
    const guest = await connect(everything.url, { at: '/open' });
    expect(await guest.ask('who')).toEqual({ event: 'reply', data: 'anonymousCaller' });
    expect(arrived).toEqual(['alice', 'anonymousCaller']);
    for (const open of [socket, guest]) open.close();
  });

  it('checks every gateway that shares a namespace or path', async () => {
    expect(await refusalOf(transport, app.url, { at: '/shared' })).toEqual(
      refused(transport, missingTokenBody, 'Bearer'),
    );
    const socket = await connect(app.url, { at: '/shared', token: await tokenFor('alice') });
    expect(arrived).toEqual(['alice']);
    socket.close();
  });

  it('ends the connection with the token, even without a message', async () => {
    const socket = await connect(app.url, { at: '/guarded', token: await tokenFor('alice') });
    const guest = await connect(app.url, { at: '/maybe' });
    clock.advanceSeconds(305);
    timer.ring();
    const end = await socket.end;
    if (connect === connectWs) expect(end).toEqual({ code: 4401, reason: 'INVALID_TOKEN: expired' });
    else expect(await socket.next()).toEqual({ event: 'unauthorized', data: invalidTokenBody('expired') });
    expect(await guest.ask('who')).toEqual({ event: 'reply', data: 'anonymousCaller' });
    guest.close();
  });

  it('answers with an outage while the keys cannot be fetched', async () => {
    const quiet = await startIssuer({ clock });
    quiet.fail('reset');
    const waiting = await start({ from: quiet });
    const token = await quiet.token({ aud: 'api' });
    expect(await refusalOf(transport, waiting.url, { at: '/guarded', token })).toMatchObject({
      body: { statusCode: 503, code: 'SERVER_ERROR' },
      ...(connect === connectWs && { status: 503 }),
    });
    expect(arrived).toEqual([]);
    quiet.recover();
    clock.advanceSeconds(60);
    (await connect(waiting.url, { at: '/guarded', token })).close();
  });
});
