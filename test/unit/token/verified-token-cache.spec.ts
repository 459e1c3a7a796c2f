import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { IndexedKeySet } from '../../../src/keys/key-set.js';
import { StaticKeySource, type KeySource } from '../../../src/keys/key-source.js';
import { type VerifiedEntry, VerifiedTokenCache } from '../../../src/token/verified-token-cache.js';
import { ManualTimer } from '../../support/manual-timer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { issuerTerms, localIssuer } from '../../support/issuer-terms.js';

/** An entry of the cache. Its expiry matters only to the sweep. */
function entry(text: string, { expiresAt = 0, keys }: { expiresAt?: number; keys?: KeySource } = {}): VerifiedEntry {
  const key = { kid: null, algorithms: new Set([]), key: createSecretKey(Buffer.alloc(32)), identity: text };
  return {
    text,
    token: { issuer: 'joe', header: { alg: 'ES256' }, claims: {}, expiresAt: new Date(0) },
    validity: { expiresAt, startsAt: null, tooOldAt: null },
    issuer: localIssuer(
      issuerTerms({ clockToleranceSeconds: 5 }),
      keys ?? new StaticKeySource(new IndexedKeySet([key])),
    ),
    key,
    statusVersion: Number.NaN,
  };
}

/** Texts with different ends, like tokens. */
function texts(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `header.claims.${String(at).padStart(60, '0')}`);
}

function filled(maxEntries: number, given: readonly string[]): VerifiedTokenCache {
  const cache = new VerifiedTokenCache(maxEntries, new ManualClock());
  for (const text of given) cache.add(entry(text));
  return cache;
}

describe('VerifiedTokenCache', () => {
  it('returns the entry of exactly the token that was added', () => {
    const [text = ''] = texts(1);
    const added = entry(text);
    const cache = new VerifiedTokenCache(10, new ManualClock());
    cache.add(added);

    expect(cache.find(text)).toBe(added);
  });

  it.each([
    ['another header', 'HEADER.claims.'],
    ['other claims', 'header.CLAIMS.'],
    ['one character more', 'xheader.claims.'],
    ['nothing before', ''],
  ])('distinguishes tokens with the same end: %s', (_, beginning) => {
    const [text = ''] = texts(1);
    const cache = filled(10, [text]);

    expect(cache.find(`${beginning}${text.slice('header.claims.'.length)}`)).toBeUndefined();
    expect(cache.find(text.slice(-12))).toBeUndefined();
    expect(cache.find('')).toBeUndefined();
  });

  it('does not find a token with one changed character, at any position', () => {
    const [text = ''] = texts(1);
    const cache = filled(10, [text]);
    const changed = [...text].map(
      (character, at) => text.slice(0, at) + (character === 'X' ? 'Y' : 'X') + text.slice(at + 1),
    );

    expect(changed.filter((other) => cache.find(other) !== undefined)).toEqual([]);
  });

  it('keeps the later of two tokens with the same end, and never confuses them', () => {
    const tail = 'T'.repeat(40);
    const cache = filled(10, [`a.${tail}`, `b.${tail}`]);

    expect(cache.find(`a.${tail}`)).toBeUndefined();
    expect(cache.find(`b.${tail}`)?.text).toBe(`b.${tail}`);
  });

  it.each([1, 2, 3, 10])('has %d entries at most, and removes the first one first', (maxEntries) => {
    const added = texts(25);
    const cache = filled(maxEntries, added);

    expect(added.filter((text) => cache.find(text) !== undefined)).toEqual(added.slice(-maxEntries));
  });

  it('removes no entry for a token that it already has', () => {
    const added = texts(3);
    const cache = filled(3, [...added, ...added.slice(2), ...added.slice(2)]);

    expect(added.filter((text) => cache.find(text) !== undefined)).toEqual(added);
  });

  it('has no entries with a capacity of 0', () => {
    const [text = ''] = texts(1);

    expect(filled(0, [text]).find(text)).toBeUndefined();
  });

  it('removes what is deleted, and only that', () => {
    const [first = '', second = ''] = texts(2);
    const cache = filled(10, [first, second]);
    const gone = cache.find(first);
    if (gone !== undefined) cache.delete(gone);

    expect(cache.find(first)).toBeUndefined();
    expect(cache.find(second)?.text).toBe(second);
  });

  it('does not remove a token for another one with the same end', () => {
    const tail = 'T'.repeat(40);
    const cache = filled(10, [`b.${tail}`]);
    cache.delete(entry(`a.${tail}`));

    expect(cache.find(`b.${tail}`)?.text).toBe(`b.${tail}`);
  });
});

