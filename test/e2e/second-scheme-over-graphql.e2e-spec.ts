/** Two kinds of credentials over GraphQL: queries over HTTP, operations and subscriptions over graphql-ws. */
import { EventEmitter, on } from 'node:events';
import { UseGuards } from '@nestjs/common';
import { Query, Resolver, Subscription } from '@nestjs/graphql';
import { AcceptCredentials, AuthGuard, type AuthUser, CurrentUser, OptionalAuth, RequireRoles } from 'nest-gatehouse';
import { RequireScopes, VerifyOnline } from 'nest-gatehouse';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApp, startAppWithTimer } from '../support/app.js';
import { ask, askOverSocket, connect, type GraphqlResult, type SocketClient } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import type { Call } from '../support/http.js';
import { basic } from '../support/key-scheme.js';
import { ManualTimer } from '../support/manual-timer.js';
import { openSecondScheme, type SecondScheme } from '../support/second-scheme.js';
import { invalidRequest, invalidTokenChallenge } from '../support/verdicts.js';

const house = new EventEmitter().setMaxListeners(100);

/** The first at once, the others as they come. */
async function* meows(who: string): AsyncGenerator<object> {
  const events = on(house, 'meow');
  do yield { meow: who };
  while ((await events.next()).done !== true);
}

const say = (user: AuthUser | null): string => (user === null ? 'anonymous' : `${user.credential.kind} ${user.id}`);

@UseGuards(AuthGuard)
@Resolver()
class CatsResolver {
  @Query(() => String)
  me(@CurrentUser('id') id: string, @CurrentUser('credential.kind') kind: string): string {
    return `${kind} ${id}`;
  }

  @OptionalAuth()
  @Query(() => String)
  maybe(@CurrentUser() user: AuthUser | null): string {
    return say(user);
  }

  @RequireScopes('cats:write')
  @Query(() => String)
  adopt(@CurrentUser() user: AuthUser): string {
    return say(user);
  }

  @RequireRoles('keeper')
  @Query(() => String)
  groom(@CurrentUser() user: AuthUser): string {
    return say(user);
  }

  @AcceptCredentials('access-token')
  @Query(() => String)
  people(@CurrentUser() user: AuthUser): string {
    return say(user);
  }

  @AcceptCredentials('api-key')
  @Query(() => String)
  machines(@CurrentUser() user: AuthUser): string {
    return say(user);
  }

  @VerifyOnline()
  @Query(() => String)
  online(@CurrentUser() user: AuthUser): string {
    return say(user);
  }

  @Subscription(() => String)
  meow(@CurrentUser() user: AuthUser): AsyncGenerator<object> {
    return meows(say(user));
  }
}

interface Extensions {
  readonly code?: string;
  readonly originalError?: { readonly code: string; readonly reason?: string };
}

/** Code and reason of each error, as GraphQL and as this package name them. */
function codesOf({ errors = [] }: GraphqlResult): string[] {
  return errors.map(({ extensions }) => {
    const { code, originalError } = (extensions ?? {}) as Extensions;
    return [code, originalError?.code, originalError?.reason].filter((part) => part !== undefined).join(' ');
  });
}

const missing = ['UNAUTHENTICATED MISSING_TOKEN'];
const wrongKind = ['UNAUTHENTICATED INVALID_TOKEN type'];
const twoCredentials = ['BAD_REQUEST INVALID_REQUEST'];
const key = (secret: string): Call => ({ headers: [['x-api-key', secret]] });
const byBasic = (secret: string): Call => ({ headers: [['Authorization', basic('machine', secret)]] });

