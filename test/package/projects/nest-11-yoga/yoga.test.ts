// GraphQL by Yoga, whose driver requires Nest 11, on both platforms, over HTTP.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { YogaDriver, type YogaDriverConfig } from '@graphql-yoga/nestjs';
import { Module } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthModule, type AuthUser, CurrentUser, oidc, Public, RequireScopes } from 'nest-gatehouse';
import { TestIssuer } from 'nest-gatehouse/testing';

@Resolver()
class HouseResolver {
  @Query(() => String)
  me(@CurrentUser('id') id: string): string {
    return id;
  }

  @RequireScopes('cats:write')
  @Query(() => String)
  adopt(@CurrentUser('id') id: string): string {
    return id;
  }

  @Public()
  @Query(() => String)
  open(@CurrentUser() user: AuthUser | null): string {
    return user?.id ?? 'anonymous';
  }
}

interface Result {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

const platforms: [string, () => AbstractHttpAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

for (const [platform, createAdapter] of platforms) {
  describe(`GraphQL by Yoga on ${platform}`, () => {
    let issuer: TestIssuer;
    let app: INestApplication;

    before(async () => {
      issuer = await TestIssuer.start();

      @Module({
        imports: [
          AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), guardEverything: true }),
          GraphQLModule.forRoot<YogaDriverConfig<'express' | 'fastify'>>({ driver: YogaDriver, autoSchemaFile: true }),
        ],
        providers: [HouseResolver],
      })
      class AppModule {}

      app = await NestFactory.create(AppModule, createAdapter(), { logger: false, abortOnError: false });
      await app.listen(0, '127.0.0.1');
    });
    after(async () => {
      await app.close();
      await issuer.stop();
    });

    async function ask(query: string, token?: string) {
      const response = await fetch(`${await app.getUrl()}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query }),
      });
      const { data, errors } = (await response.json()) as Result;
      return { data, errors, challenge: response.headers.get('www-authenticate') };
    }
    const token = (claims: object = {}) => issuer.token({ sub: 'alice', aud: 'api', ...claims });

    it('has the user of a good token', async () => {
      assert.deepEqual((await ask('{ me }', await token())).data, { me: 'alice' });
      assert.deepEqual((await ask('{ adopt }', await token({ scope: 'cats:write' }))).data, { adopt: 'alice' });
    });

    it('answers a public field without a token', async () => {
      assert.deepEqual((await ask('{ open }')).data, { open: 'anonymous' });
    });

    it('refuses what the guard refuses, with the code and the challenge', async () => {
      for (const [query, given, code, challenge] of [
        ['{ me }', undefined, 'UNAUTHENTICATED', 'Bearer'],
        ['{ me }', await token({ aud: 'other' }), 'UNAUTHENTICATED', 'Bearer error="invalid_token"'],
        ['{ adopt }', await token(), 'FORBIDDEN', 'Bearer error="insufficient_scope", scope="cats:write"'],
      ] as const) {
        const answer = await ask(query, given);
        assert.equal(answer.data?.['me'] ?? null, null);
        assert.deepEqual(
          answer.errors?.map(({ extensions }) => extensions?.['code']),
          [code],
        );
        assert.ok(answer.challenge?.startsWith(challenge), `${challenge} is expected, not ${answer.challenge}`);
      }
    });

    it('states an outage while the keys cannot be fetched', async () => {
      await issuer.rotateKeys({ keepOld: true });
      issuer.fail('503');
      const { errors } = await ask('{ me }', await token());
      assert.deepEqual(
        errors?.map(({ extensions }) => extensions?.['code']),
        ['SERVICE_UNAVAILABLE'],
      );
      issuer.recover();
    });
  });
}
