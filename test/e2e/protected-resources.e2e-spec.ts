/** Parts of an app for which clients get tokens by their address: metadata and challenges (RFC 9728). */
import {
  type CallHandler,
  Catch,
  type ExceptionFilter,
  type INestApplication,
  type NestInterceptor,
  UnauthorizedException,
  VersioningType,
} from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { AuthModule, jwtIssuer, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { map, type Observable } from 'rxjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { metadataOf, resources, startResourceApp, wellKnown } from '../support/resource-app.js';
import { sentences, verdictOf } from '../support/verdicts.js';

const { mcp, admin } = resources;
const path = `${wellKnown}/api/mcp`;

/** What an app may have that concerns all of its routes. */
function prepareAll(nest: INestApplication): void {
  nest.enableVersioning({ type: VersioningType.URI, prefix: 'v' });
  const envelope: NestInterceptor = {
    intercept: (_context, next: CallHandler): Observable<unknown> =>
      next.handle().pipe(map((data: unknown) => ({ data }))),
  };
  nest.useGlobalInterceptors(envelope);
  @Catch(UnauthorizedException)
  class Filter extends BaseExceptionFilter implements ExceptionFilter {}
  nest.useGlobalFilters(new Filter(nest.get(HttpAdapterHost).httpAdapter));
}

describe.each(platforms)('protected resources on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    const issuers = [
      oidc({ issuer: issuer.url, audience: ['web', mcp, admin] }),
      jwtIssuer({ issuer: 'a mere name', audience: [mcp, admin], jwksUri: issuer.jwksUri }),
    ];
    app = await startResourceApp(platform, { auth: { issuers, guardEverything: true }, prepare: prepareAll });
  });

  const callWith = async (address: string, claims: Readonly<Record<string, unknown>>, method: 'GET' | 'POST' = 'GET') =>
    app.call(address, { token: await issuer.token({ sub: 'u1', ...claims }), method });

  describe('the metadata', () => {
    it('of each resource is at the path of its own, with the scopes that its routes require', async () => {
      const found = await app.call(path);
      expect(found.status).toBe(200);
      expect(found.json).toEqual({
        resource: mcp,
        authorization_servers: [issuer.url],
        scopes_supported: ['mcp:use', 'cats:read', 'cats:admin'],
        bearer_methods_supported: ['header'],
        resource_name: 'Cats',
      });
      const inner = await app.call(`${path}/admin/`);
      expect(inner.json).toEqual({
        resource: admin,
        authorization_servers: [issuer.url],
        scopes_supported: ['admin'],
        bearer_methods_supported: ['header'],
      });
      expect((await app.call(wellKnown)).status).toBe(404);
      expect((await app.call(`/api${path}`)).status).toBe(404);
    });

    it('may be read by pages of any origin, and is asked for by GET alone', async () => {
      const origin = ['Origin', 'https://inspector.example'] as const;
      const found = await app.call(path, { headers: [origin] });
      expect(found.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'ETag, WWW-Authenticate',
        'cache-control': 'public, max-age=300',
        'content-type': 'application/json; charset=utf-8',
      });
      const asks = [
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'mcp-protocol-version'],
      ] as const;
      const preflight = await app.call(path, { method: 'OPTIONS', headers: [origin, ...asks] });
      expect(preflight.status).toBe(204);
      expect(preflight.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'mcp-protocol-version',
      });
      const head = await app.call(path, { method: 'HEAD' });
      expect([head.status, head.text, head.headers['etag']]).toEqual([200, '', found.headers['etag']]);
      const same = await app.call(path, { headers: [['If-None-Match', found.headers['etag'] ?? '']] });
      expect([same.status, same.headers['access-control-allow-origin']]).toEqual([304, '*']);
      const posted = await app.call(path, { method: 'POST' });
      expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS']);
    });
  });

  describe('the challenge', () => {
    const named = (resource: string): string => `Bearer resource_metadata="${metadataOf(resource)}"`;

    it('of a request without a token leads to the metadata, and names the scopes of the route', async () => {
      const missing = (challenge: string) => ({ status: 401, challenge, code: 'MISSING_TOKEN' });
      expect(verdictOf(await app.call('/api/mcp'))).toEqual(missing(`${named(mcp)}, scope="mcp:use"`));
      const any = `${named(mcp)}, scope="mcp:use cats:read cats:admin"`;
      expect(verdictOf(await app.call('/api/mcp/list'))).toEqual(missing(any));
      expect(verdictOf(await app.call('/api/mcp/me'))).toEqual(missing(named(mcp)));
      expect(verdictOf(await app.call('/api/mcp/admin'))).toEqual(missing(`${named(admin)}, scope="admin"`));
      expect(verdictOf(await app.call('/api/cats'))).toEqual(missing('Bearer'));
    });

    it('does not follow the headers of the request', async () => {
      const headers = [
        ['X-Forwarded-Host', 'evil.example'],
        ['X-Forwarded-Proto', 'http'],
        ['Forwarded', 'host=evil.example'],
      ] as const;
      expect((await app.call('/api/mcp/me', { headers })).headers['www-authenticate']).toBe(named(mcp));
      expect(JSON.stringify((await app.call(path, { headers })).json)).not.toContain('evil');
    });

    it('of a refused token has both before the error', async () => {
      expect(verdictOf(await callWith('/api/mcp', { aud: mcp, exp: 1 }))).toEqual({
        status: 401,
        challenge: `${named(mcp)}, scope="mcp:use", error="invalid_token", error_description="${sentences.expired}"`,
        code: 'INVALID_TOKEN',
        reason: 'expired',
      });
    });

    it('of a token that lacks scopes names all of the route, and those that the handler asks for', async () => {
      const lacking = (scope: string, resource: string | null = mcp) => ({
        status: 403,
        challenge: `${resource === null ? 'Bearer' : `${named(resource)},`} ${
          resource === null
            ? `error="insufficient_scope", scope="${scope}"`
            : `scope="${scope}", error="insufficient_scope"`
        }`,
        code: 'INSUFFICIENT_SCOPE',
      });
      const scope = 'cats:read';
      expect(verdictOf(await callWith('/api/mcp/list', { aud: mcp, scope }))).toEqual(lacking('mcp:use cats:read'));
      const used = { aud: mcp, scope: 'mcp:use' };
      expect(verdictOf(await callWith('/api/mcp/tools', used, 'POST'))).toEqual(lacking('mcp:use cats:write'));
      expect(verdictOf(await callWith('/api/cats', { aud: 'web' }))).toEqual(lacking('cats:list', null));
      expect(verdictOf(await app.call('/api/cats/feed', { method: 'POST' }))).toEqual(lacking('cats:feed', null));
    });

    it('can be read by the code of a page where the app allows its origin', async () => {
      const origin = 'https://inspector.example';
      const headers = [['Origin', origin]] as const;
      expect((await app.call('/api/cats', { headers })).headers['access-control-expose-headers']).toBeUndefined();
      const issuers = oidc({ issuer: issuer.url, audience: [mcp, admin] });
      const cors = { origin, credentials: true, exposedHeaders: ['X-Total'] };
      const shared = await startResourceApp(platform, { auth: { issuers }, app: { cors } });
      expect((await shared.call('/api/mcp', { headers })).headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-expose-headers': expect.stringMatching(/^X-Total, ?WWW-Authenticate$/) as string,
      });
      // The metadata is for every page, whatever the app allows.
      const document = (await shared.call(path, { headers: [['Origin', 'https://other.example']] })).headers;
      expect(document['access-control-allow-origin']).toBe('*');
      expect(document['access-control-allow-credentials']).toBeUndefined();
    });
  });

  it('are published when the options come from a factory', async () => {
    const issuers = oidc({ issuer: issuer.url, audience: mcp });
    const auth = AuthModule.forRootAsync({ useFactory: () => ({ issuers, resource: { identifier: mcp } }) });
    const made = await startApp(platform, { imports: [auth] });
    expect((await made.call(path)).json).toEqual({
      resource: mcp,
      authorization_servers: [issuer.url],
      bearer_methods_supported: ['header'],
    });
  });

  it.each([
    ['accept', {}],
    ['require', { dpop_bound_access_tokens_required: true }],
  ] as const)('say that tokens may be bound to a key with dpop: %s', async (dpop, more) => {
    const issuers = oidc({ issuer: issuer.url, audience: mcp });
    const imports = [AuthModule.forRoot({ issuers, resource: { identifier: mcp }, dpop })];
    expect((await (await startApp(platform, { imports })).call(path)).json).toEqual({
      resource: mcp,
      authorization_servers: [issuer.url],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256', 'ES384'],
      ...more,
    });
  });

  it('are published with what the app states in place of its routes', async () => {
    const resource = {
      identifier: 'https://api.example.com',
      documentation: 'https://docs.example.com/mcp',
      scopes: ['basic'],
    };
    const issuers = oidc({ issuer: issuer.url, audience: 'https://api.example.com/' });
    const whole = await startResourceApp(platform, { auth: { issuers, resource } });
    expect((await whole.call(wellKnown)).json).toEqual({
      resource: 'https://api.example.com',
      authorization_servers: [issuer.url],
      scopes_supported: ['basic'],
      bearer_methods_supported: ['header'],
      resource_documentation: 'https://docs.example.com/mcp',
    });
    const challenge = `Bearer resource_metadata="https://api.example.com${wellKnown}", scope="cats:list"`;
    expect((await whole.call('/api/cats')).headers['www-authenticate']).toBe(challenge);
    // Clients write a mere origin with a slash or without.
    for (const aud of ['https://api.example.com/', ['https://api.example.com/', 'https://api.example.com']]) {
      const token = await issuer.token({ sub: 'u1', aud });
      expect((await whole.call('/api/mcp/me', { token })).text).toBe('u1');
    }
  });
});
