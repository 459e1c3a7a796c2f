import { describe, expect, it } from 'vitest';
import { IndexedKeySet } from '../../../src/keys/key-set.js';
import { StaticKeySource, type KeySource } from '../../../src/keys/key-source.js';
import { ec, importUsable, newEc, okp, rsa } from './jwk-makers.js';

const rsaA = importUsable({ ...rsa.jwk, kid: 'a' });
const ecB = importUsable({ ...ec.jwk, kid: 'b' });
const otherEc = newEc().jwk;

describe('a token with a kid', () => {
  const keys = new IndexedKeySet([rsaA, ecB]);

  it('matches the key with that id', () => {
    expect(keys.find('a', 'RS256')).toEqual({ kind: 'found', key: rsaA });
    expect(keys.find('b', 'ES256')).toEqual({ kind: 'found', key: ecB });
  });

  it.each(['c', '', 'A', 'a ', '__proto__', 'constructor'])('matches no key when none has that id: %j', (kid) => {
    expect(keys.find(kid, 'RS256')).toEqual({ kind: 'unknown' });
  });

  it('matches neither a key that may not verify its algorithm nor another key that may', () => {
    expect(keys.find('a', 'ES256')).toEqual({ kind: 'unfit' });
    expect(keys.find('b', 'RS256')).toEqual({ kind: 'unfit' });
    expect(new IndexedKeySet([importUsable({ ...rsa.jwk, kid: 'a', alg: 'PS256' })]).find('a', 'RS256')).toEqual({
      kind: 'unfit',
    });
  });

  it('matches the key of its type when two types share an id', () => {
    const ecA = importUsable({ ...ec.jwk, kid: 'a' });
    const shared = new IndexedKeySet([rsaA, ecA]);

    expect(shared.find('a', 'PS384')).toEqual({ kind: 'found', key: rsaA });
    expect(shared.find('a', 'ES256')).toEqual({ kind: 'found', key: ecA });
    expect(shared.find('a', 'EdDSA')).toEqual({ kind: 'unfit' });
  });

  it('matches neither of two keys with the same id and type', () => {
    const twins = [ec.jwk, otherEc].map((jwk) => importUsable({ ...jwk, kid: 'a' }));

    expect(new IndexedKeySet(twins).find('a', 'ES256')).toEqual({ kind: 'ambiguous' });
  });

  it('matches a key without an id when no key has its kid', () => {
    const unnamed = importUsable(ec.jwk);
    const mixed = new IndexedKeySet([rsaA, unnamed]);

    expect(mixed.find('c', 'ES256')).toEqual({ kind: 'found', key: unnamed });
    expect(mixed.find('c', 'RS256')).toEqual({ kind: 'unknown' });
    expect(mixed.find('a', 'ES256')).toEqual({ kind: 'unfit' });
  });
});

describe('a token without a kid', () => {
  it('matches the only key that fits, with or without an id', () => {
    const keys = new IndexedKeySet([rsaA, ecB, importUsable(okp.jwk)]);

    expect(keys.find(null, 'RS256')).toEqual({ kind: 'found', key: rsaA });
    expect(keys.find(null, 'ES256')).toEqual({ kind: 'found', key: ecB });
    expect(keys.find(null, 'EdDSA')).toMatchObject({ kind: 'found', key: { kid: null } });
  });

  it('matches no key when several fit, with or without an id', () => {
    const named = importUsable({ ...otherEc, kid: 'c' });
    const unnamed = importUsable(otherEc);

    expect(new IndexedKeySet([ecB, named]).find(null, 'ES256')).toEqual({ kind: 'ambiguous' });
    expect(new IndexedKeySet([ecB, unnamed]).find(null, 'ES256')).toEqual({ kind: 'ambiguous' });
  });

  it('matches no key when none fits', () => {
    expect(new IndexedKeySet([rsaA]).find(null, 'ES256')).toEqual({ kind: 'unknown' });
    expect(new IndexedKeySet([]).find(null, 'ES256')).toEqual({ kind: 'unknown' });
  });
});

describe('a key set', () => {
  it('has the keys that it was created from, and not equal copies of them', () => {
    const keys = new IndexedKeySet([rsaA]);

    expect(keys.has(rsaA)).toBe(true);
    expect(keys.has(ecB)).toBe(false);
    expect(keys.has(importUsable({ ...rsa.jwk, kid: 'a' }))).toBe(false);
  });

  it('is never fetched when the app has configured it', async () => {
    const keys = new IndexedKeySet([rsaA]);
    const source: KeySource = new StaticKeySource(keys);

    expect(source.current()).toBe(keys);
    expect(await source.obtain(() => false)).toBe(keys);
  });
});
