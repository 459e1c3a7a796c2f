/** Connections of sessions: a socket, a subscription and a stream outlive the token, and end with the session. */
import { UseGuards } from '@nestjs/common';
import { Controller } from '@nestjs/common';
import { Field, ObjectType, Query, Resolver, Subscription } from '@nestjs/graphql';
import { GrpcMethod } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AuthGuard,
  AuthModule,
  AuthUnavailableError,
  type AuthUser,
  CurrentUser,
  defineProvider,
  type IdentityProvider,
  oidc,
  OptionalAuth,
  RevocationService,
} from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { NEVER, type Observable, startWith } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startAppWithTimer, startIssuer } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { connect as connectGraphql } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { connectGrpc, grpcOptions, metadataWith } from '../support/message-transports.js';
import { connectSocketIo, type NotConnected } from '../support/socket-clients.js';
import { invalidTokenBody, socketTransports } from '../support/socket-transports.js';
import { sentences } from '../support/verdicts.js';

/** The sessions of an issuer, by the `sid` of its tokens. An answer holds for ten minutes. */
class Sessions {
  readonly active = new Set<unknown>(['s1']);
  isDown = false;
  asked = 0;

  constructor(private readonly clock: ManualClock) {}

  async stillActive(claims: Readonly<Record<string, unknown>>): Promise<Date | null> {
    this.asked += 1;
    if (this.isDown) throw new AuthUnavailableError('The store of sessions does not answer', 2);
    return this.active.has(claims['sid']) ? new Date(this.clock.now().getTime() + 600_000) : null;
  }
}

let clock: ManualClock;
let timer: ManualTimer;
let issuer: TestIssuer;
let sessions: Sessions;
let provider: IdentityProvider;

beforeEach(async () => {
  clock = new ManualClock();
  timer = new ManualTimer();
  issuer = await startIssuer({ clock });
  sessions = new Sessions(clock);
  const { name, claimMap, issuers } = oidc({ issuer: issuer.url, audience: 'api' });
  provider = defineProvider({
    ...{ name, claimMap },
    issuers: issuers.map((each) => ({
      ...each,
      sessions: { create: () => ({ stillActive: ({ claims }) => sessions.stillActive(claims) }) },
    })),
  });
});

const tokenOfSession = (sid: string): Promise<string> =>
  issuer.token({ aud: 'api', sub: 'alice', sid }, { expiresIn: '5m' });

/** Lets the time pass and the connections be checked, and then whatever follows from it. */
async function pass(seconds: number): Promise<void> {
  clock.advanceSeconds(seconds);
  timer.ring();
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Reply {
  readonly event: 'reply';
  readonly data: string;
}

@UseGuards(AuthGuard)
@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('me')
  me(@CurrentUser('id') id: string): Reply {
    return { event: 'reply', data: id };
  }

  @OptionalAuth()
  @SubscribeMessage('maybe')
  maybe(@CurrentUser() user: AuthUser | null): Reply {
    return { event: 'reply', data: user?.id ?? 'anonymous' };
  }
}

