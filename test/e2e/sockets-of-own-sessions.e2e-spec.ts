/** Sockets and subscriptions that were opened with the app's own tokens: they live while the session does. */
import { UseGuards } from '@nestjs/common';
import { Field, ObjectType, Query, Resolver, Subscription } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard, AuthModule, CurrentUser, IssuerKeys } from 'nest-gatehouse';
import {
  ownTokens,
  type Session,
  SessionService,
  SessionsModule,
  SigningKeys,
  SigningKeyStore,
} from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AppParts, type Platform, type RunningApp, startAppWithTimer } from '../support/app.js';
import { connect as connectGraphql } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { publicUrl, Users } from '../support/session-app.js';
import { connectSocketIo, type SocketCall } from '../support/socket-clients.js';
import { invalidTokenBody, refusalOf, socketTransports } from '../support/socket-transports.js';

let clock: ManualClock;
let timer: ManualTimer;
let users: Users;

beforeEach(() => {
  clock = new ManualClock();
  timer = new ManualTimer();
  users = new Users({ id: 'alice' });
});

const startStory = (platform: Platform, parts: AppParts, stores = memoryStores({ clock })): Promise<RunningApp> =>
  startAppWithTimer(
    platform,
    {
      ...parts,
      imports: [
        AuthModule.forRoot({
          issuers: ownTokens(),
          publicUrl,
          clock,
          transports: [webSockets()],
          revocation: { refreshSeconds: 0.1 },
        }),
        SessionsModule.forRoot({ findSubject: users.findSubject, session: { idleSeconds: 3_600 } }),
        stores,
        ...(parts.imports ?? []),
      ],
    },
    timer,
  );

const sessionsOf = (app: RunningApp): SessionService => app.nest.get(SessionService);

/** Lets the time pass and the connections be checked, and then whatever follows from it. */
async function pass(seconds: number): Promise<void> {
  clock.advanceSeconds(seconds);
  timer.ring();
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

@UseGuards(AuthGuard)
@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('me')
  me(@CurrentUser('id') id: string): object {
    return { event: 'reply', data: id };
  }
}

