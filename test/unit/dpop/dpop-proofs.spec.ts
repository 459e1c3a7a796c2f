import { createHash, createHmac } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { DpopProofs, type DpopProofsParts, type ProofUse } from '../../../src/dpop/dpop-proofs.js';
import { readDpopOptions } from '../../../src/dpop/dpop-options.js';
import { DpopReplayStore } from '../../../src/dpop/dpop-replay-store.js';
import { isAuthError, RefusalError } from '../../../src/errors/auth-error.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import { DpopKey, type ProofParts } from '../../support/dpop-key.js';
import { ManualClock } from '../../support/manual-clock.js';

const base = 'https://api.example.com';
const url = `${base}/cats`;
const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';

const clock = new ManualClock();
const events: AuthEvent[] = [];
beforeEach(() => {
  events.length = 0;
});

function open(option: unknown = 'accept', more: Partial<DpopProofsParts> = {}): DpopProofs {
  const proofs = new DpopProofs({
    terms: readDpopOptions('forRoot({ dpop })', option),
    clock,
    report: (event) => events.push(event),
    findBase: () => base,
    findStore: () => null,
    ...more,
  });
  proofs.onModuleInit();
  return proofs;
}

const view = (values: string | string[], { method = 'GET', path = '/cats' } = {}) =>
  viewHttpRequest({
    method,
    url: path,
    headers: values.length === 0 && typeof values === 'object' ? {} : { dpop: [values].flat().join(', ') },
    rawHeaders: [values].flat().flatMap((value) => ['DPoP', value]),
  });

interface Use extends Partial<ProofUse> {
  readonly request?: { readonly method?: string; readonly path?: string };
}

const atResourceServer: ProofUse = { accessToken: token, at: 'resource-server' };

/** What became of a proof: `accepted`, the nonce to use, or why it was refused. */
async function verdictOf(
  proofs: DpopProofs,
  values: string | string[],
  { request, ...use }: Use = {},
): Promise<string> {
  const seen = view(values, request);
  try {
    const nonce = await proofs.use(proofs.read(seen), seen, { ...atResourceServer, ...use });
    return nonce === null ? 'accepted' : `next ${nonce}`;
  } catch (error) {
    return explain(error);
  }
}

function explain(error: unknown): string {
  if (!isAuthError(error)) throw error;
  expect(error.reason).toBe(error.code === 'INVALID_TOKEN' ? 'proof' : null);
  return error instanceof RefusalError && error.dpopNonce !== null ? `nonce ${error.dpopNonce}` : error.explanation;
}

const key = new DpopKey();
const proofOf = (parts: Partial<ProofParts> = {}, by = key) => by.proof({ url, token, at: clock.now(), ...parts });

describe('the examples of RFC 9449', () => {
  const header =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdC' +
    'RnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19';
  const atTokenEndpoint =
    `${header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ijox` +
    'NTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg';
  const atResource =
    `${header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNv` +
    'dXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E' +
    'OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA';
  const past = { now: () => new Date(1_562_262_620_000) };

  it('pass at the token endpoint (§4.2) and at a resource (§7.1)', async () => {
    const server = open('accept', { clock: past, findBase: () => 'https://server.example.com' });
    const asked = { accessToken: null, request: { method: 'POST', path: '/token' } };
    expect(await verdictOf(server, atTokenEndpoint, asked)).toBe('accepted');
    const resource = open('accept', { clock: past, findBase: () => 'https://resource.example.org' });
    const called = { request: { path: '/protectedresource' } };
    expect(await verdictOf(resource, atResource, called)).toBe('accepted');
    expect(await verdictOf(resource, atResource, called)).toContain('used before');
    expect(
      await verdictOf(open('accept', { findBase: () => 'https://resource.example.org' }), atResource, called),
    ).toContain('"iat"');
  });

  it('have the thumbprint of §6.1', () => {
    expect(open().read(view(atResource)).jkt).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I');
  });
});

