/** Gateways with one line: each message is judged, and a connection ends with the token that it was opened with. */
import { UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, fromBearer, fromCookie, oidc } from 'nest-gatehouse';
import { OptionalAuth, Public, RequireScopes } from 'nest-gatehouse';
import { webSockets } from 'nest-gatehouse/websockets';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApp, startAppWithTimer, startApp, startIssuer } from '../support/app.js';
import { ManualTimer } from '../support/manual-timer.js';
import { ManualClock } from '../support/manual-clock.js';
import { LogLines } from '../support/log-lines.js';
import { connectSocketIo } from '../support/socket-clients.js';
import {
  deniedBody,
  invalidTokenBody,
  lackingScopeBody,
  missingTokenBody,
  socketTransports,
} from '../support/socket-transports.js';

interface Reply {
  readonly event: 'reply';
  readonly data: string;
}

const reply = (user: AuthUser | null): Reply => ({ event: 'reply', data: user?.id ?? 'anonymousCaller' });

@WebSocketGateway()
class ChatGateway {
  @UseGuards(AuthGuard)
  @SubscribeMessage('me')
  me(@CurrentUser() user: AuthUser): Reply {
    return reply(user);
  }

  @OptionalAuth()
  @SubscribeMessage('maybe')
  maybe(@CurrentUser() user: AuthUser | null): Reply {
    return reply(user);
  }

  @RequireScopes('chat:write')
  @SubscribeMessage('write')
  write(@CurrentUser() user: AuthUser): Reply {
    return reply(user);
  }

  @SubscribeMessage('unguarded')
  unguarded(@CurrentUser() user: AuthUser | null): Reply {
    return reply(user);
  }
}

@UseGuards(AuthGuard)
@WebSocketGateway()
class HouseGateway {
  @SubscribeMessage('guarded')
  guarded(@CurrentUser() user: AuthUser): Reply {
    return reply(user);
  }

  @Public()
  @SubscribeMessage('open')
  open(@CurrentUser() user: AuthUser | null): Reply {
    return reply(user);
  }
}

const exception = (pattern: string, body: object): object => ({
  event: 'exception',
  data: { status: 'error', ...body, cause: { pattern } },
});

