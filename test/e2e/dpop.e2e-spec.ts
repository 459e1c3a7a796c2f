/** Access tokens that are bound to a key of their client (RFC 9449): what passes, and what each other combination is answered with. */
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  Post,
  Sse,
  UseGuards,
} from '@nestjs/common';
import {
  AcceptCredentials,
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthUser,
  CurrentUser,
  oidc,
  OptionalAuth,
  RequestAuthentication,
  RequireScopes,
  tokenOf,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { of } from 'rxjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { behindProxy, type Platform, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { DpopKey, dpopHeaders, type ProofParts } from '../support/dpop-key.js';
import type { Answer } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import { ManualClock } from '../support/manual-clock.js';
import { invalidRequest, invalidTokenChallenge, sentences, verdictOf } from '../support/verdicts.js';

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('cats')
  list(@CurrentUser() user: AuthUser): object {
    return { id: user.id, credential: user.credential, hasToken: tokenOf(user).length > 0 };
  }

  @Post('cats')
  add(): object {
    return {};
  }

  @RequireScopes('cats:write')
  @Get('written')
  written(): object {
    return {};
  }

  @AcceptCredentials('access-token')
  @Sse('stream')
  stream() {
    return of({ data: 'purr' });
  }

  @OptionalAuth()
  @Get('maybe')
  maybe(@CurrentUser() user: AuthUser | null): object {
    return { id: user?.id ?? null };
  }
}

const algs = 'algs="ES256 Ed25519 EdDSA PS256 RS256 ES384"';
const proofSentence = 'The DPoP proof is missing or not accepted';
const dpop = (error: string, description: string) =>
  `DPoP error="${error}", error_description="${description}", ${algs}`;

const refusedProof = {
  status: 401,
  challenge: `Bearer, ${dpop('invalid_dpop_proof', proofSentence)}`,
  code: 'INVALID_TOKEN',
  reason: 'proof',
};
const wrongBinding = {
  status: 401,
  challenge: `Bearer, ${dpop('invalid_token', sentences.proof)}`,
  code: 'INVALID_TOKEN',
  reason: 'proof',
};
const boundAsBearer = {
  status: 401,
  challenge: `${invalidTokenChallenge('proof')}, DPoP ${algs}`,
  code: 'INVALID_TOKEN',
  reason: 'proof',
};
const badRequest = {
  status: 400,
  challenge: expect.stringMatching(/^Bearer error="invalid_request", .*, DPoP algs=/) as string,
  code: 'INVALID_REQUEST',
};