describe('a proof', () => {
  it.each(['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256'] as const)('passes with %s', async (algorithm) => {
    const other = new DpopKey(algorithm);
    expect(await verdictOf(open(), proofOf({}, other))).toBe('accepted');
    expect(open().read(view(proofOf({}, other))).jkt).toBe(other.jkt);
  });

  const rsa = new DpopKey('RS256');
  const hmac = (): string => {
    const [header, payload] = proofOf({ header: { alg: 'HS256', jwk: { kty: 'oct', k: 'c2VjcmV0' } } }).split('.');
    return `${header}.${payload}.${createHmac('sha256', 'secret').update(`${header}.${payload}`).digest('base64url')}`;
  };
  const [one = '', two = '', signature = ''] = proofOf().split('.');

  const wrong: Readonly<Record<string, [make: () => string | string[], explanation: string]>> = {
    missing: [() => [], 'has no header DPoP'],
    empty: [() => '', 'no signed JWT'],
    'sent twice': [() => [proofOf(), proofOf()], 'more than one header DPoP'],
    'sent twice in one header': [() => `${proofOf()}, ${proofOf()}`, 'more than one header DPoP'],
    'too long': [() => proofOf({ claims: { x: 'x'.repeat(4_000) } }), 'the limit is 4096'],
    'not a JWT': [() => 'abc', 'no signed JWT'],
    'two parts': [() => `${one}.${two}`, 'no signed JWT'],
    'padded base64': [() => `${one}.${two}.${signature}=`, 'no signed JWT'],
    'with a member twice': [
      () => proofOf({ payload: '{"jti":"a","jti":"b","htm":"GET","htu":"x","iat":1}' }),
      'no signed JWT',
    ],
    'an access token': [() => proofOf({ header: { typ: 'at+jwt' } }), '"typ"'],
    'without typ': [() => proofOf({ header: { typ: undefined } }), '"typ"'],
    'typ in another case': [() => proofOf({ header: { typ: 'DPoP+JWT' } }), '"typ"'],
    'with crit': [() => proofOf({ header: { crit: ['b64'], b64: false } }), 'extensions'],
    unsigned: [() => proofOf({ header: { alg: 'none' } }), 'not signed'],
    'signed with a shared key': [hmac, '"alg" is "HS256"'],
    ES512: [() => proofOf({}, new DpopKey('ES512')), '"alg" is "ES512"'],
    RS512: [() => proofOf({}, new DpopKey('RS512')), '"alg" is "RS512"'],
    'without jwk': [() => proofOf({ header: { jwk: undefined } }), 'no "jwk"'],
    'jwk as a text': [() => proofOf({ header: { jwk: 'x' } }), 'no "jwk"'],
    'jwk as a list': [() => proofOf({ header: { jwk: [key.jwk] } }), 'cannot be used'],
    'by kid alone': [() => proofOf({ header: { jwk: undefined, kid: 'a', jku: 'https://evil.example' } }), 'no "jwk"'],
    'with the private key': [() => proofOf({ header: { jwk: key.privateJwk } }), 'the member "d"'],
    'with the private RSA key': [() => proofOf({ header: { jwk: rsa.privateJwk } }, rsa), 'private or shared key'],
    'with a prime of the key': [() => proofOf({ header: { jwk: { ...rsa.jwk, p: 'AQ' } } }, rsa), 'the member "p"'],
    'with an oct key': [() => proofOf({ header: { jwk: { kty: 'oct' } } }), 'cannot be used'],
    'with a key of another type': [() => proofOf({ header: { jwk: rsa.jwk } }), 'does not go with its "alg"'],
    'with a key of another curve': [() => proofOf({ header: { jwk: new DpopKey('ES384').jwk } }), 'does not go with'],
    'with a point off the curve': [() => proofOf({ header: { jwk: { ...key.jwk, y: key.jwk.x } } }), 'cannot be used'],
    'with the key of somebody else': [
      () => proofOf({ header: { jwk: new DpopKey().jwk } }),
      'signature does not verify',
    ],
    changed: [
      () =>
        `${one}.${Buffer.from(Buffer.from(two, 'base64url').toString().replace('"jti":"', '"jti":"x')).toString('base64url')}.${signature}`,
      'signature does not verify',
    ],
    'with a signature of zeros': [
      () => `${one}.${two}.${Buffer.alloc(64).toString('base64url')}`,
      'signature does not verify',
    ],
    'without jti': [() => proofOf({ claims: { jti: undefined } }), '"jti"'],
    'empty jti': [() => proofOf({ claims: { jti: '' } }), '"jti"'],
    'jti as a number': [() => proofOf({ claims: { jti: 7 } }), '"jti"'],
    'without htm': [() => proofOf({ claims: { htm: undefined } }), '"htm"'],
    'htm of another method': [() => proofOf({ method: 'POST' }), '"htm" is "POST"'],
    'htm in lower case': [() => proofOf({ claims: { htm: 'get' } }), '"htm" is "get"'],
    'htm as a list': [() => proofOf({ claims: { htm: ['GET'] } }), '"htm"'],
    'without htu': [() => proofOf({ claims: { htu: undefined } }), '"htu"'],
    'htu of another path': [() => proofOf({ url: `${base}/dogs` }), '"htu" is'],
    'htu of another host': [() => proofOf({ url: 'https://evil.example/cats' }), '"htu" is'],
    'htu that is a path': [() => proofOf({ url: '/cats' }), '"htu" is'],
    'without iat': [() => proofOf({ claims: { iat: undefined } }), '"iat"'],
    'iat as a text': [() => proofOf({ claims: { iat: String(clock.now().getTime() / 1_000) } }), '"iat"'],
    'too old': [() => proofOf({ at: new Date(clock.now().getTime() - 301_000) }), '301 s behind'],
    'too new': [() => proofOf({ at: new Date(clock.now().getTime() + 301_000) }), '301 s ahead'],
    'iat in milliseconds': [() => proofOf({ claims: { iat: clock.now().getTime() } }), 'ahead of the clock'],
    'without ath': [() => proofOf({ token: undefined }), 'no "ath"'],
    'ath of another token': [() => proofOf({ token: 'another' }), 'another access token'],
    'ath in hex': [
      () => proofOf({ claims: { ath: createHash('sha256').update(token).digest('hex') } }),
      'another access',
    ],
    'ath with padding': [
      () => proofOf({ claims: { ath: `${createHash('sha256').update(token).digest('base64url')}=` } }),
      'another access',
    ],
    'ath as a number': [() => proofOf({ claims: { ath: 1 } }), '"ath"'],
    'nonce as a number': [() => proofOf({ claims: { nonce: 1 } }), '"nonce"'],
  };
  it.each(Object.entries(wrong))('is refused: %s', async (_, [make, explanation]) => {
    expect(await verdictOf(open(), make())).toContain(explanation);
  });

  it('passes at the ends of the window, without ath where there is no token, and with members that mean nothing', async () => {
    const proofs = open();
    const shifted = (seconds: number) => proofOf({ at: new Date(clock.now().getTime() + seconds * 1_000) });
    expect(await verdictOf(proofs, shifted(-300))).toBe('accepted');
    expect(await verdictOf(proofs, shifted(300))).toBe('accepted');
    expect(await verdictOf(proofs, proofOf({ token: undefined }), { accessToken: null })).toBe('accepted');
    const others = { header: { kid: 'x', x5c: ['AA'], jku: 'https://evil.example' }, claims: { nonce: 'x', foo: {} } };
    expect(await verdictOf(proofs, proofOf(others))).toBe('accepted');
    expect(await verdictOf(open({ mode: 'accept', windowSeconds: 10 }), shifted(-11))).toContain('up to 10 s');
  });
});

