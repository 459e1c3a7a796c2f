import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jwtIssuer, type JwtIssuerOptions } from '../../../src/issuers/jwt-issuer.js';
import { compactJws, createSigningKey, type SigningKey } from '../../../src/testing/signing-key.js';
import { TestIssuer } from '../../../src/testing/test-issuer.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { outcomeOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';
import { certificatePem, certifiedAt, certifiedToken } from '../../vectors/certificate.js';

const judge = standIn('ES256');
const issuers: TestIssuer[] = [];
let es: TestIssuer;
let ed: TestIssuer;
let hs: TestIssuer;

beforeAll(async () => {
  [es, ed, hs] = (await Promise.all(
    (['ES256', 'EdDSA', 'HS512'] as const).map((algorithm) => TestIssuer.start({ algorithm })),
  )) as [TestIssuer, TestIssuer, TestIssuer];
  issuers.push(es, ed, hs);
});

afterAll(() => Promise.all(issuers.map((issuer) => issuer.stop())));

type Keys = Record<string, unknown>;

function trust(issuer: TestIssuer, keys: Keys): ReturnType<typeof jwtIssuer> {
  return jwtIssuer({ issuer: issuer.url, audience: 'api', ...keys } as unknown as JwtIssuerOptions);
}

async function outcome(issuer: TestIssuer, keys: Keys, token?: string): Promise<string> {
  const { verifier } = openVerifier(trust(issuer, keys));
  return outcomeOf(verifier.verify(token ?? (await issuer.token({ aud: 'api' }))));
}

/** A token of the HS issuer, signed anew with another secret or algorithm. */
async function signedBy(secret: string | Uint8Array, algorithm: 'HS256' | 'HS384' | 'HS512'): Promise<string> {
  const key: SigningKey = await createSigningKey(algorithm);
  const { createHmac } = await import('node:crypto');
  const now = Math.floor(Date.now() / 1_000);
  const sign = (data: Uint8Array): Uint8Array =>
    createHmac(`sha${algorithm.slice(2)}`, secret)
      .update(data)
      .digest();
  const claims = { iss: hs.url, aud: 'api', sub: 'alice', iat: now, exp: now + 300 };
  return compactJws({ ...key, sign }, { alg: algorithm }, claims);
}

describe('the four ways to give keys', () => {
  it.each<[string, () => Keys]>([
    ['jwksUri', () => ({ jwksUri: es.jwksUri })],
    ['publicKey, as PEM', () => ({ publicKey: es.publicKeyPem })],
    ['publicKey, as JWK', () => ({ publicKey: es.publicKey })],
    ['jwks', () => ({ jwks: es.jwks })],
  ])('verify a token and refuse a forged one: %s', async (_, keys) => {
    const forged = await es.token({ aud: 'api' }, { signWith: 'stranger' });

    expect(await outcome(es, keys())).toBe('accepted');
    expect(await outcome(es, keys(), forged)).toBe('INVALID_TOKEN signature');
  });

  it('verify with a secret', async () => {
    expect(await outcome(hs, { secret: hs.secret })).toBe('accepted');
    expect(await outcome(hs, { secret: hs.secret }, await signedBy('x'.repeat(64), 'HS512'))).toBe(
      'INVALID_TOKEN signature',
    );
  });

  it('verify with the key of a certificate', async () => {
    const provider = jwtIssuer({ issuer: 'certified', audience: 'api', publicKey: certificatePem });
    const { verifier } = openVerifier(provider, { clock: { now: () => certifiedAt } });

    expect(await outcomeOf(verifier.verify(certifiedToken))).toBe('accepted');
    expect(await outcomeOf(verifier.verify(`${certifiedToken.slice(0, -4)}AAAA`))).toBe('INVALID_TOKEN signature');
  });

  it('call the key server for jwksUri only', async () => {
    const before = es.requests.total;
    for (const keys of [{ publicKey: es.publicKeyPem }, { publicKey: es.publicKey }, { jwks: es.jwks }]) {
      await outcome(es, keys);
    }
    expect(es.requests.total).toBe(before);

    await outcome(es, { jwksUri: es.jwksUri });
    expect(es.requests).toMatchObject({ total: before + 1 });
  });
});

