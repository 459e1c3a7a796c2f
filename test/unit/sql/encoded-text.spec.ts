import { describe, expect, it } from 'vitest';
import { decodeText, encodeText } from '../../../src/sql/encoded-text.js';

describe('a text for the database', () => {
  it.each([
    ['https://issuer.example|alice', 'https://issuer.example|alice'],
    ['🐈 ä\n', '🐈 ä\n'],
    ['a\0b', 'a\\u0000b'],
    ['a\\0b', 'a\\\\0b'],
    ['\\u0000', '\\\\u0000'],
    ['\ud83d', '\\ud83d'],
    ['\udc08\ud83d', '\\udc08\\ud83d'],
  ])('%j is written as %j, and read again', (text, written) => {
    expect(encodeText(text)).toBe(written);
    expect(decodeText(written)).toBe(text);
  });
});