describe('a proof that was used', () => {
  it('is refused, for the key that has used it', async () => {
    const proofs = open();
    const [a, b] = [new DpopKey(), new DpopKey()];
    expect(await verdictOf(proofs, proofOf({ jti: 'x' }, a))).toBe('accepted');
    expect(await verdictOf(proofs, proofOf({ jti: 'x' }, b))).toBe('accepted');
    expect(await verdictOf(proofs, proofOf({ jti: 'x' }, a))).toContain('used before');
  });

  it('is refused until it is too old, also when its clock is ahead', async () => {
    const proofs = open();
    const proof = proofOf({ at: new Date(clock.now().getTime() + 200_000) });
    expect(await verdictOf(proofs, proof)).toBe('accepted');
    clock.advanceSeconds(310);
    expect(await verdictOf(proofs, proof)).toContain('used before');
    clock.advanceSeconds(190);
    expect(await verdictOf(proofs, proof)).toContain('used before');
    clock.advanceSeconds(1);
    expect(await verdictOf(proofs, proof)).toContain('behind the clock');
  });

  it('counts only when everything else about it was right', async () => {
    const proofs = open();
    const [header, payload, signature = ''] = proofOf({ jti: 'victim' }).split('.');
    const forged = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    expect(await verdictOf(proofs, forged)).toContain('signature');
    expect(await verdictOf(proofs, `${header}.${payload}.${signature}`)).toBe('accepted');
  });

  it('is not accepted when the store of the app throws, which is reported once', async () => {
    class BrokenStore extends DpopReplayStore {
      override remember(): Promise<boolean> {
        return Promise.reject(new Error('connect ECONNREFUSED redis://user:secret@redis'));
      }
    }
    const proofs = open('accept', { findStore: () => new BrokenStore() });
    for (let time = 0; time < 2; time += 1) {
      expect(await verdictOf(proofs, proofOf())).toBe('The store of used proofs does not answer');
    }
    expect(events).toMatchObject([{ type: 'outage-began', what: 'used proofs from the store' }]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });
});

describe('nonces of the server', () => {
  const secret = Buffer.alloc(32, 7).toString('base64');
  const nonces = { mode: 'accept', nonce: true, nonceSecret: secret };
  const nonceOf = (verdict: string) => /^(?:nonce|next) ([\w-]{22})$/.exec(verdict)?.[1] ?? verdict;

  it('are demanded, given, accepted by other instances, and replaced before they end', async () => {
    const [one, other] = [open(nonces), open(nonces)];
    const nonce = nonceOf(await verdictOf(one, proofOf()));
    expect(nonce).toMatch(/^[\w-]{22}$/);
    expect(await verdictOf(other, proofOf({ nonce }))).toBe('accepted');
    clock.advanceSeconds(60);
    const next = nonceOf(await verdictOf(other, proofOf({ nonce })));
    expect(next).not.toBe(nonce);
    clock.advanceSeconds(60);
    expect(await verdictOf(one, proofOf({ nonce: next }))).toMatch(/^next /);
    clock.advanceSeconds(60);
    expect(await verdictOf(one, proofOf({ nonce }))).toMatch(/^nonce /);
  });

  it('stand for the time, whatever the clock of the client says, and a proof is still used once', async () => {
    const proofs = open(nonces);
    const nonce = nonceOf(await verdictOf(proofs, proofOf()));
    const late = proofOf({ nonce, claims: { iat: 1 } });
    expect(await verdictOf(proofs, late)).toBe('accepted');
    expect(await verdictOf(proofs, late)).toContain('used before');
    clock.advanceSeconds(120);
    expect(await verdictOf(proofs, late)).toContain('used before');
    clock.advanceSeconds(60);
    expect(await verdictOf(proofs, late)).toMatch(/^nonce /);
  });

  it('are not accepted from another secret, another endpoint, or made up', async () => {
    const proofs = open(nonces);
    const foreign = nonceOf(await verdictOf(open({ mode: 'accept', nonce: true }), proofOf()));
    const ofServer = nonceOf(
      await verdictOf(proofs, proofOf({ token: undefined }), {
        accessToken: null,
        at: 'authorization-server',
      }),
    );
    const own = nonceOf(await verdictOf(proofs, proofOf()));
    expect(ofServer).not.toBe(own);
    for (const nonce of [foreign, ofServer, `${own}=`, `${own}A`, own.toLowerCase(), 'x', own.slice(1)]) {
      expect(await verdictOf(proofs, proofOf({ nonce }))).toBe(`nonce ${own}`);
    }
  });
});
