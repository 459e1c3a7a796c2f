/** Subscriptions of GraphQL over server-sent events end with their token, and the client sees why. */
import { UseGuards } from '@nestjs/common';
import {
  AbstractGraphQLDriver,
  Field,
  GraphQLModule,
  ObjectType,
  Query,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { type GraphQLSchema } from 'graphql';
import { createClient } from 'graphql-sse';
import { createHandler as createExpressHandler } from 'graphql-sse/lib/use/express';
import { createHandler as createFastifyHandler } from 'graphql-sse/lib/use/fastify';
import { AuthGuard, AuthModule, CurrentUser, oidc } from 'nest-gatehouse';
import { expect, it, describe } from 'vitest';
import { platforms, startAppWithTimer, startIssuer, watchedConnectionsOf } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { sentences } from '../support/verdicts.js';

interface Routes {
  all(path: string, handler: unknown): unknown;
}

interface SseOptions {
  readonly schema?: GraphQLSchema;
  readonly path?: string;
  /** Members of the context that are the app's own. */
  readonly own?: object;
}

/** Mounts graphql-sse on the adapter, as drivers of Nest mount their engine. */
class SseDriver extends AbstractGraphQLDriver {
  override async start(options: SseOptions): Promise<void> {
    const { httpAdapter } = this.httpAdapterHost;
    const { schema, own } = options;
    if (schema === undefined) throw new Error('There is no schema');
    const routes: Routes = httpAdapter.getInstance();
    const isExpress = httpAdapter.getType() === 'express';
    const handler = isExpress
      ? createExpressHandler({ schema, context: ({ raw, context: { res } }) => ({ req: raw, res, ...own }) })
      : createFastifyHandler({ schema, context: ({ raw, context: { reply } }) => ({ req: raw, reply, ...own }) });
    routes.all('/graphql', handler);
  }

  override async stop(): Promise<void> {
    // The adapter ends with the app.
  }
}

@ObjectType()
class Tick {
  @Field(() => String)
  seenBy!: string;
}

let isRunning = false;

@UseGuards(AuthGuard)
@Resolver(() => Tick)
class TicksResolver {
  @Query(() => String)
  me(@CurrentUser('id') id: string): string {
    return id;
  }

  @Subscription(() => Tick)
  tick(@CurrentUser('id') id: string): AsyncIterableIterator<object> {
    isRunning = true;
    let count = 0;
    const ticks: AsyncIterableIterator<object> = {
      [Symbol.asyncIterator]: () => ticks,
      next: async () => {
        count += 1;
        if (count > 1) await new Promise(() => undefined);
        return { done: false, value: { tick: { seenBy: id } } };
      },
      return: async () => {
        isRunning = false;
        return { done: true, value: undefined };
      },
    };
    return ticks;
  }
}

describe.each(platforms)('a subscription over server-sent events on $name', (platform) => {
  it.each<[string, object]>([
    ['the response', {}],
    ['a res of its own', { res: { locale: 'en' } }],
    ['a reply of its own', { reply: { text: 'Hello' } }],
    ['both of its own', { res: { raw: 'none' }, reply: { raw: null } }],
  ])('ends with its token, and its client gets the error; the context has %s', async (_, own) => {
    const [clock, timer] = [new ManualClock(), new ManualTimer()];
    const issuer = await startIssuer({ clock });
    const app = await startAppWithTimer(
      platform,
      {
        imports: [
          AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock }),
          GraphQLModule.forRoot({ driver: SseDriver, autoSchemaFile: true, own }),
        ],
        providers: [TicksResolver],
      },
      timer,
    );
    const token = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '5m' });
    const client = createClient({
      url: `${app.url}/graphql`,
      headers: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    const results = client.iterate({ query: 'subscription { tick { seenBy } }' });
    expect((await results.next()).value).toEqual({ data: { tick: { seenBy: 'alice' } } });
    expect([watchedConnectionsOf(app), isRunning]).toEqual([1, true]);
    clock.advanceSeconds(306);
    timer.ring();
    const last: IteratorResult<unknown> = await results.next();
    expect(last.value).toMatchObject({
      errors: [{ message: sentences.expired, extensions: { code: 'UNAUTHENTICATED', reason: 'expired' } }],
    });
    expect(await results.next()).toEqual({ done: true, value: undefined });
    expect(watchedConnectionsOf(app)).toBe(0);
    client.dispose();
  });
});
