/** `@CurrentProfile()` needs nothing more for GraphQL: queries, fields, and many of them in one operation. */
import { Injectable, UseGuards } from '@nestjs/common';
import { Field, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { AuthGuard, AuthModule, CurrentProfile, OptionalAuth, oidc, type UserProfile } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startApp, startIssuer } from '../support/app.js';
import { ask, askOverSocket } from '../support/graphql-client.js';
import { graphqlEngines } from '../support/graphql-engines.js';

@ObjectType()
class Cat {
  @Field(() => String)
  name!: string;
}

@Injectable()
@Resolver(() => Cat)
class CatsResolver {
  @UseGuards(AuthGuard)
  @Query(() => String, { nullable: true })
  me(@CurrentProfile() profile: UserProfile): string | null {
    return profile.displayName;
  }

  @OptionalAuth()
  @Query(() => String)
  maybe(@CurrentProfile() profile: UserProfile | null): string {
    return profile?.displayName ?? 'anonymousCaller';
  }

  @UseGuards(AuthGuard)
  @Query(() => [Cat])
  cats(): Cat[] {
    return [{ name: 'Tom' }, { name: 'Kit' }];
  }

  @ResolveField(() => String, { nullable: true })
  owner(@CurrentProfile() profile: UserProfile | null): string | null {
    return profile?.displayName ?? null;
  }
}

describe.each(graphqlEngines)('@CurrentProfile() in GraphQL by $name', ({ platform, importModule }) => {
  let issuer: TestIssuer;
  let app: RunningApp;
  let token: string;

  beforeAll(async () => {
    issuer = await startIssuer();
    issuer.setUserInfo('alice', { name: 'Alice' });
    token = await issuer.token({ aud: 'api', sub: 'alice' });
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), profiles: { cache: false } }),
        importModule(),
      ],
      providers: [CatsResolver],
    });
  });

  it('is looked up once per operation, also when the cache is off', async () => {
    const before = issuer.requests.userinfo;
    const { data } = await ask(app, '{ me maybe cats { name owner } }', { token });

    expect(data).toEqual({
      me: 'Alice',
      maybe: 'Alice',
      cats: [
        { name: 'Tom', owner: 'Alice' },
        { name: 'Kit', owner: 'Alice' },
      ],
    });
    expect(issuer.requests.userinfo - before).toBe(1);
  });

  it('is null for an anonymous caller', async () => {
    expect((await ask(app, '{ maybe }')).data).toEqual({ maybe: 'anonymousCaller' });
  });

  it('is injected over a socket as well', async () => {
    const connectionParams = { token };

    expect((await askOverSocket(app, '{ me }', { connectionParams })).data).toEqual({ me: 'Alice' });
  });

  it('is refused as a GraphQL error', async () => {
    issuer.setUserInfo('eve', null);
    const { errors } = await ask(app, '{ me }', { token: await issuer.token({ aud: 'api', sub: 'eve' }) });

    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', reason: 'revoked' } }]);
    issuer.fail('503', { only: 'userinfo' });
    const down = await ask(app, '{ me }', { token: await issuer.token({ aud: 'api', sub: 'bob' }) });
    issuer.recover();

    expect(down.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
  });
});
