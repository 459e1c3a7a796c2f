/** An issuer can take tokens back before they end: how an app gets to know, and what happens while it cannot. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  CurrentUser,
  jwtIssuer,
  OptionalAuth,
  oidc,
  type OidcOptions,
  RequireScopes,
  VerifyOnline,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { type Platform, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { invalidToken, invalidTokenChallenge, missingToken, unavailable, verdictOf } from '../support/verdicts.js';

@UseGuards(AuthGuard)
@Controller()
class PaymentsController {
  @Get('list')
  list(@CurrentUser('id') id: string): object {
    return { id };
  }

  @VerifyOnline()
  @Get('pay')
  pay(@CurrentUser('id') id: string): object {
    return { id };
  }

  @VerifyOnline()
  @RequireScopes('refund')
  @Get('refund')
  refund(@CurrentUser('id') id: string): object {
    return { id };
  }

  @VerifyOnline()
  @OptionalAuth()
  @Get('offers')
  offers(@CurrentUser() user: { id: string } | null): object {
    return { id: user?.id ?? null };
  }

  @VerifyOnline()
  @OptionalAuth({ onInvalid: 'reject', onUnavailable: 'anonymous' })
  @Get('news')
  news(@CurrentUser() user: { id: string } | null): object {
    return { id: user?.id ?? null };
  }
}

interface Scene {
  readonly issuer: TestIssuer;
  readonly app: RunningApp;
  readonly log: LogLines;
  readonly token: (claims?: object) => Promise<string>;
}

async function begin(
  platform: Platform,
  options: Partial<OidcOptions> = {},
  more: Partial<AuthModuleOptions> & { guardEverything?: boolean } = {},
): Promise<Scene> {
  const issuer = await startIssuer();
  const log = new LogLines();
  const issuers = oidc({ issuer: issuer.url, audience: 'api', introspection: issuer.introspectionClient, ...options });
  const app = await startApp(platform, {
    imports: [AuthModule.forRoot({ issuers, ...more })],
    controllers: [PaymentsController],
    logger: log,
  });
  const token = (claims: object = {}): Promise<string> => issuer.token({ sub: 'alice', aud: 'api', ...claims });
  return { issuer, app, log, token };
}

describe.each(platforms)('an app with introspection on $name', (platform) => {
  it('calls the issuer for every request, once for both guards, and refuses revoked tokens', async () => {
    const { issuer, app, token } = await begin(platform, {}, { guardEverything: true });
    const text = await token();
    for (let at = 1; at <= 3; at += 1) {
      expect((await app.call('/list', { token: text })).json).toEqual({ id: 'alice' });
      expect(issuer.requests.introspection).toBe(at);
    }
    expect((await app.call('/pay', { token: text })).json).toEqual({ id: 'alice' });
    expect(issuer.requests.introspection).toBe(4);

    issuer.revoke(text);
    expect(verdictOf(await app.call('/list', { token: text }))).toEqual(invalidToken('revoked'));
    expect(verdictOf(await app.call('/pay', { token: text }))).toEqual(invalidToken('revoked'));
  });

  it('accepts opaque tokens of the issuer, and refuses others', async () => {
    const { issuer, app } = await begin(platform);
    const token = issuer.opaqueToken({ sub: 'alice', aud: 'api' });
    expect((await app.call('/list', { token })).json).toEqual({ id: 'alice' });
    expect((await app.call('/pay', { token })).json).toEqual({ id: 'alice' });
    expect(issuer.requests.introspection).toBe(2);

    const foreign = issuer.opaqueToken({ sub: 'alice', aud: 'other' });
    expect(verdictOf(await app.call('/list', { token: foreign }))).toEqual(invalidToken('audience'));
    expect(verdictOf(await app.call('/list', { token: 'made-up' }))).toEqual(invalidToken('revoked'));
  });

  it('shares one call among concurrent requests with the same token', async () => {
    const { issuer, app, token } = await begin(platform);
    const text = await token();
    const answers = await Promise.all(Array.from({ length: 200 }, () => app.call('/list', { token: text })));

    expect(new Set(answers.map(({ text: body }) => body))).toEqual(new Set(['{"id":"alice"}']));
    // Each comes over a connection of its own, so that some come when others have been answered.
    expect(issuer.requests.introspection).toBeLessThan(100);
  });

  it('checks the signature first with hybrid, and does not call the issuer about a forged token', async () => {
    const { issuer, app, token } = await begin(platform, { verify: 'hybrid' });
    const forged = await issuer.token({ sub: 'admin', aud: 'api' }, { signWith: 'stranger' });
    expect(verdictOf(await app.call('/list', { token: forged }))).toEqual(invalidToken('signature'));
    expect(verdictOf(await app.call('/pay', { token: forged }))).toEqual(invalidToken('signature'));
    expect(issuer.requests.introspection).toBe(0);

    const text = await token();
    expect((await app.call('/list', { token: text })).status).toBe(200);
    issuer.revoke(text);
    expect(verdictOf(await app.call('/list', { token: text }))).toEqual(invalidToken('revoked'));
    expect(issuer.requests.introspection).toBe(2);
  });

  it('answers 503 with Retry-After while the issuer does not answer', async () => {
    const { issuer, app, log, token } = await begin(platform);
    const text = await token();
    expect((await app.call('/list', { token: text })).status).toBe(200);
    issuer.fail('503', { only: 'introspection' });
    const answer = await app.call('/list', { token: text });
    expect(verdictOf(answer)).toEqual(unavailable);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(log.ours('error')).toHaveLength(1);

    issuer.recover();
    expect((await app.call('/list', { token: text })).status).toBe(200);
    expect(log.lines.map((line) => line.text).join()).not.toMatch(/test-secret|eyJ/);
  });
});

describe.each(platforms)('@VerifyOnline() on $name', (platform) => {
  it('calls the issuer on its route only, even for a cached token', async () => {
    const { issuer, app, token } = await begin(platform, { verify: 'local' });
    const text = await token();
    for (let at = 0; at < 3; at += 1) expect((await app.call('/list', { token: text })).status).toBe(200);
    expect(issuer.requests.introspection).toBe(0);
    expect((await app.call('/pay', { token: text })).json).toEqual({ id: 'alice' });
    expect(issuer.requests.introspection).toBe(1);

    issuer.revoke(text);
    expect((await app.call('/list', { token: text })).status).toBe(200);
    expect(verdictOf(await app.call('/pay', { token: text }))).toEqual(invalidToken('revoked'));
    expect(verdictOf(await app.call('/pay'))).toEqual(missingToken);
    expect(issuer.requests.introspection).toBe(2);
  });

  it('is combined with other requirements, which are checked for tokens that the issuer confirms', async () => {
    const { issuer, app, token } = await begin(platform, { verify: 'local' });
    const text = await token({ scope: 'refund' });
    expect((await app.call('/refund', { token: text })).json).toEqual({ id: 'alice' });
    expect(verdictOf(await app.call('/refund', { token: await token() }))).toMatchObject({
      status: 403,
      code: 'INSUFFICIENT_SCOPE',
    });
    issuer.revoke(text);
    expect(verdictOf(await app.call('/refund', { token: text }))).toEqual(invalidToken('revoked'));
  });

  it('applies the options of an optional route to refusals and outages', async () => {
    const { issuer, app, token } = await begin(platform, { verify: 'local' });
    const text = await token();
    expect((await app.call('/offers')).json).toEqual({ id: null });
    expect((await app.call('/offers', { token: text })).json).toEqual({ id: 'alice' });
    issuer.fail('503', { only: 'introspection' });
    expect(verdictOf(await app.call('/offers', { token: text }))).toEqual(unavailable);
    expect((await app.call('/news', { token: text })).json).toEqual({ id: null });
  });

  it('continues on an optional route without a refused user, and tells the client, or rejects', async () => {
    const { issuer, app, token } = await begin(platform, { verify: 'local' });
    const text = await token();
    issuer.revoke(text);
    const offers = await app.call('/offers', { token: text });
    expect([offers.status, offers.json]).toEqual([200, { id: null }]);
    expect(offers.headers['www-authenticate']).toBe(invalidTokenChallenge('revoked'));
    expect(verdictOf(await app.call('/news', { token: text }))).toEqual(invalidToken('revoked'));
  });

  it("answers 500 when the token's issuer, of several, does not support it, and the log names the option", async () => {
    const issuer = await startIssuer();
    const log = new LogLines();
    const byHand = jwtIssuer({ issuer: issuer.url, audience: 'api', publicKey: issuer.publicKey });
    const introspection = { clientId: 'api', clientSecret: 'secret' };
    const asked = oidc({ issuer: 'https://asked.example', audience: 'api', introspection });
    const imports = [AuthModule.forRoot({ issuers: [byHand, asked] })];
    const app = await startApp(platform, { imports, controllers: [PaymentsController], logger: log });
    const token = await issuer.token({ sub: 'alice', aud: 'api' });

    expect((await app.call('/list', { token })).status).toBe(200);
    expect(await app.call('/pay', { token })).toMatchObject({ status: 500, json: { code: 'CONFIGURATION_ERROR' } });
    expect(await app.call('/offers', { token })).toMatchObject({ status: 500 });
    expect(log.ours('error')[0]?.text).toContain('jwtIssuer: @VerifyOnline() requires introspection');
  });
});
