/** Tokens are accepted at the resource that they are meant for, and nowhere else of the app's resources (RFC 8707). */
import { acceptAnyAudience, AuthModule, ConfigurationError, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startIssuer } from '../support/app.js';
import { sendRaw } from '../support/raw-request.js';
import { metadataOf, resources, startResourceApp } from '../support/resource-app.js';
import { invalidToken, verdictOf } from '../support/verdicts.js';

const { mcp, admin } = resources;

const refusedAt = (resource: string) => ({
  ...invalidToken('audience'),
  challenge: invalidToken('audience').challenge?.replace(
    'Bearer ',
    `Bearer resource_metadata="${metadataOf(resource)}", `,
  ),
});

describe.each(platforms)('the audience of a resource on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    const issuers = oidc({ issuer: issuer.url, audience: ['web', mcp, admin] });
    const resource = [{ identifier: mcp, alsoAudience: 'web' }, { identifier: admin }];
    app = await startResourceApp(platform, { auth: { issuers, resource } });
  });

  it('is not escaped by a request target that is no path', async () => {
    const bearer = `Authorization: Bearer ${await issuer.token({ sub: 'u1', aud: mcp })}`;
    for (const path of ['http://h?/api/mcp/me', 'http://h?x/api/mcp/me', 'javascript://h/api/mcp/me']) {
      const { status } = await sendRaw(app.url, { method: 'GET', path, headers: [bearer] });
      // Where the router finds a handler at all.
      expect({ path, isRefused: status === 400 || status === 404 }).toEqual({ path, isRefused: true });
    }
    const path = `${app.url}/api/mcp/me`;
    expect((await sendRaw(app.url, { method: 'GET', path, headers: [bearer] })).status).toBe(200);
  });

  const callWith = async (path: string, aud: unknown, target = app) =>
    target.call(path, { token: await issuer.token({ sub: 'u1', aud, scope: 'mcp:use admin cats:list' }) });

  it('is the resource itself', async () => {
    for (const aud of [mcp, [mcp]]) expect((await callWith('/api/mcp', aud)).text).toBe('u1');
    expect((await callWith('/api/mcp/admin', admin)).text).toBe('admin');
  });

  it('may have the userinfo of the issuer and what the app allows beside it, and nothing else', async () => {
    const userinfo = `${issuer.url}/userinfo`;
    expect((await callWith('/api/mcp', [mcp, userinfo, 'web'])).status).toBe(200);
    for (const aud of [
      'web',
      ['web', userinfo],
      [mcp, 'other'],
      [mcp, admin],
      [mcp, 'https://evil.example/userinfo'],
    ]) {
      const answer = await callWith('/api/mcp/me', aud);
      expect(verdictOf(answer), JSON.stringify(aud)).toEqual(refusedAt(mcp));
    }
    const refused = verdictOf(await callWith('/api/mcp/admin', [admin, 'web']));
    expect({ ...refused, challenge: null }).toEqual({ ...refusedAt(admin), challenge: null });
  });

  it('is compared at each request, so that a remembered token has no other resource', async () => {
    const token = await issuer.token({ sub: 'u1', aud: mcp, scope: 'mcp:use admin' });
    const answers: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      for (const path of ['/api/mcp', '/api/mcp/admin']) answers.push((await app.call(path, { token })).status);
    }
    expect(answers).toEqual([200, 401, 200, 401, 200, 401, 200, 401]);
  });

  it('is that of the issuer outside of all resources', async () => {
    expect((await callWith('/api/cats', 'web')).text).toBe('cats');
    expect((await callWith('/api/cats', ['web', 'other'])).text).toBe('cats');
    expect(verdictOf(await callWith('/api/cats', 'other'))).toEqual(invalidToken('audience'));
  });

  it('makes a caller anonymous where authentication is optional', async () => {
    expect((await callWith('/api/mcp/admin/open', admin)).text).toBe('u1');
    const answer = await callWith('/api/mcp/admin/open', mcp);
    expect([answer.status, answer.text, answer.headers['www-authenticate']]).toEqual([
      200,
      'nobody',
      refusedAt(admin).challenge,
    ]);
  });

  // Express ignores the case and Fastify decodes, so either finds a handler by some of these.
  it.each(['/api/mcp/', '/api/MCP', '/api/%6Dcp', '/api/mcp?x=/api/cats', '/api/mcp;x', '/API/Mcp/%6De'])(
    'is not escaped by %s',
    async (path) => {
      const { status } = await callWith(path, 'web');
      expect([401, 404]).toContain(status);
    },
  );

  it('is not escaped by a whole address in the request line', async () => {
    const token = await issuer.token({ sub: 'u1', aud: 'web' });
    const path = 'http://evil.example/api/mcp/me';
    const { status } = await sendRaw(app.url, { method: 'GET', path, headers: [`Authorization: Bearer ${token}`] });
    expect(status).toBe(401);
  });

  it('needs a token: any audience of an issuer is not any audience of a resource', async () => {
    const issuers = oidc({ issuer: issuer.url, audience: acceptAnyAudience });
    const open = await startResourceApp(platform, { auth: { issuers } });
    expect((await callWith('/api/mcp', mcp, open)).status).toBe(200);
    expect(verdictOf(await callWith('/api/mcp/me', undefined, open))).toEqual(refusedAt(mcp));
    expect((await callWith('/api/cats', undefined, open)).status).toBe(200);
  });
});

describe('an issuer whose audience accepts no token for a resource', () => {
  const options = (audience: string | string[], also: readonly string[] = []) => ({
    issuers: oidc({ issuer: 'https://issuer.example', audience }),
    resource: { identifier: mcp, alsoAudience: also.length === 0 ? 'else' : also },
  });

  it('stops the app', () => {
    expect(() => AuthModule.forRoot(options('web'))).toThrow(ConfigurationError);
    expect(() => AuthModule.forRoot(options('web'))).toThrow(
      `the audience of the issuer https://issuer.example does not accept tokens for ${mcp}`,
    );
    expect(() => AuthModule.forRoot(options(['web', mcp]))).not.toThrow();
    expect(() => AuthModule.forRoot(options('web', ['web']))).not.toThrow();
  });
});
