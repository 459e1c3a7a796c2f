import { describe, expect, it } from 'vitest';
import { Doorkeeper } from '../../../src/token/verified-token-cache.js';

/** Pseudo-random texts, like signatures, that are the same in every run. */
function texts(count: number, seed = 1): readonly string[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    const bytes = Buffer.alloc(12);
    for (let at = 0; at < bytes.length; at += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      bytes[at] = state >>> 24;
    }
    return `header.claims.${bytes.toString('base64url')}`;
  });
}

describe('Doorkeeper', () => {
  it('distinguishes the first use of a text from later ones', () => {
    const seen = new Doorkeeper(100);
    expect(['a', 'a', 'b', 'a', 'b'].map((text) => seen.check(text))).toEqual([false, true, false, true, true]);
  });

  it.each(['', 'x', 'A'.repeat(20_000), '\u{1f600}é'])('accepts every text: %#', (text) => {
    const seen = new Doorkeeper(100);
    expect([seen.check(text), seen.check(text)]).toEqual([false, true]);
  });

  it('identifies a text by its last twelve characters, which belong to the signature', () => {
    const seen = new Doorkeeper(100);
    seen.check('header.claims.ABCDEFGHIJKL');

    expect(seen.check('other.ABCDEFGHIJKL')).toBe(true);
    expect(seen.check('header.claims.xBCDEFGHIJKL')).toBe(false);
  });

  it.each([0, 1, 2, 3, 1_000])('works with a capacity of %d', (capacity) => {
    const seen = new Doorkeeper(capacity);
    expect([seen.check('a'), seen.check('a')]).toEqual([false, true]);
  });

  it('recognizes two texts that alternate in one slot', () => {
    // With this capacity all texts belong to one bucket.
    const seen = new Doorkeeper(2);
    const [one = '', other = ''] = texts(2);
    expect([one, other, one, other].map((text) => seen.check(text))).toEqual([false, false, true, true]);
  });

  it('remembers most of as many texts as its capacity', () => {
    const seen = new Doorkeeper(2_000);
    const given = texts(1_000);
    for (const text of given) seen.check(text);

    expect(given.filter((text) => seen.check(text)).length).toBeGreaterThan(600);
  });

  it('rarely takes a new text for a known one, regardless of the number of texts', () => {
    const seen = new Doorkeeper(2_000);
    for (const text of texts(20_000)) seen.check(text);

    expect(texts(10_000, 2).filter((text) => seen.check(text)).length).toBeLessThan(10);
  });

  it('forgets old texts, so its memory does not grow', () => {
    const seen = new Doorkeeper(100);
    const [first = '', ...others] = texts(10_000);
    seen.check(first);
    for (const text of others) seen.check(text);

    expect(seen.check(first)).toBe(false);
  });
});