describe.each(graphqlEngines)('two credentials over GraphQL by $name', (engine) => {
  const { platform, importModule, closeCode, faultCode } = engine;
  let stand: SecondScheme;
  let timer: ManualTimer;
  let app: RunningApp;
  let token: string;
  const seen: string[] = [];

  beforeAll(async () => {
    stand = await openSecondScheme();
    timer = new ManualTimer();
    const toUser = (user: AuthUser): AuthUser => {
      seen.push(user.id);
      return user;
    };
    const imports = [stand.importModule({ toUser }), importModule()];
    app = await startAppWithTimer(platform, { imports, providers: [CatsResolver] }, timer);
  });

  beforeEach(async () => {
    token = await stand.tokenFor('alice');
    seen.length = 0;
    stand.keys.authenticated = 0;
  });

  it('are accepted in a query, once for all of its fields', async () => {
    const { data } = await ask(app, '{ me maybe other: me machines }', key('key_m'));
    expect(data).toEqual({
      me: 'api-key machine',
      maybe: 'api-key machine',
      other: 'api-key machine',
      machines: 'api-key machine',
    });
    expect([stand.keys.authenticated, seen]).toEqual([1, ['machine']]);
    expect((await ask(app, '{ me }', byBasic('key_m'))).data).toEqual({ me: 'api-key machine' });
    expect((await ask(app, '{ me people }', { token })).data).toEqual({
      me: 'access-token alice',
      people: 'access-token alice',
    });
  });

  it('are refused with the challenges and codes of the scheme that was used', async () => {
    const refused = async (query: string, call: Call): Promise<unknown> => {
      const result = await ask(app, query, call);
      return [codesOf(result), result.http.headers['www-authenticate']];
    };
    const malformed = ['UNAUTHENTICATED INVALID_TOKEN malformed'];
    expect(await refused('{ me }', {})).toEqual([missing, 'Bearer']);
    expect(await refused('{ me }', key('key_x'))).toEqual([malformed, invalidTokenChallenge('malformed')]);
    expect(await refused('{ me }', byBasic('key_x'))).toEqual([malformed, 'Bearer, Basic realm="cats"']);
    expect(await refused('{ me }', { token, ...key('key_m') })).toEqual([twoCredentials, invalidRequest.challenge]);
    expect(await refused('{ maybe }', { token, ...key('key_m') })).toEqual([twoCredentials, invalidRequest.challenge]);
    expect(await refused('{ machines }', { token })).toEqual([wrongKind, invalidTokenChallenge('type')]);
    expect(await refused('{ people }', byBasic('key_m'))).toEqual([wrongKind, 'Bearer, Basic realm="cats"']);
    expect(await refused('{ online }', key('key_m'))).toEqual([wrongKind, invalidTokenChallenge('type')]);
    const scope = 'Bearer error="insufficient_scope", scope="cats:write"';
    expect(await refused('{ adopt }', key('key_m'))).toEqual([['FORBIDDEN INSUFFICIENT_SCOPE'], scope]);
    expect(await refused('{ groom }', key('key_m'))).toEqual([['FORBIDDEN ACCESS_DENIED'], undefined]);
    expect((await ask(app, '{ adopt groom }', key('key_w'))).data).toEqual({
      adopt: 'api-key writer',
      groom: 'api-key writer',
    });
  });

  it('make the caller anonymous on an optional field when they are refused', async () => {
    const { data, http } = await ask(app, '{ maybe }', byBasic('key_x'));
    expect([data, http.headers['www-authenticate']]).toEqual([{ maybe: 'anonymous' }, 'Bearer, Basic realm="cats"']);
  });

  it('are a fault where the scheme cannot decide, or throws anything else', async () => {
    for (const query of ['{ me }', '{ maybe }']) {
      const down = await ask(app, query, key('key_down'));
      expect([codesOf(down), down.http.headers['retry-after']]).toEqual([['SERVICE_UNAVAILABLE SERVER_ERROR'], '7']);
      const broken = await ask(app, query, key('key_broken'));
      expect(broken.data?.[query.slice(2, -2)] ?? null).toBeNull();
      expect(codesOf(broken)).toEqual([faultCode]);
    }
  });

  it.each([
    ['x-api-key', { 'x-api-key': 'key_m' }],
    ['authorization', { Authorization: basic('machine', 'key_m') }],
    ['token', { token: 'key_m' }],
  ])('are accepted over a socket by connectionParams: %s', async (_, connectionParams) => {
    expect((await askOverSocket(app, '{ me machines }', { connectionParams })).data).toEqual({
      me: 'api-key machine',
      machines: 'api-key machine',
    });
    expect((await askOverSocket(app, 'subscription { meow }', { connectionParams })).data).toEqual({
      meow: 'api-key machine',
    });
  });

  it('are accepted and refused over a socket by headers of its upgrade request', async () => {
    const over = (query: string, headers: Record<string, string>): Promise<GraphqlResult> =>
      askOverSocket(app, query, { headers });
    const meow = 'subscription { meow }';
    expect((await over(meow, { 'x-api-key': 'key_m' })).data).toEqual({ meow: 'api-key machine' });
    expect((await over(meow, { Authorization: `Bearer ${token}` })).data).toEqual({ meow: 'access-token alice' });
    expect(codesOf(await over(meow, { 'x-api-key': 'key_x' }))).toEqual(['UNAUTHENTICATED INVALID_TOKEN malformed']);
    expect(codesOf(await over(meow, { 'x-api-key': 'key_m', Authorization: `Bearer ${token}` }))).toEqual(
      twoCredentials,
    );
    expect(codesOf(await over('{ people }', { 'x-api-key': 'key_m' }))).toEqual(wrongKind);
    expect(codesOf(await over(meow, {}))).toEqual(missing);
  });

  it('keep a subscription open as long as the key is good: without an end where it does not expire', async () => {
    const open = (secret: string): SocketClient & { readonly next: () => Promise<unknown> } => {
      const socket = connect(app, { connectionParams: { 'x-api-key': secret } });
      const results = socket.client.iterate({ query: 'subscription { meow }' });
      return { ...socket, next: async () => ((await results.next()).value as GraphqlResult).data };
    };
    const [lasting, ending] = [open('key_m'), open('key_5m')];
    expect(await lasting.next()).toEqual({ meow: 'api-key machine' });
    expect(await ending.next()).toEqual({ meow: 'api-key visitor' });
    const close = ending.nextClose();
    stand.clock.advanceSeconds(300);
    timer.ring();
    expect(await close).toBe(closeCode);
    stand.clock.advanceSeconds(1_000_000);
    timer.ring();
    house.emit('meow');
    expect(await lasting.next()).toEqual({ meow: 'api-key machine' });
    expect(lasting.closed).toEqual([]);
    for (const { client } of [lasting, ending]) await client.dispose();
  });
});
