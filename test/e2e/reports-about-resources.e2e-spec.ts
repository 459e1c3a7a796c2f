/** What others have reported about protected resources elsewhere (RFC 9728, RFC 8707, MCP), and what happens here. */
import { Controller, Get } from '@nestjs/common';
import { AuthModule, type AuthModuleOptions, CurrentUser, oidc, RequireScopes } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { metadataOf, resources, startResourceApp, wellKnown } from '../support/resource-app.js';
import { invalidToken, verdictOf } from '../support/verdicts.js';

const { mcp, admin } = resources;
const origin = 'https://api.example.com';

@Controller('tools')
class ToolsController {
  @RequireScopes('a', 'b')
  @Get()
  use(@CurrentUser('id') id: string): object {
    return { id };
  }
}

describe.each(platforms)('on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;
  beforeAll(async () => {
    issuer = await startIssuer();
    const issuers = oidc({ issuer: issuer.url, audience: [mcp, admin] });
    app = await startResourceApp(platform, { auth: { issuers, guardEverything: true } });
  });

  /** An app whose only resource is all of it. */
  const startWhole = (more: Partial<AuthModuleOptions> = {}) => {
    const issuers = oidc({ issuer: issuer.url, audience: origin });
    const auth = AuthModule.forRoot({ issuers, publicUrl: origin, resource: { identifier: origin }, ...more });
    return startApp(platform, { imports: [auth], controllers: [ToolsController] });
  };
  const tokenFor = (aud: unknown, scope = 'mcp:use admin a b') => issuer.token({ sub: 'alice', aud, scope });
  const refusedAt = (resource: string, scope: string) => ({
    ...invalidToken('audience'),
    challenge: expect.stringMatching(
      `^Bearer resource_metadata="${metadataOf(resource)}", scope="${scope}", error="invalid_token"`,
    ) as string,
  });

  it.each([
    ['/api/mcp', mcp],
    ['/api/mcp/admin', admin],
  ])(
    'the challenge of %s leads to a document that names this resource, below a global prefix too (python-sdk#1400, typescript-sdk#2751, exa-mcp-server#387, sourcemeta/one#1186)',
    async (path, resource) => {
      const challenge = (await app.call(path)).headers['www-authenticate'] ?? '';
      const [, address = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? [];
      expect(address).toBe(`${origin}/.well-known/oauth-protected-resource${path}`);
      const document = await app.call(new URL(address).pathname);
      expect([document.status, document.json]).toMatchObject([200, { resource, authorization_servers: [issuer.url] }]);
      const doubled = [`/api${wellKnown}${path}`, `${wellKnown}/api${path}`, `${path}${wellKnown}`];
      for (const wrong of doubled) expect((await app.call(wrong)).status, wrong).not.toBe(200);
    },
  );

  it.each([mcp, admin])(
    'the document of %s is public although everything is guarded (obsidian-web-mcp#18)',
    async (resource) => {
      const { pathname } = new URL(metadataOf(resource));
      expect((await app.call(pathname)).json).toMatchObject({ resource });
      expect((await app.call(pathname, { headers: [['Authorization', 'Bearer garbage']] })).status).toBe(200);
      expect((await app.call(new URL(resource).pathname)).status).toBe(401);
    },
  );

  it('a token that lacks a scope gets a 403 with all of the route, and one with a broader scope passes (typescript-sdk#1582, fastmcp#4334)', async () => {
    const whole = await startWhole({ scopeImplies: { admin: ['a', 'b'] } });
    const call = async (scope: string) => whole.call('/tools', { token: await tokenFor(origin, scope) });
    for (const scope of ['a', 'b', 'c', '']) {
      expect(verdictOf(await call(scope)), scope).toEqual({
        status: 403,
        challenge: `Bearer resource_metadata="${origin}${wellKnown}", scope="a b", error="insufficient_scope"`,
        code: 'INSUFFICIENT_SCOPE',
      });
    }
    for (const scope of ['a b', 'b a c', 'admin']) expect((await call(scope)).json, scope).toEqual({ id: 'alice' });
  });

  describe('a token is accepted by the resource that it is meant for', () => {
    it('alone: not with another audience beside it, and not by its sibling (GHSA-p2fr-6hmx-4528, formbricks#8829)', async () => {
      expect((await app.call('/api/mcp', { token: await tokenFor(mcp) })).status).toBe(200);
      const wrong = [[mcp, 'https://other.example/mcp'], ['https://other.example/mcp', mcp], admin, [mcp, admin]];
      for (const aud of wrong) {
        const answer = await app.call('/api/mcp', { token: await tokenFor(aud) });
        expect(verdictOf(answer), JSON.stringify(aud)).toEqual(refusedAt(mcp, 'mcp:use'));
      }
      const atSibling = await app.call('/api/mcp/admin', { token: await tokenFor(mcp) });
      expect(verdictOf(atSibling)).toEqual(refusedAt(admin, 'admin'));
    });

    it('whatever Host the request names (orangecoding/fredy#407)', async () => {
      const headers = [
        ['Host', 'evil.example'],
        ['X-Forwarded-Host', 'evil.example'],
      ] as const;
      const passed = await app.call('/api/mcp', { token: await tokenFor(mcp), headers });
      expect([passed.status, passed.text]).toEqual([200, 'alice']);
      const forEvil = await app.call('/api/mcp', { token: await tokenFor('https://evil.example/api/mcp'), headers });
      expect(verdictOf(forEvil)).toEqual(refusedAt(mcp, 'mcp:use'));
      const { json } = await app.call(new URL(metadataOf(mcp)).pathname, { headers });
      expect(json).toMatchObject({ resource: mcp });
    });

    it('with and without the slash behind an origin, which clients write in either way (n8n#30500)', async () => {
      const whole = await startWhole();
      for (const aud of [origin, `${origin}/`, [`${origin}/`]]) {
        const answer = await whole.call('/tools', { token: await tokenFor(aud) });
        expect([answer.status, answer.json], JSON.stringify(aud)).toEqual([200, { id: 'alice' }]);
      }
      for (const aud of [`${origin}//`, `${origin}/tools`, 'http://api.example.com', 'https://api.example.com:8443']) {
        const answer = await whole.call('/tools', { token: await tokenFor(aud) });
        expect(verdictOf(answer), aud).toMatchObject({ status: 401, code: 'INVALID_TOKEN', reason: 'audience' });
      }
      expect((await app.call('/api/mcp', { token: await tokenFor(`${mcp}/`) })).status).toBe(401);
    });
  });
});
