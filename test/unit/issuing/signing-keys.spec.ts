import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toPublicJwk } from '../../../src/issuing/signing-keys.js';
import { thumbprintOf } from '../../../src/keys/thumbprint.js';

/** The example of RFC 7638 §3.1. */
const rsaKey = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
  alg: 'RS256',
  kid: '2011-04-29',
};

describe('thumbprintOf', () => {
  it('computes the examples of the standards', () => {
    expect(thumbprintOf(rsaKey)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
    // RFC 8037 appendix A.3.
    expect(thumbprintOf({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })).toBe(
      'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    );
  });

  it('is the same for the private key, whatever other members there are, in any order', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });

    expect(thumbprintOf({ use: 'sig', y, x, kty, crv } as JsonWebKey)).toBe(
      thumbprintOf(privateKey.export({ format: 'jwk' })),
    );
  });

  it.each([{}, { kty: 'oct', k: 'AAAA' }, { kty: 'EC', crv: 'P-256', x: 'AAAA' }, { kty: 'RSA', n: 7, e: 'AQAB' }])(
    'refuses what is not a key: %j',
    (jwk) => {
      expect(() => thumbprintOf(jwk as JsonWebKey)).toThrow(TypeError);
    },
  );
});

describe('toPublicJwk', () => {
  it.each([
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey, ['e', 'n']],
    ['EC', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, ['crv', 'x', 'y']],
    ['OKP', generateKeyPairSync('ed25519').privateKey, ['crv', 'x']],
  ] as const)('copies no private member of %s', (kty, privateKey, members) => {
    const jwk = { ...privateKey.export({ format: 'jwk' }), key_ops: ['sign'] };
    const published = toPublicJwk(jwk, 'ES256');

    expect(Object.keys(published).sort()).toEqual([...members, 'alg', 'kid', 'kty', 'use'].sort());
    expect(published).toMatchObject({ kty, kid: thumbprintOf(jwk), use: 'sig', alg: 'ES256' });
  });

  it('takes the name that a key service has for the key', () => {
    expect(toPublicJwk(rsaKey, 'RS256', 'alias/tokens').kid).toBe('alias/tokens');
  });
});
