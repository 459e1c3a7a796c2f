/** The token endpoint with DPoP (RFC 9449 §5): a client proves a key, gets a token that is bound to it, and calls the app with it. */
import type { AuthModuleOptions } from 'nest-gatehouse';
import * as oauth from 'oauth4webapi';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { DpopKey, dpopHeaders, type ProofParts } from '../support/dpop-key.js';
import { freePort } from '../support/free-port.js';
import type { Answer } from '../support/http.js';
import { basic, type KeyStoreApp } from '../support/key-store-app.js';
import { claimsOf, publicUrl } from '../support/session-app.js';
import { errorOf, grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';
import { verdictOf } from '../support/verdicts.js';

const tokenUrl = `${publicUrl}/oauth/token`;
const nonceSecret = Buffer.alloc(32, 'nonces').toString('base64');

interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: string;
}

describe.each(platforms)('the token endpoint with DPoP on $name', (platform) => {
  const key = new DpopKey();
  let stand: KeyStoreApp;
  let client: { id: string; secret: string };

  const start = async (dpop: NonNullable<AuthModuleOptions['dpop']>) => {
    const started = await startTokenEndpointApp(platform, { auth: { dpop } });
    const { id, secret } = await started.service.create({ userId: 'alice', scopes: ['cats:read', 'introspect'] });
    return { started, client: { id, secret } };
  };
  beforeAll(async () => {
    ({ started: stand, client } = await start('accept'));
  });

  const proof = (parts: Partial<ProofParts> = {}, at = stand) =>
    key.proof({ method: 'POST', url: tokenUrl, at: at.clock.now(), ...parts });
  const ask = (proofs: readonly string[], at = stand, by = client): Promise<Answer> => {
    const { headers = [] } = basic(by.id, by.secret);
    return post(at, '/oauth/token', grant, {
      headers: [...headers, ...proofs.map((each): [string, string] => ['DPoP', each])],
    });
  };
  const callWith = (token: string, at = stand) => {
    const url = `${publicUrl}/api/caller`;
    return at.app.call('/api/caller', { headers: dpopHeaders(token, proof({ method: 'GET', url, token }, at)) });
  };

  it('binds the token to the key of the proof', async () => {
    const used = proof();
    const answer = await ask([used]);
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    const { access_token: token, token_type: type } = answer.json as TokenAnswer;
    expect(type).toBe('DPoP');
    expect(claimsOf(token)).toMatchObject({ sub: 'alice', cnf: { jkt: key.jkt } });
    const called = await callWith(token);
    expect((called.json as { data: object }).data).toMatchObject({ id: 'alice', credential: { scheme: 'DPoP' } });
    expect(verdictOf(await stand.app.call('/api/caller', { token }))).toMatchObject({ status: 401, reason: 'proof' });
    expect(errorOf(await ask([used]))).toEqual([400, 'invalid_dpop_proof']);
    const { headers = [] } = basic(client.id, client.secret);
    const introspected = await post(stand, '/oauth/introspect', { token }, { headers });
    expect(introspected.json).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.jkt } });
  });

  it('issues a token of whoever has it without a proof', async () => {
    const { json } = await ask([]);
    const { access_token: token, token_type: type } = json as TokenAnswer;
    expect([type, claimsOf(token)['cnf']]).toEqual(['Bearer', undefined]);
    expect((await stand.app.call('/api/caller', { token })).status).toBe(200);
  });

  it('refuses a wrong proof, after the client has authenticated', async () => {
    const wrong: readonly string[][] = [
      ['nonsense'],
      [proof(), proof()],
      [proof({ method: 'GET' })],
      [proof({ url: `${publicUrl}/api/oauth/token` })],
      [proof({ at: new Date(0) })],
      [proof({ header: { jwk: new DpopKey().jwk } })],
    ];
    for (const proofs of wrong) {
      const answer = await ask(proofs);
      expect(errorOf(answer)).toEqual([400, 'invalid_dpop_proof']);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers).not.toHaveProperty('etag');
    }
    const used = proof();
    expect(errorOf(await ask([used], stand, { ...client, secret: client.secret.replace(/.$/, '') }))).toEqual([
      401,
      'invalid_client',
    ]);
    expect((await ask([used])).status, 'a proof beside wrong credentials is not used up').toBe(200);
  });

  it('states in its metadata that it takes proofs', async () => {
    const { json } = await stand.app.call('/.well-known/oauth-authorization-server');
    expect(json).toMatchObject({
      dpop_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256', 'ES384'],
    });
  });

  it('ignores proofs where DPoP is off, and demands them where it is required', async () => {
    const off = await start('off');
    const ignored = await ask([proof({}, off.started)], off.started, off.client);
    expect(ignored.json).toMatchObject({ token_type: 'Bearer' });
    const metadata = await off.started.app.call('/.well-known/oauth-authorization-server');
    expect(metadata.json).not.toHaveProperty('dpop_signing_alg_values_supported');
    const only = await start('require');
    expect(errorOf(await ask([], only.started, only.client))).toEqual([400, 'invalid_dpop_proof']);
    const bound = await ask([proof({}, only.started)], only.started, only.client);
    expect(bound.json).toMatchObject({ token_type: 'DPoP' });
    const { access_token: token } = bound.json as TokenAnswer;
    expect((await callWith(token, only.started)).status).toBe(200);
  });

  it('leaves sessions as they are, also where bound tokens are required', async () => {
    for (const mode of ['accept', 'require'] as const) {
      const { started } = await start(mode);
      const headers = [
        ['X-Token-Delivery', 'body'],
        ['Content-Type', 'application/json'],
      ] as const;
      const body = JSON.stringify({ userId: 'alice' });
      const { json } = await started.app.call('/api/sign-in', { method: 'POST', headers, body });
      const { access_token: token, token_type: type } = (json as { data: TokenAnswer }).data;
      expect(type).toBe('Bearer');
      expect((await started.app.call('/api/caller', { token })).status).toBe(200);
      expect((await started.app.call('/api/auth/me', { token })).status).toBe(200);
    }
  });

  it('asks for nonces of its own, which are none of the routes', async () => {
    const { started, client: by } = await start({ mode: 'accept', nonce: true, nonceSecret });
    const asked = await ask([proof({}, started)], started, by);
    expect(errorOf(asked)).toEqual([400, 'use_dpop_nonce']);
    const nonce = asked.headers['dpop-nonce'];
    const answer = await ask([proof({ nonce }, started)], started, by);
    expect(answer.json).toMatchObject({ token_type: 'DPoP' });
    const { access_token: token } = answer.json as TokenAnswer;
    const url = `${publicUrl}/api/caller`;
    const called = await started.app.call('/api/caller', {
      headers: dpopHeaders(token, proof({ method: 'GET', url, token, nonce }, started)),
    });
    expect([called.status, (called.json as { code: string }).code]).toEqual([401, 'USE_DPOP_NONCE']);
    expect(called.headers['dpop-nonce']).not.toBe(nonce);
    started.clock.advanceSeconds(60);
    expect((await ask([proof({ nonce }, started)], started, by)).headers['dpop-nonce']).toMatch(/^[\w-]{22}$/);
  });

  // Marked as deprecated only so that it stands out: here is no TLS.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const overHttp = { [oauth.allowInsecureRequests]: true } as const;

  it.each([false, true])('serves oauth4webapi (nonces: %s)', async (nonce) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const clock = { now: () => new Date() } as never;
    const dpop = { mode: 'accept', nonce } as const;
    const started = await startTokenEndpointApp(platform, { port, clock, auth: { publicUrl: url, dpop } });
    const { id, secret } = await started.service.create({ userId: 'alice', scopes: ['cats:read'] });
    const server = await oauth.processDiscoveryResponse(
      new URL(url),
      await oauth.discoveryRequest(new URL(url), { algorithm: 'oauth2', ...overHttp }),
    );
    const by: oauth.Client = { client_id: id };
    const DPoP = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const obtain = async (): Promise<oauth.TokenEndpointResponse> => {
      const options = { DPoP, ...overHttp };
      const request = () =>
        oauth.clientCredentialsGrantRequest(server, by, oauth.ClientSecretBasic(secret), {}, options);
      return oauth.processClientCredentialsResponse(server, by, await request()).catch(async (error: unknown) => {
        if (!oauth.isDPoPNonceError(error)) throw error;
        return oauth.processClientCredentialsResponse(server, by, await request());
      });
    };
    const { access_token: token, token_type: type } = await obtain();
    expect(type).toBe('dpop');
    const call = () =>
      oauth.protectedResourceRequest(token, 'GET', new URL(`${url}/api/caller`), undefined, null, {
        DPoP,
        ...overHttp,
      });
    const answer = await call().catch((error: unknown) => {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return call();
    });
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { data: { id: 'alice', credential: { scheme: 'DPoP' } } },
    ]);
  });
});
