import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeKey, importJwk } from '../../../src/keys/import-jwk.js';
import { readKeys } from '../../../src/keys/jwks-loader.js';
import { UpstreamFailure } from '../../../src/upstream/upstream-failure.js';
import { ec, okp, rsa } from './jwk-makers.js';

/** Values of wrong types. All of them can result from JSON. */
const strangeValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e400,
  '',
  ' ',
  'A',
  '=',
  '!!!',
  '\u0000',
  'é'.repeat(10),
  'A'.repeat(100_000),
  'constructor',
  '__proto__',
  [],
  [[]],
  ['AQAB'],
  {},
  { toString: 1, valueOf: 1 },
  { toString: null },
  { length: 3 },
  JSON.parse('{"__proto__":{"kty":"RSA"}}'),
];

const members = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'key_ops', 'd', 'k', 'x5c', 'toString'];
const sound = [rsa.jwk, ec.jwk, okp.jwk];

/** Asserts that the result is a key or a problem. */
function outcomeOf(jwk: unknown): 'usable' | 'unusable' {
  const key = importJwk(jwk);
  if (!('problem' in key)) {
    expect(key.key.type).toBe('public');
    expect(key.algorithms.size).toBeGreaterThan(0);
    return 'usable';
  }
  expect(key.problem).toMatch(/^its? /);
  return 'unusable';
}

describe('importJwk', () => {
  it('returns a problem for every value that is not an object', () => {
    const outcomes = [undefined, ...strangeValues, Symbol('s'), 1n, () => undefined].map(outcomeOf);

    expect(new Set(outcomes)).toEqual(new Set(['unusable']));
  });

  it('never throws, whatever value a member has', () => {
    for (const jwk of sound) {
      for (const member of members) {
        for (const value of strangeValues) outcomeOf({ ...jwk, [member]: value });
      }
    }
  });

  it('never throws, whatever values several members have', () => {
    // A fixed sequence (a linear congruential generator), so that a failure can be reproduced.
    let state = 1;
    const pick = <T>(list: readonly T[]): T => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return list[Math.floor((state / 2_147_483_648) * list.length)] as T;
    };
    const outcomes = Array.from({ length: 2_000 }, () => {
      const changed = Array.from({ length: 1 + (state % 3) }, () => [pick(members), pick(strangeValues)] as const);
      return outcomeOf({ ...pick(sound), ...Object.fromEntries(changed) });
    });

    expect(new Set(outcomes)).toEqual(new Set(['usable', 'unusable']));
  });

  it.each(['n', 'e'])('does not accept a list as the text of %s', (member) => {
    expect(outcomeOf({ ...rsa.jwk, [member]: [rsa.jwk[member]] })).toBe('unusable');
  });

  it.each(['crv', 'x', 'y'])('does not accept a list as the text of %s', (member) => {
    expect(outcomeOf({ ...ec.jwk, [member]: [ec.jwk[member]] })).toBe('unusable');
  });
});

describe('describeKey', () => {
  it.each([
    ['RSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey],
    ['a curve that JWK has no name for', generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).publicKey],
  ])('returns a problem for a key that has no JWK form: %s', (_, publicKey) => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' });

    expect(describeKey(createPublicKey(pem))).toEqual({
      problem: 'its type or curve verifies no accepted algorithm',
    });
  });
});

describe('readKeys', () => {
  it('ignores unusable keys, and keeps the others in order', () => {
    const kids = readKeys([
      { ...rsa.jwk, kid: 'a', n: { toString: 1 } },
      null,
      { ...ec.jwk, kid: 'b' },
      { ...rsa.jwk, kid: 'c', use: 'enc' },
      { kty: 'oct', kid: 'd', k: 'AAAA' },
      { ...okp.jwk, kid: 'e' },
    ]).map(({ kid }) => kid);

    expect(kids).toEqual(['b', 'e']);
  });

  it('keeps one of two identical keys', () => {
    expect(readKeys([ec.jwk, { ...ec.jwk, use: 'sig' }])).toHaveLength(1);
  });

  it('keeps two keys that share an id', () => {
    expect(
      readKeys([
        { ...ec.jwk, kid: 'a' },
        { ...rsa.jwk, kid: 'a' },
      ]),
    ).toHaveLength(2);
  });

  it.each([
    ['no list', undefined],
    ['an object', { 0: ec.jwk, length: 1 }],
    ['a text', 'keys'],
    ['an empty one', []],
    ['one of keys that cannot be used', [{ ...ec.jwk, use: 'enc' }, { kty: 'oct', k: 'AAAA' }, null]],
  ])('fails and never returns an empty set: %s', (_, jwks) => {
    expect(() => readKeys(jwks)).toThrow(UpstreamFailure);
  });
});
