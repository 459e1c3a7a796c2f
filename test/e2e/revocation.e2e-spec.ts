/** Tokens that are taken back before they expire: by token, session, user and client; for one app and for two that share a store. */
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthUser,
  CurrentUser,
  oidc,
  OptionalAuth,
  RevocationService,
  RevocationStore,
} from 'nest-gatehouse';
import { MemoryRevocationStore, type TestIssuer } from 'nest-gatehouse/testing';
import { webSockets } from 'nest-gatehouse/websockets';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines, see } from '../support/log-lines.js';
import { ManualClock } from '../support/manual-clock.js';
import { connectSocketIo } from '../support/socket-clients.js';
import { socketTransports } from '../support/socket-transports.js';
import { invalidToken, unavailable, verdictOf } from '../support/verdicts.js';

@Controller()
class MeController {
  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser() user: AuthUser): object {
    return { id: user.id, sessionId: user.sessionId, clientId: user.clientId };
  }

  @OptionalAuth()
  @Get('maybe')
  maybe(@CurrentUser() user: AuthUser | null): object {
    return { id: user?.id ?? null };
  }
}

describe.each(platforms)('revocation, on $name', (platform) => {
  let issuer: TestIssuer;
  let clock: ManualClock;
  let app: RunningApp;
  let revocation: RevocationService;

  beforeAll(async () => {
    clock = new ManualClock();
    issuer = await startIssuer({ clock });
    app = await start();
    revocation = app.nest.get(RevocationService);
  });

  beforeEach(() => {
    clock.advanceSeconds(10);
  });

  const start = (more: Partial<AuthModuleOptions> = {}, store?: RevocationStore | object, log?: LogLines) =>
    startWith(
      platform,
      { issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock, revocation: true, ...more },
      { store, log },
    );

  let tokens = 0;
  const newToken = (claims: object = {}): Promise<string> => {
    tokens += 1;
    const all = { aud: 'api', sub: 'alice', jti: `j${tokens}`, sid: `s${tokens}`, client_id: 'web', ...claims };
    return issuer.token(all, { expiresIn: '10m' });
  };
  /** Used until it is remembered. */
  const usedToken = async (claims: object = {}): Promise<string> => {
    const token = await newToken(claims);
    for (let time = 0; time < 3; time += 1) expect((await app.call('/me', { token })).status).toBe(200);
    return token;
  };
  const verdict = async (token: string, path = '/me', at = app) => {
    const answer = await at.call(path, { token });
    return answer.status === 200 ? 'passed' : verdictOf(answer);
  };
  const expiresAt = (): Date => new Date(clock.now().getTime() + 600_000);
  const revoked = invalidToken('revoked');

  it('refuses a token that was remembered at once, and no other token of the user', async () => {
    const [token, other] = [await usedToken({ jti: 'stolen' }), await usedToken()];
    await revocation.revokeToken({ issuer: issuer.url, id: 'stolen', expiresAt: expiresAt() });
    expect(await verdict(token)).toEqual(revoked);
    expect((await app.call('/maybe', { token })).json).toEqual({ id: null });
    expect(await verdict(token)).toEqual(revoked);
    expect(await verdict(other)).toBe('passed');
  });

  it('refuses both forms of a token whose ES256 signature (r, s) was changed to the equally valid (r, n - s)', async () => {
    const token = await usedToken({ jti: 'two-forms' });
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const [header, payload, signature = ''] = token.split('.');
    const [r, s] = [0, 32].map((at) => Buffer.from(signature, 'base64url').subarray(at, at + 32));
    const other = (order - BigInt(`0x${s?.toString('hex') ?? ''}`)).toString(16).padStart(64, '0');
    const changed = Buffer.concat([r ?? Buffer.alloc(0), Buffer.from(other, 'hex')]).toString('base64url');
    const second = `${header}.${payload}.${changed}`;
    expect(await verdict(second)).toBe('passed');
    await revocation.revokeToken({ issuer: issuer.url, id: 'two-forms', expiresAt: expiresAt() });
    expect([await verdict(token), await verdict(second)]).toEqual([revoked, revoked]);
  });

  it('refuses a token that comes for the first time', async () => {
    await revocation.revokeToken({ issuer: issuer.url, id: 'unseen', expiresAt: expiresAt() });
    expect(await verdict(await newToken({ jti: 'unseen' }))).toEqual(revoked);
  });

  it('ends a session, and takes a new one of the same second', async () => {
    const old = await usedToken({ sid: 'old' });
    await revocation.revokeSession({ issuer: issuer.url, sessionId: 'old' });
    expect(await verdict(old)).toEqual(revoked);
    expect(await verdict(await newToken({ sid: 'new' }))).toBe('passed');
    expect(await verdict(await newToken({ sid: 'old' }))).toEqual(revoked);
  });

  it.each([
    ['user', 'sub', (id: string) => revocation.revokeUser({ issuer: issuer.url, userId: id })],
    ['client', 'client_id', (id: string) => revocation.revokeClient({ issuer: issuer.url, clientId: id })],
    ['client by azp', 'azp', (id: string) => revocation.revokeClient({ issuer: issuer.url, clientId: id })],
  ] as const)('refuses what a %s was issued until now', async (name, claim, revoke) => {
    const of = { client_id: undefined, [claim]: `the ${name}` };
    const [token, others] = [await usedToken(of), await usedToken()];
    await revoke(`the ${name}`);
    expect(await verdict(token)).toEqual(revoked);
    expect(await verdict(await newToken(of))).toEqual(revoked);
    expect(await verdict(others)).toBe('passed');
    clock.advanceSeconds(1);
    expect(await verdict(await newToken(of))).toBe('passed');
    expect(await verdict(token)).toEqual(revoked);
  });

  it('tells handlers the ids that revocations take', async () => {
    const answer = await app.call('/me', { token: await newToken({ sid: 'mine', client_id: 'shop' }) });
    expect(answer.json).toEqual({ id: 'alice', sessionId: 'mine', clientId: 'shop' });
  });

  it('logs why, without the token', async () => {
    const log = new LogLines();
    const logged = await start({}, undefined, log);
    const token = await newToken({ jti: 'logged' });
    await logged.nest.get(RevocationService).revokeToken({ issuer: issuer.url, id: 'logged', expiresAt: expiresAt() });
    expect(await verdict(token, '/me', logged)).toEqual(revoked);
    expect(log.ours('debug').map(({ text }) => text)).toEqual([
      `MeController.me: refused (INVALID_TOKEN, revoked). revokeToken() was called for its "jti"${see('INVALID_TOKEN', 'revoked')}`,
    ]);
  });

  it('refuses nothing that the issuer of another token has revoked', async () => {
    const other = await startIssuer({ clock });
    const both = [issuer, other].map(({ url }) => oidc({ issuer: url, audience: 'api' }));
    const app2 = await start({ issuers: both });
    await app2.nest.get(RevocationService).revokeUser({ issuer: other.url, userId: 'alice' });
    expect(await verdict(await newToken(), '/me', app2)).toBe('passed');
    expect(await verdict(await other.token({ aud: 'api', sub: 'alice' }), '/me', app2)).toEqual(revoked);
  });

  it('is shared by apps that provide the same store, before their first request and after', async () => {
    const store = new MemoryRevocationStore(clock);
    const fast = { revocation: { refreshSeconds: 0.1 } };
    const one = await start(fast, store);
    const [first, second] = [await newToken({ sid: 'first' }), await newToken({ sid: 'second' })];
    await one.nest.get(RevocationService).revokeSession({ issuer: issuer.url, sessionId: 'first' });
    const two = await start(fast, store);
    expect(await verdict(first, '/me', two)).toEqual(revoked);
    expect(await verdict(second, '/me', two)).toBe('passed');

    await one.nest.get(RevocationService).revokeSession({ issuer: issuer.url, sessionId: 'second' });
    expect(await verdict(second, '/me', one)).toEqual(revoked);
    await expect.poll(() => verdict(second, '/me', two), { interval: 20 }).toEqual(revoked);
  });

  it('answers 503 when it starts without its store, and says so in the log', async () => {
    const log = new LogLines();
    const store = new UnreachableStore();
    const lost = await start({ revocation: { refreshSeconds: 0.1 } }, store, log);
    const token = await newToken();
    const answer = await lost.call('/me', { token });
    expect(verdictOf(answer)).toEqual(unavailable);
    expect(answer.headers['retry-after']).toBe('1');
    expect(log.ours('error')).toHaveLength(1);
    expect(log.ours('error')[0]?.text).toContain(
      'Cannot get revocations from the store: it failed. Until it answers, tokens are answered with 503',
    );
    const service = lost.nest.get(RevocationService);
    await expect(service.revokeUser({ issuer: issuer.url, userId: 'alice' })).rejects.toMatchObject({
      code: 'SERVER_ERROR',
    });
    store.isReachable = true;
    const bobs = await newToken({ sub: 'bob' });
    await expect.poll(() => verdict(bobs, '/me', lost), { interval: 20 }).toBe('passed');
    // The revocation that the store did not take holds here.
    expect(await verdict(token, '/me', lost)).toEqual(revoked);
  });

  it('does not start with two stores, or with something else in the place of one', async () => {
    const two = start({}, [new MemoryRevocationStore(), new MemoryRevocationStore()]);
    await expect(two).rejects.toThrow('two modules provide a RevocationStore');
    await expect(start({}, {})).rejects.toThrow('has not the methods of one');
    expect(() => start({ revocation: { refreshSeconds: -1 } })).toThrow('forRoot({ revocation })({ refreshSeconds })');
  });

  it('names the option where it is off', async () => {
    const off = await start({ revocation: false });
    const service = off.nest.get(RevocationService);
    const call = service.revokeSession({ issuer: issuer.url, sessionId: 's1' });
    await expect(call).rejects.toMatchObject({ path: 'AuthModule.forRoot({ revocation })' });
    expect(await verdict(await newToken(), '/me', off)).toBe('passed');
  });
});

