/** GraphQL over graphql-ws: who subscribes is known from what the client said when it connected, until the token ends. */
import { EventEmitter, on } from 'node:events';
import { UseGuards } from '@nestjs/common';
import { Mutation, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { Field, ObjectType } from '@nestjs/graphql';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, fromBearer, fromCookie, oidc } from 'nest-gatehouse';
import { OptionalAuth, Public, RequireScopes } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startAppWithTimer, startIssuer } from '../support/app.js';
import { askOverSocket, connect, type GraphqlResult } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { ManualTimer } from '../support/manual-timer.js';
import { ManualClock } from '../support/manual-clock.js';

const house = new EventEmitter().setMaxListeners(100);

/** The first at once, the others as they come. */
async function* meows(user: AuthUser | null): AsyncGenerator<object> {
  const heard = { meow: { heardBy: user?.id ?? 'anonymousCaller' } };
  const events = on(house, 'meow');
  do yield heard;
  while ((await events.next()).done !== true);
}

@ObjectType()
class Meow {
  @Field(() => String)
  heardBy!: string;
}

@Resolver(() => Meow)
class HouseResolver {
  @UseGuards(AuthGuard)
  @Query(() => String)
  me(@CurrentUser('id') id: string): string {
    return id;
  }

  @RequireScopes('cats:write')
  @Mutation(() => String)
  adopt(@CurrentUser('id') id: string): string {
    return id;
  }

  @UseGuards(AuthGuard)
  @Subscription(() => Meow)
  meow(@CurrentUser() user: AuthUser): AsyncGenerator<object> {
    return meows(user);
  }

  @RequireScopes('cats:secrets')
  @Subscription(() => Meow, { name: 'whisper', resolve: ({ meow }: { meow: Meow }) => meow })
  whisper(@CurrentUser() user: AuthUser): AsyncGenerator<object> {
    return meows(user);
  }

  @OptionalAuth()
  @Subscription(() => Meow, { name: 'maybe', resolve: ({ meow }: { meow: Meow }) => meow })
  maybe(@CurrentUser() user: AuthUser | null): AsyncGenerator<object> {
    return meows(user);
  }

  /** Of every event, long after the guard has run. */
  @ResolveField(() => String)
  feltBy(@CurrentUser() user: AuthUser | null): string {
    return user?.id ?? 'anonymousCaller';
  }
}

@UseGuards(AuthGuard)
@Resolver()
class StreetResolver {
  @Public()
  @Subscription(() => Meow, { name: 'open', resolve: ({ meow }: { meow: Meow }) => meow })
  open(@CurrentUser() user: AuthUser | null): AsyncGenerator<object> {
    return meows(user);
  }
}

const subscribe = 'subscription { meow { heardBy feltBy } }';
const heardBy = (id: string): object => ({ meow: { heardBy: id, feltBy: id } });

function codesOf({ errors }: GraphqlResult): object[] {
  return (errors ?? []).map(({ extensions }) => {
    const { code, reason, originalError } = extensions as {
      code: string;
      reason?: string;
      originalError: { code: string };
    };
    return { code, ours: originalError.code, ...(reason !== undefined && { reason }) };
  });
}

const unauthenticated = [{ code: 'UNAUTHENTICATED', ours: 'MISSING_TOKEN' }];

