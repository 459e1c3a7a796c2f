import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeBase64Url } from '../../../src/token/base64url.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The one writing of some bytes, or nothing: what decoding has to agree with. */
function isCanonical(text: string): boolean {
  return text !== '' && Buffer.from(text, 'base64url').toString('base64url') === text;
}

describe('decodeBase64Url', () => {
  it('gives the bytes of whatever Node has encoded', () => {
    for (let length = 1; length <= 100; length += 1) {
      const bytes = randomBytes(length);

      expect(decodeBase64Url(bytes.toString('base64url'))).toEqual(bytes);
    }
  });

  it('takes exactly the canonical ones of all texts of one and two characters, and of three by their last two', () => {
    const one = [...alphabet];
    const two = one.flatMap((first) => one.map((second) => first + second));
    const three = two.map((pair) => `k${pair}`);
    const wrong = [...one, ...two, ...three].filter(
      (text) => (decodeBase64Url(text) !== undefined) !== isCanonical(text),
    );

    expect(wrong).toEqual([]);
  });

  it('takes exactly the alphabet out of all of Latin-1', () => {
    const taken = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
      (character) => decodeBase64Url(`AAA${character}`) !== undefined,
    );

    expect(taken.sort()).toEqual([...alphabet].sort());
  });

  it.each(['', 'A', 'AAAAA', 'AA==', 'AAA=', 'AAAA\n', '\nAAAA', 'AA AA', 'AB', 'AAB', 'AA\u0100A'])(
    'refuses %j',
    (text) => {
      expect(decodeBase64Url(text)).toBeUndefined();
    },
  );
});