describe.each(socketTransports)('a socket of a session over $name', ({ Adapter, connect, platform }) => {
  let app: RunningApp;

  beforeEach(async () => {
    app = await startAppWithTimer(
      platform,
      {
        imports: [AuthModule.forRoot({ issuers: provider, transports: [webSockets()], clock, revocation: true })],
        providers: [ChatGateway],
        prepare: (nest) => nest.useWebSocketAdapter(new (withAuth(Adapter))(nest)),
      },
      timer,
    );
  });

  const ended = (reason: 'expired' | 'revoked'): object =>
    connect === connectSocketIo
      ? { reason: 'io server disconnect' }
      : { code: 4401, reason: `INVALID_TOKEN: ${reason}` };

  it('stays open after its token has expired, and its messages are those of the user', async () => {
    const socket = await connect(app.url, { token: await tokenOfSession('s1') });
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    await pass(306);
    for (let minute = 0; minute < 5; minute += 1) await pass(60);
    expect(sessions.asked).toBe(1);
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    expect(await socket.ask('maybe')).toEqual({ event: 'reply', data: 'alice' });
    await pass(600);
    expect(sessions.asked).toBe(2);
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    socket.close();
  });

  it('accepts a message although it comes before the check', async () => {
    const socket = await connect(app.url, { token: await tokenOfSession('s1') });
    clock.advanceSeconds(306);
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    socket.close();
  });

  it('is closed when the session is no longer active', async () => {
    const socket = await connect(app.url, { token: await tokenOfSession('s1') });
    await pass(306);
    sessions.active.clear();
    await pass(600);
    expect(await socket.end).toEqual(ended('expired'));
  });

  it('is closed at once when its session is revoked', async () => {
    const socket = await connect(app.url, { token: await tokenOfSession('s1') });
    await pass(306);
    await app.nest.get(RevocationService).revokeSession({ issuer: issuer.url, sessionId: 's1' });
    const refused = await socket.ask('me');
    expect(refused.data).toMatchObject({ code: 'INVALID_TOKEN', reason: 'revoked' });
    await pass(0);
    expect(await socket.end).toEqual(ended('revoked'));
  });

  it('stays open for a minute while nothing is known of the session', async () => {
    const socket = await connect(app.url, { token: await tokenOfSession('s1') });
    sessions.isDown = true;
    await pass(306);
    expect((await socket.ask('me')).data).toMatchObject({ code: 'SERVER_ERROR' });
    await pass(20);
    sessions.isDown = false;
    await pass(1);
    expect(await socket.ask('me')).toEqual({ event: 'reply', data: 'alice' });
    sessions.isDown = true;
    await pass(660);
    expect(await socket.end).toEqual(ended('expired'));
  });

  it('is not opened with an expired token, and not kept for a token of another session', async () => {
    const token = await tokenOfSession('s1');
    const other = await connect(app.url, { token: await tokenOfSession('s2') });
    await pass(306);
    expect(await other.end).toEqual(ended('expired'));
    const refused: unknown = await connect(app.url, { token }).catch((error: unknown) => error);
    expect((refused as NotConnected).data).toEqual(invalidTokenBody('expired'));
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

describe.each(graphqlEngines)('a subscription of a session by $name', ({ platform, importModule, closeCode }) => {
  it('stays open after its token has expired, takes operations, and ends with the session', async () => {
    const app = await startAppWithTimer(
      platform,
      { imports: [AuthModule.forRoot({ issuers: provider, clock }), importModule()], providers: [TicksResolver] },
      timer,
    );
    const { client, closed, nextClose } = connectGraphql(app, {
      connectionParams: { token: await tokenOfSession('s1') },
    });
    const results = client.iterate({ query: 'subscription { tick { seenBy } }' });
    expect((await results.next()).value).toMatchObject({ data: { tick: { seenBy: 'alice' } } });
    await pass(306);
    for (let minute = 0; minute < 5; minute += 1) await pass(60);
    for await (const result of client.iterate({ query: '{ me }' })) expect(result).toEqual({ data: { me: 'alice' } });
    expect([sessions.asked, closed]).toEqual([1, []]);
    sessions.active.clear();
    const close = nextClose();
    await pass(600);
    expect(await close).toBe(closeCode);
    await client.dispose();
  });
});

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @GrpcMethod('Cats', 'Watch')
  watch(@CurrentUser('id') id: string): Observable<{ readonly name: string }> {
    return NEVER.pipe(startWith({ name: id }));
  }
}

it('a stream of a session over gRPC stays open after its token has expired, and ends with the session', async () => {
  const url = `127.0.0.1:${await freePort()}`;
  const [platform] = platforms;
  if (platform === undefined) throw new Error('There is no platform');
  const app = await startAppWithTimer(
    platform,
    {
      imports: [AuthModule.forRoot({ issuers: provider, transports: [microservices()], clock })],
      controllers: [CatsController],
      prepare: (nest) => void nest.connectMicroservice(grpcOptions(url), { inheritAppConfig: true }),
    },
    timer,
  );
  await app.nest.startAllMicroservices();
  const client = connectGrpc(url);
  const stream = client.Watch({}, metadataWith(await tokenOfSession('s1')));
  const errors: object[] = [];
  const ended = new Promise<void>((resolve) => {
    stream.on('error', ({ code, details }) => {
      errors.push({ code, details });
      resolve();
    });
  });
  expect(await new Promise((resolve) => stream.on('data', resolve))).toEqual({ name: 'alice' });
  await pass(306);
  for (let minute = 0; minute < 5; minute += 1) await pass(60);
  expect([sessions.asked, errors]).toEqual([1, []]);
  sessions.active.clear();
  await pass(600);
  await ended;
  expect(errors).toEqual([{ code: 16, details: sentences.expired }]);
  client.close();
});
