import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeKey, importJwk } from '../../../src/keys/import-jwk.js';
import { readKeys } from '../../../src/keys/jwks-loader.js';
import { UpstreamFailure } from '../../../src/upstream/upstream-failure.js';
import { ec, okp, rsa } from './jwk-makers.js';

/** What may stand where something else is expected; all of it can come out of JSON. */
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

/** One outcome of two, and never a third. */
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
  it('gives a problem for whatever is no object', () => {
    const outcomes = [undefined, ...strangeValues, Symbol('s'), 1n, () => undefined].map(outcomeOf);

    expect(new Set(outcomes)).toEqual(new Set(['unusable']));
  });

  it('never throws, whatever stands in a member', () => {
    for (const jwk of sound) {
      for (const member of members) {
        for (const value of strangeValues) outcomeOf({ ...jwk, [member]: value });
      }
    }
  });

  it('never throws, whatever stands in several', () => {
    // A fixed sequence (a linear congruential generator), so that a failure can be had again.
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

  it.each(['n', 'e'])('takes no list for the text of %s', (member) => {
    expect(outcomeOf({ ...rsa.jwk, [member]: [rsa.jwk[member]] })).toBe('unusable');
  });

  it.each(['crv', 'x', 'y'])('takes no list for the text of %s', (member) => {
    expect(outcomeOf({ ...ec.jwk, [member]: [ec.jwk[member]] })).toBe('unusable');
  });
});

describe('describeKey', () => {
  it.each([
    ['RSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey],
    ['a curve that JWK has no name for', generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).publicKey],
  ])('gives a problem for a key that cannot be told as JWK: %s', (_, publicKey) => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' });

    expect(describeKey(createPublicKey(pem))).toEqual({
      problem: 'its type or curve verifies no accepted algorithm',
    });
  });
});

describe('readKeys', () => {
  it('passes over what cannot be used, and keeps the rest in order', () => {
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

  it('takes a key that is there twice for one', () => {
    expect(readKeys([ec.jwk, { ...ec.jwk, use: 'sig' }])).toHaveLength(1);
  });

  it('keeps two keys that share a name', () => {
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
  ])('is a failure and never a set without keys: %s', (_, jwks) => {
    expect(() => readKeys(jwks)).toThrow(UpstreamFailure);
  });
});
