/** Access tokens that are bound to a key of their client (RFC 9449): what passes, and what each other combination is answered with. */
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp } from '../support/app.js';
import { algs, badRequest, boundAsBearer, dpop, DpopStand, refusedProof, wrongBinding } from '../support/dpop-app.js';
import { DpopKey, dpopHeaders, type ProofParts } from '../support/dpop-key.js';
import type { Answer } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import { invalidRequest, invalidTokenChallenge, sentences, verdictOf } from '../support/verdicts.js';

describe.each(platforms)('bound tokens on $name', (platform) => {
  let stand: DpopStand;
  let app: RunningApp;
  beforeAll(async () => {
    stand = await DpopStand.open(platform);
    app = await stand.start();
  });

  const proof = (token: string, parts: Partial<ProofParts> = {}, by = stand.key) => stand.proof(app, token, parts, by);
  const call = (token: string, ...proofs: string[]): Promise<Answer> =>
    app.call('/cats', { headers: dpopHeaders(token, ...proofs) });

  it('pass with their proof, once for each proof, and however often the token is used', async () => {
    const token = await stand.boundToken({ jti: 'j1' });
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
    const token = await stand.boundToken();
    const used = proof(token);
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => call(token, used)))).map(
      ({ status }) => status,
    );
    expect(statuses.sort()).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
  });

  it('pass with any spelling of the scheme, and by event streams', async () => {
    const token = await stand.boundToken();
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
    const token = await stand.boundToken();
    const other = await stand.boundToken({ sub: 'bob' });
    const wrong: string[][] = [
      [],
      [proof(token), proof(token)],
      ['nonsense'],
      [proof(token, { method: 'POST' })],
      [proof(token, { url: `${app.url}/dogs` })],
      [proof(other)],
      [proof(token, { token: undefined })],
      [proof(token, { at: new Date(stand.clock.now().getTime() - 400_000) })],
      [proof(token, { header: { jwk: stand.key.privateJwk } })],
    ];
    for (const proofs of wrong) expect(verdictOf(await call(token, ...proofs))).toEqual(refusedProof);
    expect((await app.call('/maybe', { headers: dpopHeaders(token) })).json).toEqual({ id: null });
  });

  it('are refused with the proof of another key', async () => {
    const token = await stand.boundToken();
    const thief = new DpopKey();
    expect(verdictOf(await call(token, proof(token, {}, thief)))).toEqual(wrongBinding);
    expect(verdictOf(await call(token, proof(token, { header: { jwk: stand.key.jwk } }, thief)))).toEqual(refusedProof);
  });

  it('are refused as Bearer, with and without a proof, and after they passed as DPoP', async () => {
    const token = await stand.boundToken();
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
      { jkt: stand.key.jkt, 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
      { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
      { jkt: [stand.key.jkt] },
      { jkt: 123 },
      { jkt: '' },
      { jkt: stand.key.jkt.toLowerCase() },
      { jwk: stand.key.jwk },
      {},
      [],
      'x',
      null,
    ];
    for (const cnf of confirmations) {
      const token = await stand.token({ cnf });
      expect(verdictOf(await call(token, proof(token)))).toEqual(wrongBinding);
      expect(verdictOf(await app.call('/cats', { token }))).toEqual(boundAsBearer);
    }
  });

  it('are answered as other tokens where something else is wrong with them', async () => {
    const expired = await stand.issuer.token(
      { aud: 'api', sub: 'alice', cnf: { jkt: stand.key.jkt } },
      { expiresIn: '-1m' },
    );
    const answer = await call(expired, proof(expired));
    const description = sentences.expired;
    expect(verdictOf(answer)).toEqual({
      status: 401,
      challenge: `Bearer, ${dpop('invalid_token', description)}`,
      code: 'INVALID_TOKEN',
      reason: 'expired',
    });
    const token = await stand.boundToken({ scope: 'cats:read' });
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
    const token = await stand.token();
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
    const token = await stand.boundToken();
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
    const off = await stand.start({ dpop: 'off' }, { logger });
    const token = await stand.boundToken();
    const refused = { ...boundAsBearer, challenge: invalidTokenChallenge('proof') };
    for (let time = 0; time < 3; time += 1) expect(verdictOf(await off.call('/cats', { token }))).toEqual(refused);
    expect(logger.ours('debug').at(-1)?.text).toContain("AuthModule.forRoot({ dpop: 'accept' }) accepts such tokens");
    const sent = await off.call('/cats', { headers: dpopHeaders(token, proof(token, { url: `${off.url}/cats` })) });
    expect(verdictOf(sent)).toEqual({ status: 401, challenge: 'Bearer', code: 'MISSING_TOKEN' });
    expect(logger.ours('debug').at(-1)?.text).toContain('dpop');
    expect((await off.call('/cats', { token: await stand.token() })).status).toBe(200);
  });

  it('are the only ones where they are required', async () => {
    const only = await stand.start({ dpop: 'require' });
    const token = await stand.token();
    for (let time = 0; time < 3; time += 1)
      expect(verdictOf(await only.call('/cats', { token }))).toEqual(boundAsBearer);
    const bound = await stand.boundToken();
    const right = dpopHeaders(bound, proof(bound, { url: `${only.url}/cats` }));
    expect((await only.call('/cats', { headers: right })).status).toBe(200);
    expect(verdictOf(await only.call('/cats'))).toMatchObject({ status: 401, challenge: `Bearer, DPoP ${algs}` });
  });
});