describe.each(graphqlEngines)('GraphQL over a socket by $name', ({ platform, importModule, closeCode }) => {
  let clock: ManualClock;
  let timer: ManualTimer;
  let issuer: TestIssuer;
  let app: RunningApp;

  const tokenFor = (sub: string, scope = ''): Promise<string> =>
    issuer.token({ aud: 'api', sub, scope }, { expiresIn: '5m' });

  beforeAll(async () => {
    clock = new ManualClock();
    timer = new ManualTimer();
    issuer = await startIssuer({ clock });
    app = await startAppWithTimer(
      platform,
      {
        imports: [
          AuthModule.forRoot({
            issuers: oidc({ issuer: issuer.url, audience: 'api' }),
            clock,
            tokenFrom: [fromBearer(), fromCookie('access_token')],
            trustedOrigins: ['https://app.example.com'],
          }),
          importModule(),
        ],
        providers: [HouseResolver, StreetResolver],
      },
      timer,
    );
  });

  it.each([
    ['authorization', (token: string) => ({ authorization: `Bearer ${token}` })],
    ['Authorization', (token: string) => ({ Authorization: `Bearer ${token}` })],
    ['headers', (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })],
    ['token', (token: string) => ({ token })],
    ['accessToken', (token: string) => ({ accessToken: token })],
    ['access_token', (token: string) => ({ access_token: token })],
  ])('authenticates by connection parameters: %s', async (_, paramsWith) => {
    const connectionParams = paramsWith(await tokenFor('alice'));
    expect((await askOverSocket(app, subscribe, { connectionParams })).data).toEqual(heardBy('alice'));
  });

  it('authenticates by a header of the upgrade request', async () => {
    const headers = { Authorization: `Bearer ${await tokenFor('alice')}` };
    expect((await askOverSocket(app, subscribe, { headers })).data).toEqual(heardBy('alice'));
  });

  it('authenticates by a cookie when the socket was opened by a page of the same host', async () => {
    const cookie = { Cookie: `access_token=${await tokenFor('alice')}` };
    const pages = [{}, { Origin: app.url }, { Origin: 'https://app.example.com' }];
    for (const page of pages) {
      const headers = { ...cookie, ...page };
      expect((await askOverSocket(app, subscribe, { headers })).data).toEqual(heardBy('alice'));
    }
    const headers = { ...cookie, Origin: 'https://evil.example' };
    expect(codesOf(await askOverSocket(app, subscribe, { headers }))).toEqual([
      { code: 'FORBIDDEN', ours: 'ACCESS_DENIED' },
    ]);
  });

  it('answers queries and mutations too', async () => {
    const connectionParams = { token: await tokenFor('alice', 'cats:write') };
    expect((await askOverSocket(app, '{ me }', { connectionParams })).data).toEqual({ me: 'alice' });
    expect((await askOverSocket(app, 'mutation { adopt }', { connectionParams })).data).toEqual({ adopt: 'alice' });
  });

  it('refuses a missing token, an invalid one, two tokens, and one without the scope', async () => {
    const token = await tokenFor('alice');
    const ended = await tokenFor('alice');
    const refused = async (query: string, connectionParams: Record<string, unknown>): Promise<object[]> =>
      codesOf(await askOverSocket(app, query, { connectionParams }));
    expect(await refused(subscribe, {})).toEqual(unauthenticated);
    expect(await refused('{ me }', {})).toEqual(unauthenticated);
    expect(await refused(subscribe, { token, authorization: 'Bearer another.one.here' })).toEqual([
      { code: 'BAD_REQUEST', ours: 'INVALID_REQUEST' },
    ]);
    const lacking = [{ code: 'FORBIDDEN', ours: 'INSUFFICIENT_SCOPE' }];
    expect(await refused('subscription { whisper { heardBy } }', { token })).toEqual(lacking);
    expect(await refused('mutation { adopt }', { token })).toEqual(lacking);
    clock.advanceSeconds(306);
    expect(await refused(subscribe, { token: ended })).toEqual([
      { code: 'UNAUTHENTICATED', ours: 'INVALID_TOKEN', reason: 'expired' },
    ]);
  });

  it('accepts anonymous callers where authentication is optional', async () => {
    const query = 'subscription { maybe { heardBy feltBy } }';
    const ofAnonymous = { maybe: { heardBy: 'anonymousCaller', feltBy: 'anonymousCaller' } };
    expect((await askOverSocket(app, query, {})).data).toEqual(ofAnonymous);
    expect((await askOverSocket(app, query, { connectionParams: { token: 'no.good.token' } })).data).toEqual(
      ofAnonymous,
    );
    const connectionParams = { token: await tokenFor('alice') };
    expect((await askOverSocket(app, query, { connectionParams })).data).toEqual({
      maybe: { heardBy: 'alice', feltBy: 'alice' },
    });
  });

  it('closes the socket when its token expires, so that the client reconnects with a new one', async () => {
    const tokens = [await tokenFor('alice'), await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '1h' })];
    const { client, closed, nextClose } = connect(app, {
      connectionParams: () => ({ token: tokens.shift() }),
      retryAttempts: 1,
    });
    const results = client.iterate({ query: subscribe });
    expect((await results.next()).value).toMatchObject({ data: heardBy('alice') });
    const close = nextClose();
    clock.advanceSeconds(305);
    timer.ring();
    expect(await close).toBe(closeCode);
    // The client has come back by itself, and the stream goes on.
    expect((await results.next()).value).toMatchObject({ data: heardBy('alice') });
    expect([closed.length, tokens]).toEqual([1, []]);
    await client.dispose();
  });

  it('does not close the socket of an anonymous caller', async () => {
    const { client, closed } = connect(app, {});
    const results = client.iterate({ query: 'subscription { open { heardBy feltBy } }' });
    expect((await results.next()).value).toMatchObject({
      data: { open: { heardBy: 'anonymousCaller', feltBy: 'anonymousCaller' } },
    });
    clock.advanceSeconds(3_600);
    timer.ring();
    house.emit('meow');
    expect((await results.next()).value).toMatchObject({
      data: { open: { heardBy: 'anonymousCaller', feltBy: 'anonymousCaller' } },
    });
    expect(closed).toEqual([]);
    await client.dispose();
  });

  it('does not close it in an outage of the key server, and answers new subscribers with the outage', async () => {
    const quiet = await startIssuer({ clock });
    const ownTimer = new ManualTimer();
    const waiting = await startAppWithTimer(
      platform,
      {
        imports: [AuthModule.forRoot({ issuers: oidc({ issuer: quiet.url, audience: 'api' }), clock }), importModule()],
        providers: [HouseResolver, StreetResolver],
      },
      ownTimer,
    );
    const connectionParams = { token: await quiet.token({ aud: 'api', sub: 'alice' }, { expiresIn: '7d' }) };
    const { client, closed } = connect(waiting, { connectionParams });
    const results = client.iterate({ query: subscribe });
    expect((await results.next()).value).toMatchObject({ data: heardBy('alice') });
    quiet.fail('503');
    clock.advanceSeconds(2 * 24 * 3_600);
    ownTimer.ring();
    expect(codesOf(await askOverSocket(waiting, subscribe, { connectionParams }))).toEqual([
      { code: 'SERVICE_UNAVAILABLE', ours: 'SERVER_ERROR' },
    ]);
    house.emit('meow');
    expect((await results.next()).value).toMatchObject({ data: heardBy('alice') });
    expect(closed).toEqual([]);
    await client.dispose();
  });
});
