/** GraphQL needs nothing but the guard: queries, mutations and fields over HTTP, on both engines that Nest drives. */
import { Injectable, UseGuards } from '@nestjs/common';
import { Field, Mutation, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, fromBearer, fromCookie, oidc } from 'nest-gatehouse';
import { OptionalAuth, Public, RequireScopes } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startApp, startIssuer } from '../support/app.js';
import { ask, type GraphqlResult } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { ManualClock } from '../support/manual-clock.js';
import { invalidTokenChallenge, sentences } from '../support/verdicts.js';

@ObjectType()
class Cat {
  @Field(() => String)
  name!: string;
}

const nameOf = (user: AuthUser | null): string => user?.id ?? 'anonymousCaller';

@Injectable()
@Resolver(() => Cat)
class CatsResolver {
  @UseGuards(AuthGuard)
  @Query(() => String)
  me(@CurrentUser('id') id: string): string {
    return id;
  }

  @OptionalAuth()
  @Query(() => String)
  maybe(@CurrentUser() user: AuthUser | null): string {
    return nameOf(user);
  }

  @UseGuards(AuthGuard)
  @Query(() => [Cat])
  cats(): Cat[] {
    return [{ name: 'Tom' }, { name: 'Kit' }];
  }

  @Public()
  @Query(() => [Cat])
  strays(): Cat[] {
    return [{ name: 'Stray' }];
  }

  @ResolveField(() => String)
  admirer(@CurrentUser() user: AuthUser | null): string {
    return nameOf(user);
  }

  @RequireScopes('cats:secrets')
  @ResolveField(() => String, { nullable: true })
  secret(@CurrentUser('id') id: string): string {
    return `told to ${id}`;
  }

  @RequireScopes('cats:write')
  @Mutation(() => String)
  adopt(@CurrentUser('id') id: string): string {
    return `${id} has a cat`;
  }
}

@UseGuards(AuthGuard)
@Resolver()
class HouseResolver {
  @Query(() => String)
  guarded(@CurrentUser('id') id: string): string {
    return id;
  }

  @Public()
  @Query(() => String)
  open(@CurrentUser() user: AuthUser | null): string {
    return nameOf(user);
  }
}

/** The first error, less what an engine adds of its own in development. */
function errorOf({ errors }: GraphqlResult): object {
  const [{ message, extensions } = { message: 'no error', extensions: {} }] = errors ?? [];
  return {
    message,
    extensions: Object.fromEntries(Object.entries(extensions ?? {}).filter(([name]) => name !== 'stacktrace')),
  };
}

const missingToken = {
  message: 'An access token is required',
  extensions: {
    code: 'UNAUTHENTICATED',
    originalError: {
      statusCode: 401,
      error: 'Unauthorized',
      message: 'An access token is required',
      code: 'MISSING_TOKEN',
    },
  },
};

const invalidToken = (reason: keyof typeof sentences): object => ({
  message: sentences[reason],
  extensions: {
    code: 'UNAUTHENTICATED',
    reason,
    originalError: {
      statusCode: 401,
      error: 'Unauthorized',
      message: sentences[reason],
      code: 'INVALID_TOKEN',
      reason,
    },
  },
});

