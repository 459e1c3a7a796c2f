/** A middleware knows the user before the guards run, by the same verdict, and guards what Nest does not route. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Controller, Get, Inject, type MiddlewareConsumer, Module, type NestModule, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthUser,
  CurrentUser,
  oidc,
  RefusalError,
  RequestAuthentication,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { invalidToken, missingToken, unavailable, verdictOf } from '../support/verdicts.js';

const tenants = new AsyncLocalStorage<string>();

@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('cats')
  mine(@CurrentUser('id') id: string): object {
    return { id, tenant: tenants.getStore() };
  }

  @Get('open')
  open(): object {
    return { tenant: tenants.getStore() };
  }
}

@Module({ controllers: [CatsController] })
class CatsModule implements NestModule {
  constructor(@Inject(RequestAuthentication) private readonly authentication: RequestAuthentication) {}

  configure(consumer: MiddlewareConsumer): void {
    const findTenant = async (request: IncomingMessage, _: ServerResponse, next: () => void): Promise<void> => {
      // Routes decide for themselves whether they need a user.
      const user = await this.authentication.authenticateRequest(request).catch(() => null);
      tenants.run(user?.id ?? 'nobody', next);
    };
    const guardDashboard = async (request: IncomingMessage, _: ServerResponse, next: () => void): Promise<void> => {
      const user = await this.authentication.authenticateRequest(request);
      if (user === null) throw RefusalError.of('MISSING_TOKEN', 'The dashboard requires a token');
      if (!user.roles.includes('admin'))
        throw RefusalError.of('ACCESS_DENIED', 'The dashboard requires the role admin');
      next();
    };
    const dashboard = (_: IncomingMessage, response: ServerResponse): void => {
      response.end('queues');
    };
    consumer.apply(findTenant).forRoutes(CatsController);
    consumer.apply(guardDashboard, dashboard).forRoutes('queues');
  }
}

describe.each(platforms)('a middleware on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;
  const asked: AuthUser[] = [];

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({
            issuer: issuer.url,
            audience: 'api',
            introspection: issuer.introspectionClient,
          }),
          toUser: (user) => {
            asked.push(user);
            return user;
          },
        }),
        CatsModule,
      ],
    });
  });
  beforeEach(() => {
    asked.length = 0;
  });

  const tokenFor = (sub: string, roles: string[] = []): Promise<string> => issuer.token({ aud: 'api', sub, roles });

  it('knows the user of each request, and the token is verified once', async () => {
    const token = await tokenFor('alice');
    const before = issuer.requests.introspection;
    expect((await app.call('/cats', { token })).json).toEqual({ id: 'alice', tenant: 'alice' });
    expect(issuer.requests.introspection - before).toBe(1);
    expect(asked).toHaveLength(1);
    expect((await app.call('/open', { token: await tokenFor('bob') })).json).toEqual({ tenant: 'bob' });
  });

  it('leaves the verdict to the routes', async () => {
    expect((await app.call('/open', { token: 'no.good.token' })).json).toEqual({ tenant: 'nobody' });
    expect(verdictOf(await app.call('/cats'))).toEqual(missingToken);
    expect(verdictOf(await app.call('/cats', { token: 'no.good.token' }))).toEqual(invalidToken('malformed'));
  });

  it('guards what has no route, with the answers of the guard', async () => {
    expect((await app.call('/queues', { token: await tokenFor('alice', ['admin']) })).text).toBe('queues');
    expect(verdictOf(await app.call('/queues'))).toEqual(missingToken);
    expect(verdictOf(await app.call('/queues', { token: 'no.good.token' }))).toEqual(invalidToken('malformed'));
    expect((await app.call('/queues', { token: await tokenFor('bob') })).status).toBe(403);
    issuer.fail('503');
    expect(verdictOf(await app.call('/queues', { token: await tokenFor('carol', ['admin']) }))).toEqual(unavailable);
    issuer.recover();
  });
});
