/** Scopes that include others, wherever scopes are judged: routes, API keys, the token endpoint. */
import { Controller, Get } from '@nestjs/common';
import {
  AuthModule,
  type AuthModuleOptions,
  ConfigurationError,
  oidc,
  RequireAnyScope,
  RequireScopes,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { bearer, type KeyStoreApp } from '../support/key-store-app.js';
import { errorOf, grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';
import { verdictOf } from '../support/verdicts.js';

const scopeImplies = { admin: ['cats:write', 'introspect'], 'cats:write': 'cats:read' };

@Controller('cats')
class CatsController {
  @RequireScopes('cats:read')
  @Get()
  list(): string {
    return 'cats';
  }

  @RequireScopes('cats:read', 'feed')
  @RequireAnyScope('cats:write', 'other')
  @Get('feed')
  feed(): string {
    return 'fed';
  }
}

describe.each(platforms)('scopes that include others on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;
  let stand: KeyStoreApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    const issuers = oidc({ issuer: issuer.url, audience: 'api' });
    const controllers = [CatsController];
    app = await startApp(platform, { imports: [AuthModule.forRoot({ issuers, scopeImplies })], controllers });
    const auth = { scopeImplies };
    stand = await startTokenEndpointApp(platform, { auth, controllers });
  });

  const callWith = async (path: string, scope: string) =>
    app.call(path, { token: await issuer.token({ sub: 'u1', aud: 'api', scope }) });

  it('open what the included ones open', async () => {
    for (const scope of ['cats:read', 'cats:write', 'admin']) expect((await callWith('/cats', scope)).status).toBe(200);
    expect((await callWith('/cats/feed', 'admin feed')).status).toBe(200);
  });

  it('are no more than that, and the challenge names the scopes of the route', async () => {
    const insufficient = (scope: string) => ({
      status: 403,
      challenge: `Bearer error="insufficient_scope", scope="${scope}"`,
      code: 'INSUFFICIENT_SCOPE',
    });
    expect(verdictOf(await callWith('/cats', 'introspect'))).toEqual(insufficient('cats:read'));
    expect(verdictOf(await callWith('/cats/feed', 'feed cats:read'))).toEqual(
      insufficient('cats:read feed cats:write other'),
    );
    // The caller needs nothing for the second requirement that it does not have.
    expect(verdictOf(await callWith('/cats/feed', 'admin'))).toEqual(insufficient('cats:read feed cats:write'));
  });

  it('count for API keys, and for the tokens that they are exchanged for', async () => {
    const key = await stand.service.create({ userId: 'alice', scopes: ['admin'] });
    expect((await stand.app.call('/api/cats', bearer(key.text))).status).toBe(200);
    const client = { ...grant, client_id: key.id, client_secret: key.secret };
    const answer = await post(stand, '/oauth/token', { ...client, scope: 'cats:read' });
    expect([answer.status, answer.json]).toMatchObject([200, { scope: 'cats:read' }]);
    const { access_token: token } = answer.json as { access_token: string };
    expect((await stand.app.call('/api/cats', { token })).status).toBe(200);
    expect(errorOf(await post(stand, '/oauth/token', { ...client, scope: 'feed' }))).toEqual([400, 'invalid_scope']);
    const introspected = await post(stand, '/oauth/introspect', { ...client, token });
    expect([introspected.status, introspected.json]).toMatchObject([200, { active: true, scope: 'cats:read' }]);
    const lesser = await stand.service.create({ userId: 'alice', scopes: ['cats:read'] });
    const other = { client_id: lesser.id, client_secret: lesser.secret };
    expect(errorOf(await post(stand, '/oauth/token', { ...grant, ...other, scope: 'admin' }))).toEqual([
      400,
      'invalid_scope',
    ]);
  });
});

describe('a scope that includes itself', () => {
  it('stops the app', () => {
    const options: AuthModuleOptions = {
      issuers: oidc({ issuer: 'https://issuer.example', audience: 'api' }),
      scopeImplies: { a: ['b'], b: ['a'] },
    };
    expect(() => AuthModule.forRoot(options)).toThrow(ConfigurationError);
    expect(() => AuthModule.forRoot(options)).toThrow('AuthModule.forRoot({ scopeImplies }): a scope includes itself');
  });
});
