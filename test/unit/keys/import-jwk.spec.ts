import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  ec,
  importUsable,
  newEc,
  newOkp,
  newRsa,
  okp,
  problemOf,
  rsa,
  sameKey,
  verifiesFor,
} from './jwk-makers.js';

const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

describe('a key', () => {
  it.each([
    ['RSA', rsa, rsaAlgorithms],
    ['P-256', ec, ['ES256']],
    ['P-384', newEc('P-384'), ['ES384']],
    ['P-521', newEc('P-521'), ['ES512']],
    ['Ed25519', okp, ['EdDSA']],
  ])('of type %s verifies the algorithms of its type, and no others', (_, { jwk, privateKey }, algorithms) => {
    const key = importUsable(jwk);

    expect([...key.algorithms]).toEqual(algorithms);
    expect(key.kid).toBeNull();
    expect(verifiesFor(key, privateKey)).toBe(true);
  });

  it.each([
    ['secp256k1', newEc('secp256k1').jwk],
    ['Ed448', newOkp('ed448').jwk],
    ['X25519', newOkp('x25519').jwk],
  ])('of curve %s verifies no accepted algorithm', (_, jwk) => {
    expect(problemOf(jwk)).toBe('its type or curve verifies no accepted algorithm');
  });

  it.each([
    ['a shared secret', { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA' }],
    ['a shared secret that says RS256', { kty: 'oct', alg: 'RS256', k: 'c2VjcmV0' }],
    ['no type', { ...rsa.jwk, kty: undefined }],
    ['a type of another case', { ...rsa.jwk, kty: 'rsa' }],
    ['an unknown type', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' }],
  ])('is refused because of its type: %s', (_, jwk) => {
    expect(problemOf(jwk)).toBe('its type is not RSA, EC or OKP');
  });

  it.each([1024, 2047])('of RSA with %d bits is too weak', (bits) => {
    expect(problemOf(newRsa(bits).jwk)).toBe('its modulus has fewer than 2048 bits');
  });

  it('is measured by its modulus, not by leading zeros', () => {
    const padded = Buffer.concat([Buffer.alloc(200), bytesOf(newRsa(1024).jwk['n'])]);

    expect(problemOf({ ...rsa.jwk, n: padded.toString('base64url') })).toBe('its modulus has fewer than 2048 bits');
  });

  // AQ is 1, Ag is 2, AQAA is 65536: with 1 the signature is the padded message, and even exponents are not RSA.
  it.each(['AQ', 'AAAB', 'Ag', 'AQAA'])('with the exponent %s is refused', (e) => {
    expect(problemOf({ ...rsa.jwk, e })).toMatch(/its public exponent is unsafe|its members do not make a key/);
  });

  it('with the exponent 3 is accepted', () => {
    expect(problemOf({ ...rsa.jwk, e: 'Aw' })).toBe('usable');
  });

  it('is refused when its point is not on its curve', () => {
    const other = newEc().jwk;

    expect(problemOf({ ...ec.jwk, y: other['y'] })).toBe('its members do not make a key');
  });

  it('is refused when its curve is not that of its point', () => {
    expect(problemOf({ ...ec.jwk, crv: 'P-384' })).toBe('its members do not make a key');
  });

  it.each(['n', 'e'])('of RSA without %s is refused', (member) => {
    expect(problemOf({ ...rsa.jwk, [member]: undefined })).not.toBe('usable');
  });

  it.each(['crv', 'x', 'y'])('of EC without %s is refused', (member) => {
    expect(problemOf({ ...ec.jwk, [member]: undefined })).toBe('its members do not make a key');
  });
});

describe('coordinates', () => {
  it.each(['x', 'y'])('may lack the leading zeros of %s', (member) => {
    const found = findKey((jwk) => bytesOf(jwk[member])[0] === 0);
    const stripped = bytesOf(found.jwk[member]).subarray(1);
    const key = importUsable({ ...found.jwk, [member]: stripped.toString('base64url') });

    expect(stripped).toHaveLength(31);
    expect(verifiesFor(key, found.privateKey)).toBe(true);
    expect(key.identity).toBe(importUsable(found.jwk).identity);
  });

  it('may have an additional leading zero', () => {
    const x = Buffer.concat([Buffer.alloc(1), bytesOf(ec.jwk['x'])]).toString('base64url');
    const key = importUsable({ ...ec.jwk, x });

    expect(verifiesFor(key, ec.privateKey)).toBe(true);
    expect(key.identity).toBe(importUsable(ec.jwk).identity);
  });

  it('are never padded into another key', () => {
    const stripped = bytesOf(ec.jwk['x']).subarray(1).toString('base64url');

    expect(problemOf({ ...ec.jwk, x: stripped })).toBe('its members do not make a key');
  });
});

describe('the purpose of a key', () => {
  it.each([
    ['use "sig"', { use: 'sig' }],
    ['key_ops with "verify"', { key_ops: ['verify'] }],
    ['key_ops with more', { key_ops: ['sign', 'verify'] }],
    ['both', { use: 'sig', key_ops: ['verify'] }],
    ['its certificate', { x5c: ['AAAA'], x5t: 'AA', ext: true }],
  ])('allows verification: %s', (_, members) => {
    expect(problemOf({ ...ec.jwk, ...members })).toBe('usable');
  });

  it.each([
    ['use "enc"', { use: 'enc' }, 'its "use" is not "sig"'],
    ['use of another case', { use: 'SIG' }, 'its "use" is not "sig"'],
    ['use that is no text', { use: ['sig'] }, 'its "use" is not "sig"'],
    ['key_ops without "verify"', { key_ops: ['encrypt', 'wrapKey'] }, 'its "key_ops" do not contain "verify"'],
    ['no key_ops', { key_ops: [] }, 'its "key_ops" do not contain "verify"'],
    ['key_ops that are a text', { key_ops: 'verify' }, 'its "key_ops" do not contain "verify"'],
    ['one allowing, one not', { use: 'enc', key_ops: ['verify'] }, 'its "use" is not "sig"'],
  ])('excludes the key: %s', (_, members, problem) => {
    expect(problemOf({ ...ec.jwk, ...members })).toBe(problem);
  });

  it.each([
    [rsa.jwk, 'PS256', ['PS256']],
    [rsa.jwk, 'RS512', ['RS512']],
    [ec.jwk, 'ES256', ['ES256']],
    [okp.jwk, 'EdDSA', ['EdDSA']],
    [okp.jwk, 'Ed25519', ['EdDSA']],
  ])('is limited by its alg (%#: %j %s)', (jwk, alg, algorithms) => {
    expect([...importUsable({ ...jwk, alg }).algorithms]).toEqual(algorithms);
  });

  it.each([
    [ec.jwk, 'RS256'],
    [ec.jwk, 'ES384'],
    [rsa.jwk, 'ES256'],
    [rsa.jwk, 'HS256'],
    [rsa.jwk, 'RSA-OAEP'],
    [rsa.jwk, 'none'],
    [rsa.jwk, 'rs256'],
    [rsa.jwk, ''],
    [rsa.jwk, null],
    [rsa.jwk, ['RS256']],
    [okp.jwk, 'Ed448'],
    [okp.jwk, 'constructor'],
  ])('must fit its alg (%#: %j %j)', (jwk, alg) => {
    expect(problemOf({ ...jwk, alg })).toBe('its "alg" does not go with its type');
  });
});

describe('the id of a key', () => {
  it.each(['a', '', '2024-01', 'a b/ü'])('is kept unchanged: %j', (kid) => {
    expect(importUsable({ ...ec.jwk, kid }).kid).toBe(kid);
  });

  it.each([1, null, ['a'], {}, true])('must be a text, and not %j', (kid) => {
    expect(problemOf({ ...ec.jwk, kid })).toBe('its "kid" is not a text');
  });
});

describe('the private part of a published key', () => {
  it.each([
    ['RSA', rsa],
    ['EC', ec],
    ['OKP', okp],
  ])('is not kept in memory: %s', (_, { jwk, privateKey }) => {
    const key = importUsable(privateKey.export({ format: 'jwk' }));

    expect(key.key.type).toBe('public');
    expect(sameKey(key, jwk)).toBe(true);
    expect(key.identity).toBe(importUsable(jwk).identity);
    expect(JSON.stringify(key)).not.toContain(privateKey.export({ format: 'jwk' }).d);
  });
});

describe('the identity of a key', () => {
  it('is the same for the same key, regardless of other members', () => {
    const { identity } = importUsable({ ...ec.jwk, kid: 'a' });

    expect(importUsable({ kid: 'a', use: 'sig', x5t: 'other', ...ec.jwk }).identity).toBe(identity);
  });

  it.each([
    ['name', { kid: 'b' }],
    ['algorithm', { alg: 'RS256' }],
    ['material', newRsa().jwk],
    ['exponent', { e: 'Aw' }],
  ])('differs by %s', (_, members) => {
    const { identity } = importUsable({ ...rsa.jwk, kid: 'a' });

    expect(importUsable({ ...rsa.jwk, kid: 'a', ...members }).identity).not.toBe(identity);
  });

  it('differs by the sign of a point', () => {
    const y = bytesOf(ec.jwk['y']);
    const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
    const mirrored = (p - BigInt(`0x${y.toString('hex')}`)).toString(16).padStart(64, '0');
    const other = importUsable({ ...ec.jwk, y: Buffer.from(mirrored, 'hex').toString('base64url') });

    expect(other.identity).not.toBe(importUsable(ec.jwk).identity);
  });
});

/** About one key in 256 has a coordinate with a leading zero. */
function findKey(fits: (jwk: Readonly<Record<string, unknown>>) => boolean) {
  for (;;) {
    const candidate = newEc();
    if (fits(candidate.jwk)) return candidate;
  }
}