describe('the algorithms', () => {
  it.each<[string, () => TestIssuer, () => Keys, string]>([
    ['EdDSA under its name', () => ed, () => ({ publicKey: ed.publicKey, algorithms: ['EdDSA'] }), 'accepted'],
    [
      'EdDSA under the name Ed25519',
      () => ed,
      () => ({ publicKey: ed.publicKey, algorithms: ['Ed25519'] }),
      'accepted',
    ],
    [
      'a key server narrowed to others',
      () => es,
      () => ({ jwksUri: es.jwksUri, algorithms: ['RS256', 'EdDSA'] }),
      'INVALID_TOKEN algorithm',
    ],
    ['a key server narrowed to it', () => es, () => ({ jwksUri: es.jwksUri, algorithms: ['ES256'] }), 'accepted'],
    ['a secret narrowed to it', () => hs, () => ({ secret: hs.secret, algorithms: ['HS512'] }), 'accepted'],
    [
      'a secret narrowed to another',
      () => hs,
      () => ({ secret: hs.secret, algorithms: ['HS256'] }),
      'INVALID_TOKEN algorithm',
    ],
  ])('%s', async (_, issuer, keys, expected) => {
    expect(await outcome(issuer(), keys())).toBe(expected);
  });

  it('go with the kind of keys: HS with a secret and with nothing else', async () => {
    const hmac = await hs.token({ aud: 'api', iss: es.url });
    const ecdsa = await es.token({ aud: 'api', iss: hs.url });

    for (const keys of [{ publicKey: es.publicKeyPem }, { jwks: es.jwks }, { jwksUri: es.jwksUri }]) {
      expect(await outcome(es, keys, hmac)).toBe('INVALID_TOKEN algorithm');
    }
    expect(await outcome(hs, { secret: hs.secret }, ecdsa)).toBe('INVALID_TOKEN algorithm');
  });

  it('do not let the public key be taken for a secret', async () => {
    const confused = await signedBy(es.publicKeyPem, 'HS256');

    expect(await outcome(hs, { publicKey: es.publicKeyPem }, confused)).toBe('INVALID_TOKEN algorithm');
  });
});

describe('the secret', () => {
  it.each([
    [32, 'HS256', 'accepted'],
    [32, 'HS384', 'INVALID_TOKEN algorithm'],
    [32, 'HS512', 'INVALID_TOKEN algorithm'],
    [47, 'HS384', 'INVALID_TOKEN algorithm'],
    [48, 'HS384', 'accepted'],
    [63, 'HS512', 'INVALID_TOKEN algorithm'],
    [64, 'HS512', 'accepted'],
    [200, 'HS512', 'accepted'],
    [200, 'HS256', 'accepted'],
  ] as const)('of %d bytes, %s: %s', async (length, algorithm, expected) => {
    const secret = 's'.repeat(length);

    expect(await outcome(hs, { secret }, await signedBy(secret, algorithm))).toBe(expected);
  });

  it('is the same as text and as the UTF-8 bytes of it', async () => {
    const secret = 'ü🔑'.repeat(8);
    const bytes = new TextEncoder().encode(secret);
    const token = await signedBy(bytes, 'HS256');

    expect(bytes.length).toBe(48);
    expect(await outcome(hs, { secret }, token)).toBe('accepted');
    expect(await outcome(hs, { secret: bytes }, token)).toBe('accepted');
    expect(await outcome(hs, { secret: Buffer.from(bytes) }, token)).toBe('accepted');
  });

  it('is not decoded: base64 text is its characters', async () => {
    const bytes = Buffer.alloc(48, 7);
    const secret = bytes.toString('base64');

    expect(await outcome(hs, { secret }, await signedBy(secret, 'HS256'))).toBe('accepted');
    expect(await outcome(hs, { secret }, await signedBy(bytes, 'HS256'))).toBe('INVALID_TOKEN signature');
  });

  it('stays what it was when the app overwrites its bytes', async () => {
    const secret = Buffer.alloc(64, 1);
    const token = await signedBy(Buffer.from(secret), 'HS256');
    const { verifier } = openVerifier(trust(hs, { secret }));
    secret.fill(0);

    expect(await outcomeOf(verifier.verify(token))).toBe('accepted');
    expect(await outcomeOf(verifier.verify(await signedBy(secret, 'HS256')))).toBe('INVALID_TOKEN signature');
  });
});

