import { describe, expect, it } from 'vitest';
import { ScratchBytes } from '../../../src/token/base64url.js';

describe('ScratchBytes', () => {
  it('has the bytes that a new buffer would have, for consecutive texts of every length', () => {
    const scratch = new ScratchBytes(300);
    // Also lengths beyond the capacity, and lengths that share a cached view, which must not be confused.
    const lengths = [...Array.from({ length: 400 }, (_, at) => at), 1, 65, 129, 65, 1, 0, 300, 301];
    for (const length of lengths) {
      const text = Array.from({ length }, (_, at) => String.fromCharCode(65 + ((at + length) % 26))).join('');
      expect(scratch.write(text, 'latin1').equals(Buffer.from(text, 'latin1'))).toBe(true);
      expect(scratch.write(text, 'base64url').equals(Buffer.from(text, 'base64url'))).toBe(true);
    }
  });
});
