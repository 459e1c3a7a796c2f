/** What a client reads when it is turned away: status, challenge, body and Retry-After, all to the letter. */
import { Controller, Get, Head, Options, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, oidc, type RefusalReason } from 'nest-gatehouse';
import type { TestClaims, TestIssuer, TestTokenOptions } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { invalidTokenChallenge, sentences } from '../support/verdicts.js';

const audience = 'the-vault-of-cats';

@UseGuards(AuthGuard)
@Controller('cats')
class CatsController {
  @Get()
  list(): string[] {
    return ['Tom'];
  }

  @Head('count')
  count(): void {}

  @Options('purr')
  purr(): string {
    return 'purr';
  }
}

/** Signs for this API, as the type that it asks for. */
type Sign = (claims?: TestClaims, options?: TestTokenOptions) => Promise<string>;

/** What can be wrong with a token. `revoked` is missing: a profile look-up finds that out, the guard does not. */
const refusedTokens: Record<Exclude<RefusalReason, 'revoked'>, (sign: Sign) => Promise<string>> = {
  malformed: async () => 'clubs.hearts.spades',
  expired: (sign) => sign({}, { expiresIn: '-1m' }),
  not_yet_valid: (sign) => sign({}, { notBefore: '1m' }),
  signature: (sign) => sign({}, { signWith: 'stranger' }),
  algorithm: (sign) => sign({}, { header: { alg: 'none' } }),
  key: (sign) => sign({}, { header: { kid: 'unheard-of' } }),
  issuer: (sign) => sign({ iss: 'https://elsewhere.example' }),
  audience: (sign) => sign({ aud: 'dogs' }),
  type: (sign) => sign({}, { header: { typ: 'JWT' } }),
  claim: (sign) => sign({ sub: undefined }),
  proof: (sign) => sign({ cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }),
};

describe.each(platforms)('answers on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience, tokenType: 'at+jwt' }),
          toUser: (user) => (user.id === 'ghost' ? null : user),
        }),
      ],
      controllers: [CatsController],
    });
  });

  const sign: Sign = (claims, options) =>
    issuer.token({ aud: audience, ...claims }, { ...options, header: { typ: 'at+jwt', ...options?.header } });

  const expectNoTraces = (answer: Answer, token: string): void => {
    const sent = JSON.stringify(answer);
    const secrets = [...token.split('.'), audience, issuer.url, new URL(issuer.url).host, issuer.publicKey.kid];
    for (const secret of secrets.filter((part) => part !== '')) expect(sent).not.toContain(secret);
  };

  it('accepts a valid token', async () => {
    const answer = await app.call('/cats', { token: await sign() });
    expect([answer.status, answer.text]).toEqual([200, '["Tom"]']);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it('requires a token where there is none, without an error code', async () => {
    const answer = await app.call('/cats');
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.text).toBe(
      '{"statusCode":401,"error":"Unauthorized","message":"An access token is required","code":"MISSING_TOKEN"}',
    );
  });

  it('answers 400 for a header that contains no token', async () => {
    const answer = await app.call('/cats', { headers: [['Authorization', 'Bearer one two']] });
    const sentence = 'The request carries its credentials in a malformed or contradictory way';
    expect(answer.status).toBe(400);
    expect(answer.headers['www-authenticate']).toBe(`Bearer error="invalid_request", error_description="${sentence}"`);
    expect(answer.text).toBe(
      `{"statusCode":400,"error":"Bad Request","message":"${sentence}","code":"INVALID_REQUEST"}`,
    );
  });

  it.each(Object.entries(refusedTokens))('refuses a token with its reason: %s', async (reason, makeToken) => {
    const token = await makeToken(sign);
    const answer = await app.call('/cats', { token });
    const sentence = sentences[reason as RefusalReason];
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(invalidTokenChallenge(reason as RefusalReason));
    expect(answer.text).toBe(
      `{"statusCode":401,"error":"Unauthorized","message":"${sentence}","code":"INVALID_TOKEN","reason":"${reason}"}`,
    );
    expect(answer.headers).not.toHaveProperty('retry-after');
    expectNoTraces(answer, token);
  });

  it('denies access without a challenge to a user that the app does not know', async () => {
    const token = await sign({ sub: 'ghost' });
    const answer = await app.call('/cats', { token });
    expect(answer.status).toBe(403);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
    expect(answer.text).toBe(
      '{"statusCode":403,"error":"Forbidden","message":"Access is denied","code":"ACCESS_DENIED"}',
    );
    expectNoTraces(answer, token);
  });

  it('answers 503 with Retry-After while the keys cannot be fetched', async () => {
    const down = await startIssuer();
    down.fail('503');
    const stranded = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: down.url, audience }) })],
      controllers: [CatsController],
    });
    const token = await down.token({ aud: audience });
    const answer = await stranded.call('/cats', { token });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
    expect(answer.text).toBe(
      '{"statusCode":503,"error":"Service Unavailable",' +
        '"message":"Authentication is not available at the moment","code":"SERVER_ERROR"}',
    );
    expect(JSON.stringify(answer)).not.toContain(new URL(down.url).host);
    expectNoTraces(answer, token);
  });

  it.each(['HEAD', 'OPTIONS'] as const)('guards %s like every other method', async (method) => {
    const path = method === 'HEAD' ? '/cats/count' : '/cats/purr';
    const bare = await app.call(path, { method });
    expect([bare.status, bare.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(bare.text === '').toBe(method === 'HEAD');
    const refused = await app.call(path, { method, token: 'clubs.hearts.spades' });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, invalidTokenChallenge('malformed')]);
    const allowed = await app.call(path, { method, token: await sign() });
    expect(allowed.status).toBe(200);
    expect(allowed.headers).not.toHaveProperty('www-authenticate');
  });

  it('answers HEAD of a GET route with the same refusal, without the body', async () => {
    const answer = await app.call('/cats', { method: 'HEAD' });
    expect([answer.status, answer.headers['www-authenticate'], answer.text]).toEqual([401, 'Bearer', '']);
  });

  it('answers a CORS preflight request without a token', async () => {
    const open = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience }), guardEverything: true })],
      controllers: [CatsController],
      cors: { origin: 'https://page.example', exposedHeaders: ['WWW-Authenticate'] },
    });
    const origin = ['Origin', 'https://page.example'] as const;
    const preflight = await open.call('/cats', {
      method: 'OPTIONS',
      headers: [origin, ['Access-Control-Request-Method', 'GET'], ['Access-Control-Request-Headers', 'authorization']],
    });
    expect(preflight.status).toBe(204);
    const refused = await open.call('/cats', { headers: [origin] });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(refused.headers['access-control-allow-origin']).toBe('https://page.example');
  });
});
