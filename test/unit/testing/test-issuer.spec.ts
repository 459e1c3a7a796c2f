import { constants, createHmac, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testAlgorithms } from '../../../src/testing/signing-key.js';
import { TestIssuer } from '../../../src/testing/test-issuer.js';
import type { TestIssuerOptions } from '../../../src/testing/test-issuer-options.js';

const started: TestIssuer[] = [];

async function start(options?: TestIssuerOptions): Promise<TestIssuer> {
  const issuer = await TestIssuer.start(options);
  started.push(issuer);
  return issuer;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((issuer) => issuer.stop()));
});

type Members = Record<string, unknown>;

function partOf(token: string, index: 0 | 1): Members {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Members;
}

const headerOf = (token: string): Members => partOf(token, 0);
const claimsOf = (token: string): Members => partOf(token, 1);

async function servedKeys(issuer: TestIssuer): Promise<Members[]> {
  const answer = await fetch(issuer.jwksUri);
  return ((await answer.json()) as { keys: Members[] }).keys;
}

/** Written independently of the code under test on purpose; otherwise both could have the same error. */
function verifies(token: string, key: Members): boolean {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const signed = Buffer.from(`${header}.${payload}`);
  const alg = String(headerOf(token)['alg']);
  const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const saltLength = Number(alg.slice(2)) / 8;
  const options = alg.startsWith('PS')
    ? { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
    : { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
  return verify(hash, signed, options, Buffer.from(signature, 'base64url'));
}

describe('TestIssuer', () => {
  describe.each(testAlgorithms.filter((algorithm) => !algorithm.startsWith('HS')))('with %s', (algorithm) => {
    let issuer: TestIssuer;
    // One key for the three tests, because RSA keys take long to create.
    beforeAll(async () => {
      issuer = await TestIssuer.start({ algorithm });
    });
    afterAll(() => issuer.stop());

    it('signs tokens that verify with the key it serves under their kid', async () => {
      const token = await issuer.token({ sub: 'alice' });
      const keys = await servedKeys(issuer);

      expect(keys).toHaveLength(1);
      expect(keys[0]).toMatchObject({ kid: headerOf(token)['kid'], alg: algorithm, use: 'sig' });
      expect(keys[0]).not.toHaveProperty('d');
      expect(headerOf(token)['alg']).toBe(algorithm);
      expect(verifies(token, keys[0] ?? {})).toBe(true);
    });

    it('signs with a key that it never published when signWith is stranger', async () => {
      const forged = await issuer.token({}, { signWith: 'stranger' });

      expect(headerOf(forged)['kid']).toBe(issuer.publicKey.kid);
      expect(verifies(forged, issuer.publicKey)).toBe(false);
      expect(verifies(await issuer.token(), issuer.publicKey)).toBe(true);
    });

    it('provides the key as JWK and as PEM', async () => {
      expect(await servedKeys(issuer)).toEqual([issuer.publicKey]);
      expect(issuer.jwks).toEqual({ keys: [issuer.publicKey] });
      const fromPem = createPublicKey(issuer.publicKeyPem).export({ format: 'jwk' });
      expect(issuer.publicKey).toMatchObject(fromPem);
      expect(() => issuer.secret).toThrow('no secret');
    });
  });

  describe.each(['HS256', 'HS384', 'HS512'] as const)('with %s', (algorithm) => {
    it('signs with the shared secret and publishes no key', async () => {
      const issuer = await start({ algorithm });
      const token = await issuer.token();
      const [header = '', payload = '', signature] = token.split('.');
      const hash = `sha${algorithm.slice(2)}`;

      expect(signature).toBe(createHmac(hash, issuer.secret).update(`${header}.${payload}`).digest('base64url'));
      expect(Buffer.byteLength(issuer.secret)).toBeGreaterThanOrEqual(64);
      expect(await servedKeys(issuer)).toEqual([]);
      expect(() => issuer.publicKey).toThrow('issuer.secret');
      expect(() => issuer.publicKeyPem).toThrow('issuer.secret');
      expect(await issuer.token({}, { signWith: 'stranger' })).not.toContain(signature);
    });
  });

  it('refuses an unknown algorithm', async () => {
    await expect(start({ algorithm: 'none' as 'RS256' })).rejects.toThrow('no algorithm none');
  });

  it('signs with RS256 and a 2048-bit key by default', async () => {
    const issuer = await start();

    expect(issuer.publicKey.alg).toBe('RS256');
    expect(createPublicKey(issuer.publicKeyPem).asymmetricKeyDetails?.modulusLength).toBe(2048);
  });

  it('has different keys than every other issuer', async () => {
    const [one, other] = await Promise.all([start({ algorithm: 'ES256' }), start({ algorithm: 'ES256' })]);

    expect(one.publicKey.kid).not.toBe(other.publicKey.kid);
    expect(one.publicKey['x']).not.toBe(other.publicKey['x']);
    expect(one.url).not.toBe(other.url);
  });
});

describe('TestIssuer.token', () => {
  it('has the defaults of a valid token', async () => {
    const issuer = await start({ algorithm: 'ES256', clock: { now: () => new Date('2030-01-01T00:00:00.900Z') } });
    const token = await issuer.token();
    const now = Date.parse('2030-01-01T00:00:00Z') / 1000;

    expect(headerOf(token)).toEqual({ alg: 'ES256', typ: 'JWT', kid: issuer.publicKey.kid });
    expect(claimsOf(token)).toEqual({ iss: issuer.url, sub: 'test-user', iat: now, exp: now + 300 });
  });

  it('replaces default claims by given ones, and omits undefined ones', async () => {
    const issuer = await start({ algorithm: 'ES256' });
    const token = await issuer.token({ iss: 'other', sub: undefined, iat: 'soon', exp: undefined, aud: ['a', 'b'] });

    expect(claimsOf(token)).toEqual({ iss: 'other', iat: 'soon', aud: ['a', 'b'] });
  });

  it('replaces default header members by given ones, and omits undefined ones', async () => {
    const issuer = await start({ algorithm: 'ES256' });
    const token = await issuer.token({}, { header: { kid: undefined, typ: 'at+jwt', crit: [] } });

    expect(headerOf(token)).toEqual({ alg: 'ES256', typ: 'at+jwt', crit: [] });
  });

  it.each([
    ['10s', 10],
    ['-10s', -10],
    ['5m', 300],
    ['2h', 7200],
    ['1d', 86_400],
    ['1.5m', 90],
    [45, 45],
    [-1, -1],
  ] as const)('reads %s as %d seconds from now', async (duration, seconds) => {
    const issuer = await start({ algorithm: 'ES256' });
    const claims = claimsOf(await issuer.token({}, { expiresIn: duration, notBefore: duration }));

    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(seconds);
    expect(Number(claims['nbf']) - Number(claims['iat'])).toBe(seconds);
  });

  it.each(['soon', '5 m', '5w', '', 'm'])('refuses %j as a duration', async (duration) => {
    const issuer = await start({ algorithm: 'ES256' });

    await expect(issuer.token({}, { expiresIn: duration as '5m' })).rejects.toThrow('is not a duration');
  });

  it('reads its clock for each token', async () => {
    let now = new Date('2030-01-01T00:00:00Z');
    const issuer = await start({ algorithm: 'ES256', clock: { now: () => now } });
    const before = claimsOf(await issuer.token());
    now = new Date('2030-01-01T01:00:00Z');
    const after = claimsOf(await issuer.token());

    expect(Number(after['iat']) - Number(before['iat'])).toBe(3600);
    expect(Number(after['exp']) - Number(before['exp'])).toBe(3600);
  });

  it('is the Authorization header with its scheme in authorization()', async () => {
    const issuer = await start({ algorithm: 'EdDSA' });
    const authorization = await issuer.authorization({ sub: 'alice' }, { expiresIn: '1h' });

    expect(authorization).toMatch(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    expect(claimsOf(authorization)).toMatchObject({ sub: 'alice' });
  });
});

describe('TestIssuer.rotateKeys', () => {
  it.each([
    { keepOld: true, published: 2 },
    { keepOld: false, published: 1 },
  ])('signs with a new key and serves $published with keepOld $keepOld', async ({ keepOld, published }) => {
    const issuer = await start({ algorithm: 'ES256' });
    const old = await issuer.token();
    const oldKey = issuer.publicKey;
    const oldForgery = await issuer.token({}, { signWith: 'stranger' });
    await issuer.rotateKeys({ keepOld });
    const keys = await servedKeys(issuer);

    expect(keys).toHaveLength(published);
    expect(keys.some(({ kid }) => kid === oldKey.kid)).toBe(keepOld);
    expect(headerOf(await issuer.token())['kid']).toBe(keys[0]?.['kid']);
    expect(issuer.publicKey.kid).not.toBe(oldKey.kid);
    expect(verifies(await issuer.token(), issuer.publicKey)).toBe(true);
    expect(verifies(old, oldKey)).toBe(true);
    expect(verifies(await issuer.token({}, { signWith: 'stranger' }), issuer.publicKey)).toBe(false);
    expect(headerOf(oldForgery)['kid']).toBe(oldKey.kid);
  });

  it('replaces a shared secret', async () => {
    const issuer = await start({ algorithm: 'HS256' });
    const { secret } = issuer;
    await issuer.rotateKeys({ keepOld: false });

    expect(issuer.secret).not.toBe(secret);
  });
});
