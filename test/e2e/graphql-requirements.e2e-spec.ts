/** What may be asked in a query, field by field: organizations by an argument, policies that see the resolver's context. */
import 'reflect-metadata';
import { type ExecutionContext, Inject, Injectable, Scope } from '@nestjs/common';
import { CONTEXT, Args, GqlExecutionContext, Query, Resolver } from '@nestjs/graphql';
import {
  AuthModule,
  type AuthUser,
  type Policy,
  propelAuth,
  RequireOrganization,
  RequirePolicy,
  RequireRoles,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startApp, startIssuer } from '../support/app.js';
import { ask, type GraphqlResult } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';

const asked: string[] = [];

@Injectable()
class OwnsCat implements Policy {
  check(user: AuthUser, context: ExecutionContext): boolean {
    const { cat } = GqlExecutionContext.create(context).getArgs<{ cat: string }>();
    asked.push(cat);
    return cat === `${user.id}s-cat`;
  }
}

/** What Nest hands to request-scoped providers of resolvers. */
interface Operation {
  readonly req: { readonly headers: Readonly<Record<string, string | undefined>> };
}

const operations = new Set<object>();

@Injectable({ scope: Scope.REQUEST })
class FromHere implements Policy {
  constructor(@Inject(CONTEXT) private readonly operation: Operation) {}

  check(): boolean {
    operations.add(this);
    return this.operation.req.headers['x-country'] === 'no';
  }
}

/** What the compiler would write down for @Args; ours is told not to. */
const oneText = Reflect.metadata('design:paramtypes', [String]);

@Resolver()
class CatsResolver {
  @RequireOrganization()
  @oneText
  @Query(() => String)
  reports(@Args('orgId', { type: () => String }) orgId: string): string {
    return `reports of ${orgId}`;
  }

  @RequireOrganization({ param: '__proto__' })
  @oneText
  @Query(() => String)
  prototype(@Args('orgId', { type: () => String }) orgId: string): string {
    return `reports of ${orgId}`;
  }

  @RequirePolicy(OwnsCat)
  @oneText
  @Query(() => String)
  feed(@Args('cat', { type: () => String }) cat: string): string {
    return `${cat} is fed`;
  }

  @RequirePolicy(FromHere)
  @Query(() => String)
  here(): string {
    return 'here';
  }

  @RequireRoles('vet')
  @RequirePolicy(OwnsCat)
  @oneText
  @Query(() => String)
  treat(@Args('cat', { type: () => String }) cat: string): string {
    return `${cat} is treated`;
  }
}

const codesOf = ({ errors = [] }: GraphqlResult): readonly unknown[] =>
  errors.map(({ extensions }) => [extensions?.['code'], (extensions?.['originalError'] as { code: string }).code]);

const denied = [['FORBIDDEN', 'ACCESS_DENIED']];

describe.each(graphqlEngines)('requirements in GraphQL by $name', ({ platform, importModule }) => {
  let issuer: TestIssuer;
  let app: RunningApp;
  let token: string;

  beforeAll(async () => {
    issuer = await startIssuer({ algorithm: 'RS256' });
    token = await issuer.token({ user_id: 'alice', org_member_info: { org_id: 'acme', user_role: 'Member' } });
    const issuers = propelAuth({ authUrl: issuer.url, apiKey: 'key', verifierKey: issuer.publicKeyPem });
    app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers }), importModule()],
      providers: [CatsResolver, OwnsCat, FromHere],
    });
  });

  it('read the organization from the argument with that name only', async () => {
    const { data, http } = await ask(app, '{ reports(orgId: "acme") }', { token });
    expect([data, http.headers['www-authenticate']]).toEqual([{ reports: 'reports of acme' }, undefined]);
    expect(codesOf(await ask(app, '{ reports(orgId: "globex") }', { token }))).toEqual(denied);
    expect(codesOf(await ask(app, '{ reports(orgId: "__proto__") }', { token }))).toEqual(denied);
    expect(codesOf(await ask(app, '{ prototype(orgId: "acme") }', { token }))).toEqual(denied);
    expect(codesOf(await ask(app, '{ reports(orgId: "acme") }'))).toEqual([['UNAUTHENTICATED', 'MISSING_TOKEN']]);
  });

  it('are checked for each field of an operation, and refuse only that field', async () => {
    asked.length = 0;
    const query = '{ mine: feed(cat: "alices-cat") }';
    expect((await ask(app, query, { token })).data).toEqual({ mine: 'alices-cat is fed' });
    const mixed = await ask(app, '{ mine: feed(cat: "alices-cat") other: feed(cat: "bobs-cat") }', { token });
    expect(codesOf(mixed)).toEqual(denied);
    expect(mixed.errors?.map(({ path }) => path)).toEqual([['other']]);
    expect(asked).toEqual(['alices-cat', 'alices-cat', 'bobs-cat']);
  });

  it('have a policy created per operation where its dependencies are request-scoped', async () => {
    operations.clear();
    const headers = [['x-country', 'no']] as const;
    expect((await ask(app, '{ one: here two: here }', { token, headers })).data).toEqual({ one: 'here', two: 'here' });
    expect(operations.size).toBe(1);
    expect(codesOf(await ask(app, '{ here }', { token }))).toEqual(denied);
    expect(operations.size).toBe(2);
  });

  it('check policies last', async () => {
    asked.length = 0;
    expect(codesOf(await ask(app, '{ treat(cat: "alices-cat") }', { token }))).toEqual(denied);
    expect(asked).toEqual([]);
  });
});