describe.each(platforms)('bound tokens on $name', (platform: Platform) => {
  const clock = new ManualClock();
  const key = new DpopKey();
  let issuer: TestIssuer;
  let app: RunningApp;

  const start = (
    more: Partial<AuthModuleOptions> = {},
    logger = new LogLines(),
    at = platform,
    prepare?: (nest: RunningApp['nest']) => void,
  ) =>
    startApp(at, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          dpop: 'accept',
          clock,
          ...more,
        }),
      ],
      controllers: [CatsController],
      logger,
      ...(prepare !== undefined && { prepare }),
    });

  beforeAll(async () => {
    issuer = await startIssuer({ clock });
    app = await start();
  });

  const tokenOfClaims = (claims: object = {}) =>
    issuer.token({ aud: 'api', sub: 'alice', ...claims }, { expiresIn: '1h' });
  const boundToken = (claims: object = {}, by = key) => tokenOfClaims({ cnf: { jkt: by.jkt }, ...claims });
  const proof = (token: string, parts: Partial<ProofParts> = {}, by = key) =>
    by.proof({ url: `${app.url}/cats`, token, at: clock.now(), ...parts });
  const call = (token: string, ...proofs: string[]): Promise<Answer> =>
    app.call('/cats', { headers: dpopHeaders(token, ...proofs) });

  it('pass with their proof, once for each proof, and however often the token is used', async () => {
    const token = await boundToken({ jti: 'j1' });
    const used = proof(token);
    const answer = await call(token, used);
    expect([answer.status, answer.json]).toEqual([
      200,
      { id: 'alice', credential: { kind: 'access-token', id: 'j1', scheme: 'DPoP' }, hasToken: true },
    ]);
    expect(answer.headers).not.toHaveProperty('dpop-nonce');
    for (let time = 0; time < 3; time += 1) expect((await call(token, proof(token))).status).toBe(200);
    expect(verdictOf(await call(token, used))).toEqual(refusedProof);
    const [at] = await Promise.all([
      call(token, proof(token, { jti: 'same' })),
      call(token, proof(token, { jti: 'other' })),
    ]);
    expect(at.status).toBe(200);
  });

  it('let one of 20 requests with one proof pass', async () => {
    const token = await boundToken();
    const used = proof(token);
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => call(token, used)))).map(
      ({ status }) => status,
    );
    expect(statuses.sort()).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
  });

  it('pass with any spelling of the scheme, and by event streams', async () => {
    const token = await boundToken();
    for (const scheme of ['dpop', 'DPOP', 'DPoP ']) {
      const headers = [['authorization', `${scheme} ${token}`] as const, ['dpop', proof(token)] as const];
      expect((await app.call('/cats', { headers })).status).toBe(200);
    }
    const stream = await app.call('/stream', {
      headers: dpopHeaders(token, proof(token, { url: `${app.url}/stream` })),
    });
    expect([stream.status, stream.text]).toEqual([200, expect.stringContaining('purr')]);
  });

  it('are refused without a right proof', async () => {
    const token = await boundToken();
    const other = await boundToken({ sub: 'bob' });
    const wrong: string[][] = [
      [],
      [proof(token), proof(token)],
      ['nonsense'],
      [proof(token, { method: 'POST' })],
      [proof(token, { url: `${app.url}/dogs` })],
      [proof(other)],
      [proof(token, { token: undefined })],
      [proof(token, { at: new Date(clock.now().getTime() - 400_000) })],
      [proof(token, { header: { jwk: key.privateJwk } })],
    ];
    for (const proofs of wrong) expect(verdictOf(await call(token, ...proofs))).toEqual(refusedProof);
    expect((await app.call('/maybe', { headers: dpopHeaders(token) })).json).toEqual({ id: null });
  });

  it('are refused with the proof of another key', async () => {
    const token = await boundToken();
    const thief = new DpopKey();
    expect(verdictOf(await call(token, proof(token, {}, thief)))).toEqual(wrongBinding);
    expect(verdictOf(await call(token, proof(token, { header: { jwk: key.jwk } }, thief)))).toEqual(refusedProof);
  });

  it('are refused as Bearer, with and without a proof, and after they passed as DPoP', async () => {
    const token = await boundToken();
    for (let time = 0; time < 3; time += 1) expect((await call(token, proof(token))).status).toBe(200);
    for (let time = 0; time < 3; time += 1) {
      expect(verdictOf(await app.call('/cats', { token }))).toEqual(boundAsBearer);
      const headers = [['DPoP', proof(token)] as const];
      expect(verdictOf(await app.call('/cats', { token, headers }))).toEqual(boundAsBearer);
    }
    expect((await call(token, proof(token))).status).toBe(200);
  });

  it('are refused where they are bound to something else as well, or to nothing that is known', async () => {
    const confirmations: unknown[] = [
      { jkt: key.jkt, 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
      { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
      { jkt: [key.jkt] },
      { jkt: key.jkt.toLowerCase() },
      { jwk: key.jwk },
      {},
      [],
      'x',
      null,
    ];
    for (const cnf of confirmations) {
      const token = await tokenOfClaims({ cnf });
      expect(verdictOf(await call(token, proof(token)))).toEqual(wrongBinding);
      expect(verdictOf(await app.call('/cats', { token }))).toEqual(boundAsBearer);
    }
  });

  it('are answered as other tokens where something else is wrong with them', async () => {
    const expired = await issuer.token({ aud: 'api', sub: 'alice', cnf: { jkt: key.jkt } }, { expiresIn: '-1m' });
    const answer = await call(expired, proof(expired));
    const description = sentences.expired;
    expect(verdictOf(answer)).toEqual({
      status: 401,
      challenge: `Bearer, ${dpop('invalid_token', description)}`,
      code: 'INVALID_TOKEN',
      reason: 'expired',
    });
    const token = await boundToken({ scope: 'cats:read' });
    const written = await app.call('/written', {
      headers: dpopHeaders(token, proof(token, { url: `${app.url}/written` })),
    });
    expect(verdictOf(written)).toEqual({
      status: 403,
      challenge: `DPoP error="insufficient_scope", scope="cats:write", ${algs}`,
      code: 'INSUFFICIENT_SCOPE',
    });
  });

  it('leave other tokens as they are, and a proof beside one is a bad request', async () => {
    const token = await tokenOfClaims();
    expect((await app.call('/cats', { token })).status).toBe(200);
    expect(verdictOf(await call(token, proof(token)))).toEqual(wrongBinding);
    expect(verdictOf(await app.call('/cats', { token, headers: [['DPoP', proof(token)]] }))).toEqual(invalidRequest);
    expect(verdictOf(await app.call('/cats'))).toEqual({
      status: 401,
      challenge: `Bearer, DPoP ${algs}`,
      code: 'MISSING_TOKEN',
    });
  });

  it('are a bad request with two schemes, or without exactly one token', async () => {
    const token = await boundToken();
    const both = [...dpopHeaders(token, proof(token)), ['Authorization', `Bearer ${token}`] as const];
    expect(verdictOf(await app.call('/cats', { headers: both }))).toEqual(badRequest);
    expect(verdictOf(await app.call('/cats', { headers: both.toReversed() }))).toEqual(badRequest);
    for (const value of ['DPoP', 'DPoP ', 'DPoP a b', 'DPoP a,b']) {
      const answer = await app.call('/cats', { headers: [['Authorization', value]] });
      expect([answer.status, (answer.json as { code: string }).code]).toEqual([400, 'INVALID_REQUEST']);
    }
  });

  it('are refused where DPoP is off, and the log names the option', async () => {
    const logger = new LogLines();
    const off = await start({ dpop: 'off' }, logger);
    const token = await boundToken();
    const refused = { ...boundAsBearer, challenge: invalidTokenChallenge('proof') };
    for (let time = 0; time < 3; time += 1) expect(verdictOf(await off.call('/cats', { token }))).toEqual(refused);
    expect(logger.ours('debug').at(-1)?.text).toContain("AuthModule.forRoot({ dpop: 'accept' }) accepts such tokens");
    const sent = await off.call('/cats', { headers: dpopHeaders(token, proof(token, { url: `${off.url}/cats` })) });
    expect(verdictOf(sent)).toEqual({ status: 401, challenge: 'Bearer', code: 'MISSING_TOKEN' });
    expect(logger.ours('debug').at(-1)?.text).toContain('dpop');
    expect((await off.call('/cats', { token: await tokenOfClaims() })).status).toBe(200);
  });

  it('are the only ones where they are required', async () => {
    const only = await start({ dpop: 'require' });
    const token = await tokenOfClaims();
    for (let time = 0; time < 3; time += 1)
      expect(verdictOf(await only.call('/cats', { token }))).toEqual(boundAsBearer);
    const bound = await boundToken();
    const right = dpopHeaders(bound, proof(bound, { url: `${only.url}/cats` }));
    expect((await only.call('/cats', { headers: right })).status).toBe(200);
    expect(verdictOf(await only.call('/cats'))).toMatchObject({ status: 401, challenge: `Bearer, DPoP ${algs}` });
  });

  it('compare htu with publicUrl alone, whatever the headers of the request say', async () => {
    const publicUrl = 'https://api.example.com/svc2';
    const behind = await start({ publicUrl }, undefined, behindProxy(platform));
    const token = await boundToken();
    const sent = (url: string, ...headers: [string, string][]) =>
      behind.call('/cats?page=2', { headers: [...dpopHeaders(token, proof(token, { url })), ...headers] });
    expect((await sent(`${publicUrl}/cats`)).status).toBe(200);
    expect((await sent(`${publicUrl}/cats?page=3`)).status).toBe(200);
    const forged: [string, string][] = [
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Proto', 'http'],
      ['Forwarded', 'host=evil.example;proto=http'],
    ];
    expect((await sent(`${publicUrl}/cats`, ...forged)).status).toBe(200);
    for (const url of [`${behind.url}/cats`, 'https://api.example.com/cats', 'http://evil.example/cats']) {
      expect(verdictOf(await sent(url, ...forged))).toEqual(refusedProof);
    }
  });

  it('compare htu with what the adapter reports without publicUrl', async () => {
    const token = await boundToken();
    const forwarded: [string, string][] = [
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'evil.example'],
    ];
    const sent = (to: RunningApp, url: string) =>
      to.call('/cats', { headers: [...dpopHeaders(token, proof(token, { url })), ...forwarded] });
    expect((await sent(app, `${app.url}/cats`)).status).toBe(200);
    expect(verdictOf(await sent(app, 'https://evil.example/cats'))).toEqual(refusedProof);
    const trusting = await start({}, undefined, behindProxy(platform));
    expect((await sent(trusting, 'https://evil.example/cats')).status).toBe(200);
  });

  it('log why, without token and proof', async () => {
    const logger = new LogLines();
    const logged = await start({}, logger);
    const token = await boundToken();
    const used = proof(token, { url: `${logged.url}/cats?x`, method: 'POST' });
    await logged.call('/cats', { headers: dpopHeaders(token, used) });
    expect(logger.ours('debug').map(({ text }) => text)).toEqual([
      'CatsController.list: refused (INVALID_TOKEN, proof). Its "htm" is "POST", and the method is "GET"',
    ]);
    expect(JSON.stringify(logger.lines)).not.toContain(used.split('.')[2]);
  });

  it('use their proof once where a middleware has authenticated the request before', async () => {
    const seen = await start({}, undefined, platform, (nest) => {
      nest.use((request: object, _: object, next: (error?: unknown) => void) => {
        nest
          .get(RequestAuthentication)
          .authenticateRequest(request)
          .then(() => next(), next);
      });
    });
    const token = await boundToken();
    const used = dpopHeaders(token, proof(token, { url: `${seen.url}/cats` }));
    expect((await seen.call('/cats', { headers: used })).status).toBe(200);
    expect((await seen.call('/cats', { headers: used })).status).toBe(401);
  });

  describe('with nonces of the server', () => {
    const nonceSecret = Buffer.alloc(32, 'nonces').toString('base64');
    const options: Partial<AuthModuleOptions> = { dpop: { mode: 'accept', nonce: true, nonceSecret } };

    @Catch(HttpException)
    class EnvelopeFilter implements ExceptionFilter {
      catch(error: HttpException, host: ArgumentsHost): void {
        const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>();
        response.status(error.getStatus()).send({ failed: error.getResponse() });
      }
    }

    it('ask for one, take it at any instance, and give a newer one with an answer', async () => {
      const [one, other] = [await start(options), await start(options)];
      const token = await boundToken();
      const sent = (to: RunningApp, nonce?: string) =>
        to.call('/cats', { headers: dpopHeaders(token, proof(token, { url: `${to.url}/cats`, nonce })) });
      const asked = await sent(one);
      expect(verdictOf(asked)).toEqual({
        status: 401,
        challenge: `Bearer, ${dpop('use_dpop_nonce', 'The DPoP proof has to contain the nonce of this answer')}`,
        code: 'USE_DPOP_NONCE',
      });
      const nonce = asked.headers['dpop-nonce'];
      expect(nonce).toMatch(/^[\w-]{22}$/);
      const passed = await sent(other, nonce);
      expect([passed.status, passed.headers['dpop-nonce'], passed.headers['cache-control']]).toEqual([
        200,
        undefined,
        undefined,
      ]);
      clock.advanceSeconds(60);
      const renewed = await sent(other, nonce);
      expect([renewed.status, renewed.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(renewed.headers['dpop-nonce']).toMatch(/^[\w-]{22}$/);
      expect((await sent(one, renewed.headers['dpop-nonce'])).headers).not.toHaveProperty('dpop-nonce');
      clock.advanceSeconds(180);
      expect((await sent(one, nonce)).status).toBe(401);
    });

    it('give it also where a filter of the app sends the refusal', async () => {
      const filtered = await start(options, undefined, platform, (nest) => nest.useGlobalFilters(new EnvelopeFilter()));
      const token = await boundToken();
      const answer = await filtered.call('/cats', {
        headers: dpopHeaders(token, proof(token, { url: `${filtered.url}/cats` })),
      });
      expect([answer.status, answer.json]).toMatchObject([401, { failed: { code: 'USE_DPOP_NONCE' } }]);
      expect(answer.headers['dpop-nonce']).toMatch(/^[\w-]{22}$/);
      expect(answer.headers['www-authenticate']).toContain('use_dpop_nonce');
    });
  });
});