describe('names and audiences', () => {
  it.each<[string, Keys, object, string]>([
    ['any text for a name', { issuer: 'my own service' }, { iss: 'my own service' }, 'accepted'],
    ['one of several names', { issuer: ['a', 'b'] }, { iss: 'b' }, 'accepted'],
    ['none of several names', { issuer: ['a', 'b'] }, { iss: 'c' }, 'INVALID_TOKEN issuer'],
    ['one of several audiences', { audience: ['x', 'api'] }, {}, 'accepted'],
    ['none of several audiences', { audience: ['x', 'y'] }, {}, 'INVALID_TOKEN audience'],
    ['any audience', { audience: acceptAnyAudience }, { aud: undefined }, 'accepted'],
    ['no audience', {}, { aud: undefined }, 'INVALID_TOKEN audience'],
  ])('%s', async (_, options, claims, expected) => {
    const token = await es.token({ aud: 'api', ...claims });

    expect(await outcome(es, { publicKey: es.publicKey, ...options }, token)).toBe(expected);
  });
});

describe('a key set at hand', () => {
  it('passes over a shared secret that lies in it', async () => {
    const oct = { kty: 'oct', kid: 'oct', k: Buffer.alloc(64, 1).toString('base64url') };
    const jwks = { keys: [oct, es.publicKey] };
    const forged = await signedBy(Buffer.alloc(64, 1), 'HS256');

    expect(await outcome(es, { jwks })).toBe('accepted');
    expect(await outcome(hs, { jwks }, forged)).toBe('INVALID_TOKEN algorithm');
  });

  it('tells its keys apart by kid', async () => {
    const jwks = { keys: [es.publicKey, ed.publicKey] };

    expect(await outcome(es, { jwks })).toBe('accepted');
    expect(await outcome(ed, { jwks })).toBe('accepted');
    expect(await outcome(es, { jwks }, await es.token({ aud: 'api' }, { header: { kid: ed.publicKey.kid } }))).toBe(
      'INVALID_TOKEN algorithm',
    );
    // Without a kid the algorithm leaves one of the two.
    expect(await outcome(es, { jwks }, await es.token({ aud: 'api' }, { header: { kid: undefined } }))).toBe(
      'accepted',
    );
  });
});

describe('the claim with the id of the user', () => {
  it('is what subjectClaim names', async () => {
    const { user, outcome: accepted } = await judge(service(), { ...claims, sub: '' });

    expect([accepted, user?.id]).toEqual(['accepted', 'build-robot']);
    expect((await judge(service(), { ...claims, common_name: undefined })).outcome).toBe('INVALID_TOKEN claim');
    expect((await judge(service('sub'), { ...claims, sub: '' })).outcome).toBe('INVALID_TOKEN claim');
  });

  const claims = { iss: 'https://team.example', aud: 'api', common_name: 'build-robot', exp: issuedAt + 300 };
  const service = (subjectClaim = 'common_name'): ReturnType<typeof jwtIssuer> =>
    jwtIssuer({ issuer: claims.iss, audience: 'api', jwksUri: `${claims.iss}/certs`, subjectClaim });
});
