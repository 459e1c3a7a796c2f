/** Parts of an app that clients get tokens for by their address: metadata, challenges, and audiences (RFC 9728, RFC 8707). */
import { type CanActivate, Controller, Get, type INestApplication, Post, UseGuards, VersioningType } from '@nestjs/common';
import {
  acceptAnyAudience,
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthUser,
  CurrentUser,
  insufficientScope,
  jwtIssuer,
  oidc,
  OptionalAuth,
  RequireAnyScope,
  RequireScopes,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AppParts, type Platform, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { verdictOf } from '../support/verdicts.js';

const api = 'https://api.example.com';
const mcp = `${api}/api/mcp`;
const admin = `${mcp}/admin`;
const wellKnown = '/.well-known/oauth-protected-resource';
const metadataOf = (resource: string): string => resource.replace(api, `${api}${wellKnown}`);

@Controller('mcp')
@RequireScopes('mcp:use')
class McpController {
  @Get()
  read(@CurrentUser('id') id: string): string {
    return id;
  }

  @Get('list')
  @RequireAnyScope('cats:read', 'cats:admin')
  list(): string {
    return 'cats';
  }

  @Post('tools')
  callTool(): never {
    throw insufficientScope('cats:write', 'mcp:use');
  }
}

@Controller('mcp/admin')
class AdminController {
  @Get()
  @RequireScopes('admin')
  read(): string {
    return 'admin';
  }

  @Get('open')
  @OptionalAuth()
  open(@CurrentUser() user: AuthUser | null): string {
    return user?.id ?? 'nobody';
  }
}

@Controller('cats')
class CatsController {
  @Get()
  @UseGuards(AuthGuard)
  @RequireScopes('cats:list')
  read(): string {
    return 'cats';
  }
}

const controllers = [McpController, AdminController, CatsController];

async function start(
  platform: Platform,
  auth: Partial<AuthModuleOptions> & Pick<AuthModuleOptions, 'issuers'>,
  parts: AppParts = {},
  prepare?: (nest: INestApplication) => void,
): Promise<RunningApp> {
  return startApp(platform, {
    ...parts,
    imports: [AuthModule.forRoot({ publicUrl: api, resource: [{ identifier: mcp }, { identifier: admin }], ...auth })],
    controllers,
    prepare: (nest) => {
      nest.setGlobalPrefix('api');
      prepare?.(nest);
    },
  });
}

describe.each(platforms)('protected resources on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await start(platform, { issuers: oidc({ issuer: issuer.url, audience: ['web', mcp, admin] }) });
  });

  const callWith = async (path: string, aud: unknown, scope = 'mcp:use', method = 'GET') => {
    const token = await issuer.token({ sub: 'u1', aud, scope } as Record<string, unknown>);
    return app.call(path, { token, method });
  };

  describe('the metadata', () => {
    it('of each is at the path of its own, with the scopes of its routes', async () => {
      const found = await app.call(`${wellKnown}/api/mcp`);
      expect(found.status).toBe(200);
      expect(found.json()).toEqual({
        resource: mcp,
        authorization_servers: [issuer.url],
        scopes_supported: ['mcp:use', 'cats:read', 'cats:admin'],
        bearer_methods_supported: ['header'],
      });
      expect((await app.call(`${wellKnown}/api/mcp/admin/`)).json()).toMatchObject({
        resource: admin,
        scopes_supported: ['admin'],
      });
      expect((await app.call(wellKnown)).status).toBe(404);
    });

    it('may be read by pages of any origin', async () => {
      const origin = 'https://inspector.example';
      const found = await app.call(`${wellKnown}/api/mcp`, { headers: { origin } });
      expect(found.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'ETag, WWW-Authenticate',
        'cache-control': 'public, max-age=300',
      });
      const asked = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'mcp-protocol-version' };
      const preflight = await app.call(`${wellKnown}/api/mcp`, { method: 'OPTIONS', headers: asked });
      expect(preflight.status).toBe(204);
      expect(preflight.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'mcp-protocol-version',
      });
      const head = await app.call(`${wellKnown}/api/mcp`, { method: 'HEAD' });
      expect([head.status, head.body]).toEqual([200, '']);
      const etag = found.headers['etag'] ?? '';
      expect((await app.call(`${wellKnown}/api/mcp`, { headers: { 'if-none-match': etag } })).status).toBe(304);
      const posted = await app.call(`${wellKnown}/api/mcp`, { method: 'POST' });
      expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS']);
    });
  });

  describe('the challenge', () => {
    it('leads to the metadata and names the scopes first', async () => {
      expect(verdictOf(await app.call('/api/mcp'))).toEqual({
        status: 401,
        challenge: `Bearer resource_metadata="${metadataOf(mcp)}", scope="mcp:use"`,
        code: 'MISSING_TOKEN',
      });
    });
  });
});