describe.each(graphqlEngines)('GraphQL by $name', ({ platform, importModule }) => {
  let clock: ManualClock;
  let issuer: TestIssuer;
  let app: RunningApp;
  let seen: string[];

  const tokenFor = (sub: string, scope = ''): Promise<string> =>
    issuer.token({ aud: 'api', sub, scope }, { expiresIn: '5m' });

  beforeAll(async () => {
    clock = new ManualClock();
    issuer = await startIssuer({ clock });
    seen = [];
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          clock,
          tokenFrom: [fromBearer(), fromCookie('access_token')],
          toUser: (user) => {
            seen.push(user.id);
            return user;
          },
        }),
        importModule(),
      ],
      providers: [CatsResolver, HouseResolver],
    });
  });

  it('refuses a field without a token, in the error and in the header, and answers the other fields', async () => {
    const { http, ...result } = await ask(app, '{ me }');
    expect(errorOf(result)).toEqual(missingToken);
    expect([http.status, http.headers['www-authenticate']]).toEqual([200, 'Bearer']);
    expect(result.data ?? null).toBeNull();
  });

  it('accepts a valid token in the header and in a cookie', async () => {
    const token = await tokenFor('alice');
    expect((await ask(app, '{ me }', { token })).data).toEqual({ me: 'alice' });
    expect((await ask(app, '{ me }', { headers: [['Cookie', `access_token=${token}`]] })).data).toEqual({
      me: 'alice',
    });
  });

  it('refuses an expired token', async () => {
    const token = await tokenFor('alice');
    clock.advanceSeconds(306);
    const { http, ...result } = await ask(app, '{ guarded }', { token });
    expect(errorOf(result)).toEqual(invalidToken('expired'));
    expect(http.headers['www-authenticate']).toBe(invalidTokenChallenge('expired'));
  });

  it('refuses a mutation without the scope, and names the scope', async () => {
    const { http, ...result } = await ask(app, 'mutation { adopt }', { token: await tokenFor('alice', 'cats:read') });
    expect(errorOf(result)).toEqual({
      message: 'The access token lacks a required scope',
      extensions: {
        code: 'FORBIDDEN',
        originalError: {
          statusCode: 403,
          error: 'Forbidden',
          message: 'The access token lacks a required scope',
          code: 'INSUFFICIENT_SCOPE',
          scope: 'cats:write',
        },
      },
    });
    expect(http.headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="cats:write"');
    const granted = await ask(app, 'mutation { adopt }', { token: await tokenFor('alice', 'cats:write') });
    expect(granted.data).toEqual({ adopt: 'alice has a cat' });
  });

  it('refuses two different tokens as a bad request', async () => {
    const headers = [['Cookie', `access_token=${await tokenFor('bob')}`] as const];
    const result = await ask(app, '{ maybe }', { token: await tokenFor('alice'), headers });
    expect(errorOf(result)).toMatchObject({
      extensions: { code: 'BAD_REQUEST', originalError: { statusCode: 400, code: 'INVALID_REQUEST' } },
    });
  });

  it('accepts users and anonymous callers where authentication is optional, and tells the client why', async () => {
    expect((await ask(app, '{ maybe }')).data).toEqual({ maybe: 'anonymousCaller' });
    expect((await ask(app, '{ maybe }', { token: await tokenFor('alice') })).data).toEqual({ maybe: 'alice' });
    const { data, http } = await ask(app, '{ maybe }', { token: 'no.good.token' });
    expect(data).toEqual({ maybe: 'anonymousCaller' });
    expect(http.headers['www-authenticate']).toBe(invalidTokenChallenge('malformed'));
  });

  it('gives each field of an operation its caller, also for concurrent operations', async () => {
    const token = await tokenFor('alice');
    const query = '{ a: open b: guarded c: open d: maybe e: me f: open strays { admirer } cats { admirer } }';
    const expected = {
      ...{ a: 'anonymousCaller', b: 'alice', c: 'anonymousCaller', d: 'alice', e: 'alice', f: 'anonymousCaller' },
      strays: [{ admirer: 'anonymousCaller' }],
      cats: [{ admirer: 'alice' }, { admirer: 'alice' }],
    };
    const answers = await Promise.all(Array.from({ length: 25 }, () => ask(app, query, { token })));
    expect(answers.map(({ data }) => data)).toEqual(answers.map(() => expected));
  });

  it('calls toUser once for an operation with many fields', async () => {
    const token = await tokenFor('carol');
    await ask(app, '{ a: me b: guarded c: maybe }', { token });
    expect(seen.filter((id) => id === 'carol')).toEqual(['carol']);
  });

  it('guards single fields: a refused field is missing, and the others are answered', async () => {
    const query = '{ cats { name secret } }';
    const { data, errors } = await ask(app, query, { token: await tokenFor('alice') });
    expect(data).toEqual({
      cats: [
        { name: 'Tom', secret: null },
        { name: 'Kit', secret: null },
      ],
    });
    expect(errors?.map(({ path }) => path?.join('.'))).toEqual(['cats.0.secret', 'cats.1.secret']);
    expect(errorOf({ errors: errors ?? [] })).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
    const told = await ask(app, query, { token: await tokenFor('alice', 'cats:secrets') });
    expect(told.data).toMatchObject({ cats: [{ secret: 'told to alice' }, { secret: 'told to alice' }] });
  });

  it('states an outage while the keys cannot be fetched', async () => {
    const quiet = await startIssuer();
    quiet.fail('503');
    const waiting = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: quiet.url, audience: 'api' }) }), importModule()],
      providers: [HouseResolver],
    });
    const token = await quiet.token({ aud: 'api' });
    const { http, ...result } = await ask(waiting, '{ guarded }', { token });
    expect(errorOf(result)).toMatchObject({
      message: 'Authentication is not available at the moment',
      extensions: {
        code: 'SERVICE_UNAVAILABLE',
        originalError: {
          statusCode: 503,
          code: 'SERVER_ERROR',
          retryAfterSeconds: Number(http.headers['retry-after']),
        },
      },
    });
    expect(Number(http.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect((await ask(waiting, '{ open }', { token })).data).toEqual({ open: 'anonymousCaller' });
  });

  it('guards everything with guardEverything, on every engine', async () => {
    const everything = await startApp(platform, {
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock, guardEverything: true }),
        importModule(),
      ],
      providers: [CatsResolver, HouseResolver],
    });
    expect(errorOf(await ask(everything, '{ cats { name } }'))).toEqual(missingToken);
    // Every field is guarded now, the names of strays as well as the strays themselves are not.
    expect((await ask(everything, '{ open strays { name } }')).data).toEqual({
      open: 'anonymousCaller',
      strays: [{ name: 'Stray' }],
    });
    expect((await ask(everything, '{ me }', { token: await tokenFor('alice') })).data).toEqual({ me: 'alice' });
  });
});