@UseGuards(AuthGuard)
@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('me')
  me(@CurrentUser() user: AuthUser): object {
    return { event: 'reply', data: user.id };
  }
}

describe.each(socketTransports)('connections over $name', ({ Adapter, connect, platform }) => {
  it('end when their token is revoked, without a message', async () => {
    const issuer = await startIssuer();
    const app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          transports: [webSockets()],
          revocation: true,
        }),
      ],
      providers: [ChatGateway],
      prepare: (nest) => nest.useWebSocketAdapter(new Adapter(nest)),
    });
    const open = async (sid: string) => {
      const socket = await connect(app.url, { token: await issuer.token({ aud: 'api', sub: 'alice', sid }) });
      expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
      return socket;
    };
    const [lost, kept] = [await open('lost'), await open('kept')];
    await app.nest.get(RevocationService).revokeSession({ issuer: issuer.url, sessionId: 'lost' });
    const socketIo = { reason: 'io server disconnect' };
    expect(await lost.end).toEqual(
      connect === connectSocketIo ? socketIo : { code: 4401, reason: 'INVALID_TOKEN: revoked' },
    );
    expect(await kept.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    kept.close();
  });
});

/** Out of reach until the test says otherwise. */
class UnreachableStore extends MemoryRevocationStore {
  isReachable = false;

  override async add(entries: Parameters<RevocationStore['add']>[0]): Promise<void> {
    if (!this.isReachable) throw new Error('connect ECONNREFUSED');
    return super.add(entries);
  }

  override async snapshot(): ReturnType<RevocationStore['snapshot']> {
    if (!this.isReachable) throw new Error('connect ECONNREFUSED');
    return super.snapshot();
  }
}

interface AppExtras {
  /** One, or a list of which each is provided by a module of its own. */
  readonly store?: object | undefined;
  readonly log?: LogLines | undefined;
}

function startWith(platform: Platform, options: AuthModuleOptions, { store, log }: AppExtras): Promise<RunningApp> {
  const modules = (Array.isArray(store) ? (store as object[]) : [store]).flatMap((value) => {
    if (value === undefined) return [];
    @Module({ providers: [{ provide: RevocationStore, useValue: value }] })
    class StoreModule {}
    return [StoreModule];
  });
  return startApp(platform, {
    imports: [AuthModule.forRoot(options), ...modules],
    controllers: [MeController],
    ...(log !== undefined && { logger: log }),
  });
}
