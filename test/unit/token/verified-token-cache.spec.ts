import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeySet } from '../../../src/keys/key-set.js';
import { StaticKeySource } from '../../../src/keys/static-key-source.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';
import { type VerifiedEntry, VerifiedTokenCache } from '../../../src/token/verified-token-cache.js';
import { HandClock } from '../../support/hand-clock.js';

function entry(text: string): VerifiedEntry {
  const key = { kid: null, algorithms: new Set([]), key: createSecretKey(Buffer.alloc(32)), identity: text };
  const terms = {
    issuer: 'joe',
    audience: acceptAnyAudience,
    algorithms: new Set([]),
    tokenType: null,
    clockToleranceSeconds: 0,
    maxTokenAgeSeconds: null,
    subjectClaim: 'sub',
  } as const;
  return {
    text,
    token: { issuer: 'joe', header: { alg: 'ES256' }, claims: {}, expiresAt: new Date(0) },
    validity: { expiresAt: 0, startsAt: null, tooOldAt: null },
    issuer: { terms, keys: new StaticKeySource(new KeySet([key])) },
    key,
  };
}

/** Texts of which each has another tail, as tokens have. */
function texts(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `header.claims.${String(at).padStart(60, '0')}`);
}

function filled(maxEntries: number, given: readonly string[]): VerifiedTokenCache {
  const cache = new VerifiedTokenCache(maxEntries, new HandClock());
  for (const text of given) cache.add(entry(text));
  return cache;
}

describe('VerifiedTokenCache', () => {
  it('gives the entry of exactly the token that was added', () => {
    const [text = ''] = texts(1);
    const added = entry(text);
    const cache = new VerifiedTokenCache(10, new HandClock());
    cache.add(added);

    expect(cache.find(text)).toBe(added);
  });

  it.each([
    ['another header', 'HEADER.claims.'],
    ['other claims', 'header.CLAIMS.'],
    ['one character more', 'xheader.claims.'],
    ['nothing before', ''],
  ])('tells tokens apart that end alike: %s', (_, beginning) => {
    const [text = ''] = texts(1);
    const cache = filled(10, [text]);

    expect(cache.find(`${beginning}${text.slice('header.claims.'.length)}`)).toBeUndefined();
    expect(cache.find(text.slice(-32))).toBeUndefined();
    expect(cache.find('')).toBeUndefined();
  });

  it('misses a token with one character changed, wherever it is', () => {
    const [text = ''] = texts(1);
    const cache = filled(10, [text]);
    const changed = [...text].map(
      (character, at) => text.slice(0, at) + (character === 'X' ? 'Y' : 'X') + text.slice(at + 1),
    );

    expect(changed.filter((other) => cache.find(other) !== undefined)).toEqual([]);
  });

  it('keeps the later one of two tokens that end alike, and never mixes them up', () => {
    const tail = 'T'.repeat(40);
    const cache = filled(10, [`a.${tail}`, `b.${tail}`]);

    expect(cache.find(`a.${tail}`)).toBeUndefined();
    expect(cache.find(`b.${tail}`)?.text).toBe(`b.${tail}`);
  });

  it.each([1, 2, 3, 10])('holds %d at most, and lets the first go first', (maxEntries) => {
    const added = texts(25);
    const cache = filled(maxEntries, added);

    expect(added.filter((text) => cache.find(text) !== undefined)).toEqual(added.slice(-maxEntries));
  });

  it('lets none go for a token that it has already', () => {
    const added = texts(3);
    const cache = filled(3, [...added, ...added.slice(2), ...added.slice(2)]);

    expect(added.filter((text) => cache.find(text) !== undefined)).toEqual(added);
  });

  it('holds nothing with 0 entries', () => {
    const [text = ''] = texts(1);

    expect(filled(0, [text]).find(text)).toBeUndefined();
  });

  it('forgets what is deleted, and only that', () => {
    const [first = '', second = ''] = texts(2);
    const cache = filled(10, [first, second]);
    const gone = cache.find(first);
    if (gone !== undefined) cache.delete(gone);

    expect(cache.find(first)).toBeUndefined();
    expect(cache.find(second)?.text).toBe(second);
  });

  it('does not forget a token for another one that ends alike', () => {
    const tail = 'T'.repeat(40);
    const cache = filled(10, [`b.${tail}`]);
    cache.delete(entry(`a.${tail}`));

    expect(cache.find(`b.${tail}`)?.text).toBe(`b.${tail}`);
  });
});
