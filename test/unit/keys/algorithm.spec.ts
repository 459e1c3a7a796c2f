import { describe, expect, it } from 'vitest';
import { findAlgorithm, publicKeyAlgorithms, secretAlgorithms, traitsOf } from '../../../src/keys/algorithm.js';

const known = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512'.split(' ');

describe('findAlgorithm', () => {
  it.each(known)('finds %s by its exact name', (name) => {
    expect(findAlgorithm(name)).toBe(name);
  });

  it('treats Ed25519 as an alias of EdDSA', () => {
    expect(findAlgorithm('Ed25519')).toBe('EdDSA');
  });

  it.each([
    'none',
    'None',
    '',
    'rs256',
    'RS256 ',
    'RS1',
    'ES256K',
    'Ed448',
    'constructor',
    '__proto__',
    'toString',
    ['RS256'],
    null,
    undefined,
    256,
  ])('does not find %j', (name) => {
    expect(findAlgorithm(name)).toBeUndefined();
  });
});

describe('the lists', () => {
  it('separate the algorithms of public keys from those of secrets', () => {
    expect(publicKeyAlgorithms).toEqual(known.slice(0, 10));
    expect(secretAlgorithms).toEqual(known.slice(10));
  });

  it('cannot be modified', () => {
    expect(Object.isFrozen(publicKeyAlgorithms)).toBe(true);
    expect(Object.isFrozen(secretAlgorithms)).toBe(true);
  });
});

describe('the traits', () => {
  // RFC 7518 §3.1 to 3.5, RFC 8037 §3.1.
  it.each([
    ['RS256', 'pkcs1', 'sha256', 32, null, null],
    ['RS384', 'pkcs1', 'sha384', 48, null, null],
    ['RS512', 'pkcs1', 'sha512', 64, null, null],
    ['PS256', 'pss', 'sha256', 32, null, null],
    ['PS384', 'pss', 'sha384', 48, null, null],
    ['PS512', 'pss', 'sha512', 64, null, null],
    ['ES256', 'ecdsa', 'sha256', 32, 'P-256', 64],
    ['ES384', 'ecdsa', 'sha384', 48, 'P-384', 96],
    ['ES512', 'ecdsa', 'sha512', 64, 'P-521', 132],
    ['EdDSA', 'eddsa', null, 64, 'Ed25519', 64],
    ['HS256', 'hmac', 'sha256', 32, null, 32],
    ['HS384', 'hmac', 'sha384', 48, null, 48],
    ['HS512', 'hmac', 'sha512', 64, null, 64],
  ] as const)('of %s are those of its RFC', (name, scheme, hash, hashBytes, curve, signatureBytes) => {
    expect(traitsOf(name)).toEqual({ scheme, hash, hashBytes, curve, signatureBytes });
  });
});