describe.each(socketTransports)('a socket of an own session over $name', (transport) => {
  const { Adapter, connect, platform } = transport;
  const parts: AppParts = {
    providers: [ChatGateway],
    prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
  };
  let app: RunningApp;
  let session: Session;

  beforeEach(async () => {
    app = await startStory(platform, parts);
    session = await sessionsOf(app).start('alice');
  });

  const byCookie = (): SocketCall => ({
    headers: { Cookie: `__Host-access=${session.accessToken}`, Origin: publicUrl },
  });
  const reply = { event: 'reply', data: 'alice' };
  const ended = (reason: 'expired' | 'revoked' | 'key'): object =>
    connect === connectSocketIo
      ? { reason: 'io server disconnect' }
      : { code: 4401, reason: `INVALID_TOKEN: ${reason}` };

  it('stays open while the session is refreshed, long after its token has expired', async () => {
    const socket = await connect(app.url, byCookie());
    expect(await socket.ask('me')).toEqual(reply);
    for (let hour = 0; hour < 5; hour += 1) {
      for (let time = 0; time < 6; time += 1) await pass(590);
      session = await sessionsOf(app).refresh(session.refreshToken);
      expect(await socket.ask('me')).toEqual(reply);
    }
    socket.close();
  });

  it('is closed when the session has not been used for too long', async () => {
    const socket = await connect(app.url, { token: session.accessToken });
    for (let time = 0; time < 5; time += 1) await pass(606);
    expect(await socket.ask('me')).toEqual(reply);
    await pass(606);
    await pass(606);
    expect(await socket.end).toEqual(ended('expired'));
  });

  it('is closed when the user signs out of the session, at once', async () => {
    const [socket, other] = [
      await connect(app.url, byCookie()),
      await connect(app.url, { token: (await sessionsOf(app).start('alice')).accessToken }),
    ];
    await pass(606);
    const headers = [['Cookie', `__Host-refresh=${session.refreshToken}`]] as const;
    expect((await app.call('/auth/sign-out', { method: 'POST', headers })).status).toBe(204);
    await pass(0);
    expect(await socket.end).toEqual(ended('revoked'));
    expect(await other.ask('me')).toEqual(reply);
    await sessionsOf(app).endAll('alice');
    await pass(0);
    expect(await other.end).toEqual(ended('revoked'));
  });

  it('is closed at the next check when its user has other roles', async () => {
    users.all.set('alice', { id: 'alice', roles: ['admin'] });
    session = await sessionsOf(app).start('alice');
    const socket = await connect(app.url, byCookie());
    await pass(606);
    expect(await socket.ask('me')).toEqual(reply);
    users.all.set('alice', { id: 'alice', roles: ['reader'] });
    await pass(606);
    expect(await socket.end).toEqual(ended('expired'));
    // A new token has the new roles.
    const again = await connect(app.url, { token: (await sessionsOf(app).refresh(session.refreshToken)).accessToken });
    expect(await again.ask('me')).toEqual(reply);
  });

  it('is closed at the next check when its user was deleted', async () => {
    const socket = await connect(app.url, byCookie());
    await pass(606);
    expect(await socket.ask('me')).toEqual(reply);
    users.all.delete('alice');
    await pass(606);
    expect(await socket.end).toEqual(ended('expired'));
  });

  it('is closed when the key of its token was removed', async () => {
    const [store, keys] = [app.nest.get(SigningKeyStore), app.nest.get(IssuerKeys)];
    const socket = await connect(app.url, byCookie());
    await pass(606);
    expect(await socket.ask('me')).toEqual(reply);
    const former = (await store.list()).map(({ kid }) => kid);
    await app.nest.get(SigningKeys).rotate();
    await store.remove(former);
    await keys.refresh();
    await pass(606);
    expect(await socket.end).toEqual(ended('key'));
  });

  it('is closed when a second instance ends the session', async () => {
    const stores = memoryStores({ clock });
    const [one, other] = [await startStory(platform, parts, stores), await startStory(platform, {}, stores)];
    session = await sessionsOf(other).start('alice');
    const socket = await connect(one.url, byCookie());
    await pass(606);
    expect(await socket.ask('me')).toEqual(reply);
    await sessionsOf(other).end(session.id);
    // Within refreshSeconds, which is real time.
    const state = { isOver: false };
    void socket.end.then(() => (state.isOver = true));
    const check = async (): Promise<boolean> => {
      await pass(0);
      return state.isOver;
    };
    await expect.poll(check, { timeout: 5_000 }).toBe(true);
    expect(await socket.end).toEqual(ended('revoked'));
  });

  it('is not opened by pages of other sites, nor with a refresh token', async () => {
    const call = { headers: { ...byCookie().headers, Origin: 'https://evil.example' } };
    expect(await refusalOf(transport, app.url, call)).toMatchObject({ body: { code: 'ACCESS_DENIED' } });
    const refresh = await refusalOf(transport, app.url, { token: session.refreshToken });
    expect(refresh).toMatchObject({ body: invalidTokenBody('type') });
  });
});

@ObjectType()
class Tick {
  @Field(() => String)
  seenBy!: string;
}

@UseGuards(AuthGuard)
@Resolver(() => Tick)
class TicksResolver {
  @Query(() => String)
  me(@CurrentUser('id') id: string): string {
    return id;
  }

  @Subscription(() => Tick)
  async *tick(@CurrentUser('id') id: string): AsyncGenerator<object> {
    yield { tick: { seenBy: id } };
    await new Promise(() => undefined);
  }
}

describe.each(graphqlEngines)('a subscription of an own session by $name', ({ platform, importModule, closeCode }) => {
  it('stays open after its token has expired, takes operations, and ends with the session', async () => {
    const app = await startStory(platform, { imports: [importModule()], providers: [TicksResolver] });
    const session = await sessionsOf(app).start('alice');
    const { client, closed, nextClose } = connectGraphql(app, { connectionParams: { token: session.accessToken } });
    const results = client.iterate({ query: 'subscription { tick { seenBy } }' });
    expect((await results.next()).value).toMatchObject({ data: { tick: { seenBy: 'alice' } } });
    await pass(606);
    await pass(606);
    for await (const result of client.iterate({ query: '{ me }' })) expect(result).toEqual({ data: { me: 'alice' } });
    expect(closed).toEqual([]);
    const close = nextClose();
    await sessionsOf(app).end(session.id);
    await pass(0);
    expect(await close).toBe(closeCode);
    await client.dispose();
  });
});
