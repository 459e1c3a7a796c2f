import { describe, expect, it } from 'vitest';
import { decodeBase64Url, decodeBase64UrlText } from '../../../src/token/base64url.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The expected result of both decoders: whether encoding the decoded bytes yields the text again. */
function isCanonical(text: string): boolean {
  return text !== '' && Buffer.from(text, 'base64url').toString('base64url') === text;
}

/** The expected result of `decodeBase64UrlText`. */
function decodeSlowly(text: string): string | undefined {
  if (!isCanonical(text)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'base64url'));
  } catch {
    return undefined;
  }
}

/** The texts for which one of the decoders returns another result than expected. */
function misjudged(texts: readonly string[]): readonly string[] {
  return texts.filter(
    (text) =>
      (decodeBase64Url(text) !== undefined) !== isCanonical(text) || decodeBase64UrlText(text) !== decodeSlowly(text),
  );
}

/** Pseudo-random numbers that are the same in every run, so that a failure can be reproduced. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('decodeBase64Url and decodeBase64UrlText', () => {
  it('are correct for all texts of one and two characters, and for three by their last two', () => {
    const one = [...alphabet];
    const two = one.flatMap((first) => one.map((second) => first + second));

    expect(misjudged([...one, ...two, ...two.map((pair) => `k${pair}`)])).toEqual([]);
  });

  it('are correct for every UTF-16 unit at each position of texts of each length modulo 4', () => {
    const bases = ['QUFB', 'QUFBQQ', 'QUFBQUE', 'QUFBQUFB', 'QUFBQ'];
    const wrong: string[] = [];
    for (let code = 0; code < 0x10000; code += code < 0x300 ? 1 : 17) {
      const unit = String.fromCharCode(code);
      const texts = bases.flatMap((base) =>
        Array.from({ length: base.length + 1 }, (_, at) => [
          base.slice(0, at) + unit + base.slice(at + 1),
          base.slice(0, at) + unit + base.slice(at),
        ]).flat(),
      );
      wrong.push(...misjudged(texts));
    }

    expect(wrong.slice(0, 3)).toEqual([]);
  });

  it('are correct for random changes of tokens of every length', () => {
    const random = seeded(20_261_122);
    const strange = ['+', '/', '=', '==', '\n', ' ', '.', '\0', '\u0141', '\u00e9', '\ud83d\ude80', 'A', ''];
    const texts = Array.from({ length: 6_000 }, () => {
      const bytes = Buffer.from(Array.from({ length: random(80) }, () => random(random(4) === 0 ? 256 : 128)));
      const text = bytes.toString('base64url');
      if (random(3) === 0) return text;
      const at = random(text.length + 1);
      return text.slice(0, at) + (strange[random(strange.length)] ?? '') + text.slice(at + random(3));
    });

    expect(misjudged(texts).slice(0, 3)).toEqual([]);
    expect(texts.filter(isCanonical).length).toBeGreaterThan(1_000);
    expect(texts.filter((text) => !isCanonical(text)).length).toBeGreaterThan(1_000);
  });

  it.each(['', 'A', 'AAAAA', 'AA==', 'AAA=', 'AAAA\n', '\nAAAA', 'AA AA', 'AB', 'AAB', 'AA\u0100A', '++++', '////'])(
    'refuse %j',
    (text) => {
      expect(decodeBase64Url(text)).toBeUndefined();
      expect(decodeBase64UrlText(text)).toBeUndefined();
    },
  );

  it('accept a text that is longer than the preallocated buffer', () => {
    const long = 'ä'.repeat(20_000);

    expect(decodeBase64UrlText(Buffer.from(long).toString('base64url'))).toBe(long);
  });

  it.each([
    ['a byte that no UTF-8 has', Buffer.from([0x22, 0xff, 0x22])],
    ['an overlong slash', Buffer.from([0xc0, 0xaf])],
    ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80])],
    ['a character that is cut off', Buffer.from('ü').subarray(0, 1)],
    ['a bad byte behind a replacement character that was meant', Buffer.from([0xef, 0xbf, 0xbd, 0xff])],
  ])('refuse %s, which is not UTF-8', (_, bytes) => {
    expect(decodeBase64UrlText(bytes.toString('base64url'))).toBeUndefined();
  });

  it('accept an encoded replacement character', () => {
    expect(decodeBase64UrlText(Buffer.from('a\ufffdb').toString('base64url'))).toBe('a\ufffdb');
  });
});
