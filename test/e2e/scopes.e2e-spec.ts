/** What a token was granted: scopes on a handler and on its class add up, and a refusal names all that are needed. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, OptionalAuth, oidc, Public, RequireAnyScope, RequireScopes } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { missingToken, verdictOf } from '../support/verdicts.js';

@RequireScopes('cats:read')
@Controller('cats')
class CatsController {
  @Get('list')
  list(): string {
    return 'cats';
  }

  @RequireScopes('cats:write', 'cats:feed')
  @Get('feed')
  feed(): string {
    return 'fed';
  }

  @RequireAnyScope('cats:write', 'admin')
  @Get('name')
  name(): string {
    return 'named';
  }

  @OptionalAuth()
  @Get('optional')
  optional(): string {
    return 'optional';
  }

  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(): string {
    return 'guarded';
  }

  @Public()
  @Get('open')
  open(): string {
    return 'open';
  }
}

describe.each(platforms)('scopes on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    const issuers = oidc({ issuer: issuer.url, audience: 'api' });
    app = await startApp(platform, { imports: [AuthModule.forRoot({ issuers })], controllers: [CatsController] });
  });

  const callWith = async (path: string, scope: string) => {
    const token = await issuer.token({ sub: 'u1', aud: 'api', scope });
    return app.call(path, { token });
  };

  it.each([
    ['/cats/list', 'cats:read'],
    ['/cats/list', 'profile cats:read'],
    ['/cats/feed', 'cats:feed cats:write cats:read'],
    ['/cats/name', 'cats:read admin'],
    ['/cats/guarded', 'cats:read'],
    ['/cats/optional', 'cats:read'],
  ])('allow %s with "%s"', async (path, scope) => {
    expect((await callWith(path, scope)).status).toBe(200);
  });

  it.each([
    ['/cats/list', '', 'cats:read'],
    ['/cats/list', 'cats:read2', 'cats:read'],
    ['/cats/feed', 'cats:write cats:feed', 'cats:read cats:write cats:feed'],
    ['/cats/feed', 'cats:read cats:write', 'cats:read cats:write cats:feed'],
    ['/cats/feed', '', 'cats:read cats:write cats:feed'],
    // Of those that would do, what the client has is enough to ask for again.
    ['/cats/name', 'cats:read', 'cats:read cats:write admin'],
    ['/cats/name', 'admin', 'cats:read admin'],
    ['/cats/optional', '', 'cats:read'],
    ['/cats/guarded', '', 'cats:read'],
  ])('refuse %s to "%s", and name %s', async (path, scope, named) => {
    expect(verdictOf(await callWith(path, scope))).toEqual({
      status: 403,
      challenge: `Bearer error="insufficient_scope", scope="${named}"`,
      code: 'INSUFFICIENT_SCOPE',
    });
  });

  it('are granted by a token with the scopes of the challenge', async () => {
    const named = (await callWith('/cats/feed', 'profile')).headers['www-authenticate'] ?? '';
    const scope = /scope="([^"]+)"/.exec(named)?.[1] ?? '';
    expect((await callWith('/cats/feed', scope)).status).toBe(200);
  });

  it('require a token of an anonymous caller, on an optional route too', async () => {
    expect(verdictOf(await app.call('/cats/list'))).toEqual(missingToken);
    expect(verdictOf(await app.call('/cats/optional'))).toEqual(missingToken);
  });

  it('require nothing where the handler is public', async () => {
    expect((await app.call('/cats/open')).status).toBe(200);
  });
});