describe('admission to the cache', () => {
  it('requires a second use of a token', () => {
    const [text = '', other = ''] = texts(2);
    const cache = new VerifiedTokenCache(10, new ManualClock());

    expect([text, other, text, other].map((one) => cache.admits(one))).toEqual([false, false, true, true]);
  });

  it('is never granted when the cache is off', () => {
    const [text = ''] = texts(1);
    const cache = new VerifiedTokenCache(0, new ManualClock());

    expect([cache.admits(text), cache.admits(text)]).toEqual([false, false]);
  });
});

interface SweptCache {
  readonly cache: VerifiedTokenCache;
  readonly clock: ManualClock;
  readonly timer: ManualTimer;
  /** In seconds since 1970. */
  readonly now: number;
}

function sweptCache(): SweptCache {
  const [clock, timer] = [new ManualClock(), new ManualTimer()];
  return { cache: new VerifiedTokenCache(10, clock, timer), clock, timer, now: clock.now().getTime() / 1_000 };
}

describe('the sweep of the cache', () => {
  it('is planned by the first token, and not delayed by later ones', () => {
    const { cache, timer, now } = sweptCache();
    expect(timer.delayMs).toBeNull();
    const [first = '', second = ''] = texts(2);
    cache.add(entry(first, { expiresAt: now + 300 }));
    expect(timer.delayMs).toBe(30_000);

    timer.delayMs = 1;
    cache.add(entry(second, { expiresAt: now + 300 }));
    expect(timer.delayMs).toBe(1);
  });

  it('removes expired entries, with the tolerance, and nothing else', () => {
    const { cache, clock, timer, now } = sweptCache();
    const [short = '', long = ''] = texts(2);
    cache.add(entry(short, { expiresAt: now + 25 }));
    cache.add(entry(long, { expiresAt: now + 300 }));

    clock.advanceSeconds(29.999);
    timer.ring();
    expect([cache.find(short)?.text, cache.find(long)?.text]).toEqual([short, long]);
    clock.advanceSeconds(0.001);
    timer.ring();
    expect([cache.find(short), cache.find(long)?.text]).toEqual([undefined, long]);
    expect(cache.size).toBe(1);
  });

  it('removes tokens whose key was withdrawn, or whose keys may no longer be used', () => {
    const { cache, timer, now } = sweptCache();
    const [kept = '', withdrawn = '', unknown = ''] = texts(3);
    const noKeys = new StaticKeySource(new IndexedKeySet([]));
    const noSet = Object.assign(new StaticKeySource(new IndexedKeySet([])), { current: () => null });
    cache.add(entry(kept, { expiresAt: now + 300 }));
    cache.add(entry(withdrawn, { expiresAt: now + 300, keys: noKeys }));
    cache.add(entry(unknown, { expiresAt: now + 300, keys: noSet }));
    timer.ring();

    expect(texts(3).filter((text) => cache.find(text) !== undefined)).toEqual([kept]);
  });

  it('ends when the app stops, and no entry is added after that', () => {
    const { cache, timer, now } = sweptCache();
    const [before = '', after = ''] = texts(2);
    cache.add(entry(before, { expiresAt: now + 300 }));
    cache.close();
    cache.add(entry(after, { expiresAt: now + 300 }));

    expect(timer.delayMs).toBeNull();
    expect(cache.size).toBe(0);
    expect([cache.admits(after), cache.admits(after)]).toEqual([false, false]);
  });

  it('continues while there are entries, and starts again with the next token', () => {
    const { cache, clock, timer, now } = sweptCache();
    const [first = '', second = ''] = texts(2);
    cache.add(entry(first, { expiresAt: now + 300 }));
    timer.ring();
    expect(timer.delayMs).toBe(30_000);

    clock.advanceSeconds(305);
    timer.ring();
    expect(cache.size).toBe(0);
    expect(timer.delayMs).toBeNull();

    cache.add(entry(second, { expiresAt: now + 600 }));
    expect(timer.delayMs).toBe(30_000);
  });

  it('does not run after the cache is closed', () => {
    const { cache, timer, now } = sweptCache();
    const [text = ''] = texts(1);
    cache.add(entry(text, { expiresAt: now + 300 }));
    cache.close();

    expect(timer.delayMs).toBeNull();
  });
});