describe.each(socketTransports)('messages over $name', ({ Adapter, connect, platform }) => {
  let clock: ManualClock;
  let timer: ManualTimer;
  let issuer: TestIssuer;
  let app: RunningApp;
  let seen: string[];

  const tokenFor = (sub: string, scope = ''): Promise<string> =>
    issuer.token({ aud: 'api', sub, scope }, { expiresIn: '5m' });

  beforeAll(async () => {
    clock = new ManualClock();
    timer = new ManualTimer();
    issuer = await startIssuer({ clock });
    seen = [];
    app = await startAppWithTimer(
      platform,
      {
        imports: [
          AuthModule.forRoot({
            issuers: oidc({ issuer: issuer.url, audience: 'api' }),
            transports: [webSockets()],
            tokenFrom: [fromBearer(), fromCookie('access_token')],
            trustedOrigins: ['https://app.example.com'],
            clock,
            toUser: (user) => {
              seen.push(user.id);
              return user;
            },
          }),
        ],
        providers: [ChatGateway, HouseGateway],
        prepare: (nest) => nest.useWebSocketAdapter(new Adapter(nest)),
      },
      timer,
    );
  });

  beforeEach(() => {
    seen.length = 0;
  });

  it("have the user of the upgrade request's header", async () => {
    const socket = await connect(app.url, { token: await tokenFor('alice') });
    for (const event of ['me', 'maybe', 'guarded']) {
      expect(await socket.ask(event)).toEqual({ event: 'reply', data: 'alice' });
    }
    expect(await socket.ask('open')).toEqual({ event: 'reply', data: 'anonymousCaller' });
    expect(await socket.ask('unguarded')).toEqual({ event: 'reply', data: 'anonymousCaller' });
    expect(seen).toEqual(['alice', 'alice', 'alice']);
    socket.close();
  });

  it('have the user of a cookie when the socket was opened by a page of the same host', async () => {
    const cookie = { Cookie: `access_token=${await tokenFor('alice')}` };
    for (const page of [{}, { Origin: app.url }, { Origin: 'https://app.example.com' }]) {
      const socket = await connect(app.url, { headers: { ...cookie, ...page } });
      expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
      socket.close();
    }
    const socket = await connect(app.url, { headers: { ...cookie, Origin: 'https://evil.example' } });
    expect(await socket.ask('me')).toEqual(exception('me', deniedBody));
    expect(await socket.ask('maybe')).toEqual(exception('maybe', deniedBody));
    socket.close();
  });

  it('are refused without a token, with an invalid one, or without the scope', async () => {
    const guest = await connect(app.url);
    expect(await guest.ask('me', { any: 'thing' })).toEqual(exception('me', missingTokenBody));
    expect(await guest.ask('guarded')).toEqual(exception('guarded', missingTokenBody));
    expect(await guest.ask('open')).toEqual({ event: 'reply', data: 'anonymousCaller' });
    const stranger = await connect(app.url, { token: await issuer.token({ aud: 'another' }) });
    expect(await stranger.ask('me')).toEqual(exception('me', invalidTokenBody('audience')));
    const reader = await connect(app.url, { token: await tokenFor('alice', 'chat:read') });
    expect(await reader.ask('write')).toEqual(exception('write', lackingScopeBody('chat:write')));
    const writer = await connect(app.url, { token: await tokenFor('alice', 'chat:write') });
    expect(await writer.ask('write')).toEqual({ event: 'reply', data: 'alice' });
    for (const socket of [guest, stranger, reader, writer]) socket.close();
  });

  it('have their own caller each, also concurrently', async () => {
    const socket = await connect(app.url, { token: await tokenFor('alice') });
    const events = Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? 'guarded' : 'open'));
    const replies = await Promise.all(events.map((event) => socket.ask(event)));
    // What is ready first is answered first; none is answered as somebody else.
    const names = replies.map(({ data }) => data);
    expect(names.filter((name) => name === 'alice')).toHaveLength(20);
    expect(names.filter((name) => name === 'anonymousCaller')).toHaveLength(20);
    socket.close();
  });

  it('end when the token expires, even without a message', async () => {
    const socket = await connect(app.url, { token: await tokenFor('alice') });
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    clock.advanceSeconds(304);
    timer.ring();
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    clock.advanceSeconds(1);
    timer.ring();
    if (connect === connectSocketIo) {
      expect(await socket.next()).toEqual({ event: 'unauthorized', data: invalidTokenBody('expired') });
      expect(await socket.end).toEqual({ reason: 'io server disconnect' });
    } else {
      expect(await socket.end).toEqual({ code: 4401, reason: 'INVALID_TOKEN: expired' });
    }
  });

  it('end with a message after the expiry, which is answered with the reason', async () => {
    const socket = await connect(app.url, { token: await tokenFor('alice') });
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    clock.advanceSeconds(306);
    expect(await socket.ask('me')).toEqual(exception('me', invalidTokenBody('expired')));
    await socket.end;
  });

  it('end when the key of the token is withdrawn', async () => {
    const rotating = await startIssuer({ clock });
    const ownTimer = new ManualTimer();
    const own = await startAppWithTimer(
      platform,
      {
        imports: [
          AuthModule.forRoot({
            issuers: oidc({ issuer: rotating.url, audience: 'api' }),
            transports: [webSockets()],
            clock,
          }),
        ],
        providers: [ChatGateway],
        prepare: (nest) => nest.useWebSocketAdapter(new Adapter(nest)),
      },
      ownTimer,
    );
    const old = await rotating.token({ aud: 'api', sub: 'alice' }, { expiresIn: '1h' });
    const socket = await connect(own.url, { token: old });
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    await rotating.rotateKeys({ keepOld: false });
    const young = await rotating.token({ aud: 'api', sub: 'bob' }, { expiresIn: '1h' });
    const other = await connect(own.url, { token: young });
    expect(await other.ask('me')).toEqual({ event: 'reply', data: 'bob' });
    clock.advanceSeconds(61);
    ownTimer.ring();
    await socket.end;
    expect(await other.ask('me')).toEqual({ event: 'reply', data: 'bob' });
    other.close();
  });

  it('are answered with an outage, in which the connection stays open', async () => {
    const quiet = await startIssuer({ clock });
    quiet.fail('503');
    const waiting = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: quiet.url, audience: 'api' }),
          transports: [webSockets()],
          clock,
        }),
      ],
      providers: [ChatGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new Adapter(nest)),
    });
    const socket = await connect(waiting.url, {
      token: await quiet.token({ aud: 'api', sub: 'alice' }, { expiresIn: '1h' }),
    });
    const refused = await socket.ask('me');
    const { retryAfterSeconds } = refused.data as { retryAfterSeconds: number };
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect(refused).toEqual(
      exception('me', {
        statusCode: 503,
        error: 'Service Unavailable',
        message: 'Authentication is not available at the moment',
        code: 'SERVER_ERROR',
        retryAfterSeconds,
      }),
    );
    quiet.recover();
    clock.advanceSeconds(60);
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    socket.close();
  });

  it('are refused when the transport is not registered, and the log names the fix', async () => {
    const logger = new LogLines();
    const unwired = await startApp(platform, {
      logger,
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock })],
      providers: [ChatGateway, HouseGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new Adapter(nest)),
    });
    const socket = await connect(unwired.url, { token: await tokenFor('alice') });
    for (const event of ['me', 'maybe', 'guarded', 'open']) {
      expect(await socket.ask(event)).toMatchObject({ event: 'exception', data: { message: 'Internal server error' } });
    }
    expect(logger.ours('error').map(({ text }) => text)).toEqual([
      expect.stringContaining('transports: [webSockets()] to the options of AuthModule; import { webSockets } from'),
    ]);
    socket.close();
  });
});
