/** The context of a GraphQL operation is the app's own: what the guard finds in it, and what it leaves there. */
import { type ExecutionContext, Injectable, UseGuards } from '@nestjs/common';
import { Context, GqlExecutionContext, Query, Resolver } from '@nestjs/graphql';
import { AuthGuard as PassportGuard } from '@nestjs/passport';
import { AuthGuard, AuthModule, CurrentUser, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { startApp, startIssuer } from '../support/app.js';
import { ask } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';
import { LogLines } from '../support/log-lines.js';

/** As Nest's own recipe has it. */
@Injectable()
class PassportGraphqlGuard extends PassportGuard('jwt') {
  override getRequest(context: ExecutionContext): unknown {
    return GqlExecutionContext.create(context).getContext<{ req: unknown }>().req;
  }
}

@Resolver()
class HouseResolver {
  @UseGuards(AuthGuard)
  @Query(() => String)
  guarded(@CurrentUser('id') id: string, @Context('req') request: { user?: { id: string } }): string {
    return `${id}, ${request.user?.id ?? 'anonymousCaller'} in the request`;
  }

  @UseGuards(PassportGraphqlGuard)
  @Query(() => String)
  passport(@CurrentUser('id') id: string): string {
    return id;
  }
}

/** Which requests of the platform get an entry in a WeakMap meanwhile, by their path. */
async function weakKeysDuring(run: () => Promise<void>): Promise<readonly unknown[]> {
  const paths: unknown[] = [];
  const { prototype } = WeakMap;
  const set = Reflect.get(prototype, 'set');
  Reflect.set(prototype, 'set', function setAndNote(this: WeakMap<object, unknown>, key: object, value: unknown) {
    if ('headers' in key && 'url' in key) paths.push(key.url);
    return Reflect.apply(set, this, [key, value]) as unknown;
  });
  try {
    await run();
  } finally {
    Reflect.set(prototype, 'set', set);
  }
  return paths;
}

describe.each(graphqlEngines)('the context of an operation by $name', ({ platform, importModule, keepsRequest }) => {
  let issuer: TestIssuer;

  beforeAll(async () => {
    issuer = await startIssuer();
  });

  it('has the user in its request, set by any of the guards', async () => {
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) }), importModule()],
      providers: [HouseResolver],
    });
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    expect((await ask(app, '{ guarded }', { token })).data).toEqual({ guarded: 'alice, alice in the request' });
    expect((await ask(app, '{ passport }', { token })).data).toEqual({ passport: 'alice' });
  });

  it('does not become the request of an operation over HTTP that only claims to open a socket', async () => {
    const seen: object[] = [];
    const app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          toUser: (user, request) => {
            seen.push(request);
            return user;
          },
        }),
        importModule(),
      ],
      providers: [HouseResolver],
    });
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    const { data } = await ask(app, '{ guarded }', { token, headers: [['Upgrade', 'websocket']] });
    expect(data).toEqual({ guarded: 'alice, alice in the request' });
    expect(seen.map((request) => 'headers' in request && 'socket' in request)).toEqual([true]);
  });

  it('costs no entry in a WeakMap, neither with this request nor with one of another route', async () => {
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) }), importModule()],
      providers: [HouseResolver],
    });
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    const requests = await weakKeysDuring(async () => {
      expect((await ask(app, '{ guarded }', { token })).data).toEqual({ guarded: 'alice, alice in the request' });
      expect((await app.call('/elsewhere')).status).toBe(404);
    });
    expect(requests).toEqual([]);
  });

  it('has refusals that are logged at debug, with the field and the reason', async () => {
    const logger = new LogLines();
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) }), importModule()],
      providers: [HouseResolver],
      logger,
    });
    await ask(app, '{ guarded }', { token: await issuer.token({ aud: 'other', sub: 'alice' }) });
    expect(logger.ours('debug').map(({ text }) => text)).toEqual([
      expect.stringContaining('HouseResolver.guarded: refused (INVALID_TOKEN, audience)'),
    ]);
    expect([...logger.ours('warn'), ...logger.ours('error')]).toEqual([]);
  });

  it('without the request causes every operation to be refused, and the log names the fix', async () => {
    const logger = new LogLines();
    const app = await startApp(platform, {
      logger,
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) }),
        importModule({ context: () => ({ req: {} }) }),
      ],
      providers: [HouseResolver],
    });
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    const answers = [await ask(app, '{ guarded }', { token }), await ask(app, '{ guarded }', { token })];
    // Mercurius adds the request itself, so the app cannot remove it.
    const told = keepsRequest
      ? []
      : [expect.stringContaining('Return the request from the context function of GraphQLModule')];
    expect(answers.map(({ errors }) => errors?.length ?? 0)).toEqual(keepsRequest ? [0, 0] : [1, 1]);
    expect(logger.ours('error').map(({ text }) => text)).toEqual(told);
  });
});
