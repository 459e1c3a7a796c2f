import { constants, createHmac, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { JwsVector } from '../../vectors/rfc/jws-vector.js';
import { rfc7515Vectors } from '../../vectors/rfc/rfc-7515.js';
import { rfc7520Vectors } from '../../vectors/rfc/rfc-7520.js';
import { rfc7797Vectors } from '../../vectors/rfc/rfc-7797.js';
import { rfc8037Vectors } from '../../vectors/rfc/rfc-8037.js';
import { readRecordedExchange, readRecordedTokens } from '../../vectors/stack-auth/recorded.js';

type Members = Record<string, unknown>;

function decode(part: string | undefined): Members {
  return JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Members;
}

/** Uses only node:crypto, so that a mistyped vector or fixture is found. */
function verifies({ algorithm, key, token, detachedPayload }: Omit<JwsVector, 'from'>): boolean {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const signed = Buffer.from(`${header}.${detachedPayload ?? payload}`);
  return algorithm.startsWith('HS')
    ? macOf(algorithm, key, signed) === signature
    : fits(algorithm, key, signed, Buffer.from(signature, 'base64url'));
}

function macOf(algorithm: string, key: JwsVector['key'], signed: Buffer): string {
  const secret = Buffer.from(key?.['k'] ?? '', 'base64url');
  return createHmac(`sha${algorithm.slice(2)}`, secret)
    .update(signed)
    .digest('base64url');
}

function fits(algorithm: string, jwk: JwsVector['key'], signed: Buffer, signature: Buffer): boolean {
  const key = createPublicKey({ key: { ...jwk } as JsonWebKey, format: 'jwk' });
  const hash = algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
  const saltLength = Number(algorithm.slice(2)) / 8;
  const how = algorithm.startsWith('PS')
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
    : { key, dsaEncoding: 'ieee-p1363' as const };
  return verify(hash, signed, how, signature);
}

describe('the vectors of the RFCs', () => {
  const vectors = [...rfc7515Vectors, ...rfc7520Vectors, ...rfc7797Vectors, ...rfc8037Vectors];

  it.each(vectors)('$from names $algorithm in its header', ({ algorithm, token }) => {
    expect(decode(token.split('.')[0])['alg']).toBe(algorithm);
  });

  it.each(vectors.filter(({ key }) => key !== undefined))('$from verifies with its key', (vector) => {
    expect(verifies(vector)).toBe(true);
  });

  it('includes one without a signature', () => {
    expect(vectors.filter(({ key }) => key === undefined)).toEqual([
      expect.objectContaining({ algorithm: 'none', token: expect.stringMatching(/\.$/) as unknown }),
    ]);
  });
});

describe('the recorded answers of Stack Auth', () => {
  function recordedKeys(name: string, version: '2.8.86' | '2.8.37'): Record<string, string>[] {
    return (readRecordedExchange(name, version).response.body as { keys: Record<string, string>[] }).keys;
  }

  it.each(['2.8.86', '2.8.37'] as const)('%s: tokens verify with the recorded keys', (version) => {
    const files = ['jwks-include-anonymous', 'jwks-project-b', ...(version === '2.8.86' ? ['jwks-project-c'] : [])];
    const keys = files.flatMap((name) => recordedKeys(name, version));
    const tokens = Object.entries(readRecordedTokens(version));
    const spoiled = tokens.filter(([, token]) => {
      const key = keys.find(({ kid }) => kid === decode(token.split('.')[0])['kid']);
      return key === undefined || !verifies({ algorithm: 'ES256', key, token });
    });

    expect(tokens.length).toBeGreaterThan(10);
    expect(spoiled.map(([name]) => name)).toEqual([
      'from-users-me-client-alg-none',
      'from-users-me-client-tampered-payload',
      'from-users-me-client-tampered-signature',
      'from-users-me-client-unknown-kid',
    ]);
  });

  it('has 2, 4 and 6 keys, and each set contains the previous one', () => {
    const names = ['jwks', 'jwks-include-restricted', 'jwks-include-anonymous'];
    const [plain = [], restricted = [], anonymous = []] = names.map((name) => recordedKeys(name, '2.8.86'));

    expect([plain.length, restricted.length, anonymous.length]).toEqual([2, 4, 6]);
    expect(restricted.slice(0, 2)).toEqual(plain);
    expect(anonymous.slice(0, 4)).toEqual(restricted);
  });
});
