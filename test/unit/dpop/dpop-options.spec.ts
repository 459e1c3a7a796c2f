import { describe, expect, it } from 'vitest';
import { readDpopOptions } from '../../../src/dpop/dpop-options.js';

describe('the option dpop', () => {
  it.each([
    ['on', "AuthModule.forRoot({ dpop }): one of 'off', 'accept', 'require'"],
    [true, 'AuthModule.forRoot({ dpop }): an object'],
    [{}, 'forRoot({ dpop })({ mode })'],
    [{ mode: 'on' }, 'forRoot({ dpop })({ mode })'],
    [{ mode: 'accept', nonce: 'yes' }, '({ nonce })'],
    [{ mode: 'accept', nonceSecret: 'x'.repeat(64) }, 'there are no nonces to make from it'],
    [{ mode: 'accept', nonce: true, nonceSecret: 'c2hvcnQ=' }, 'at least 32 bytes'],
    [{ mode: 'accept', nonce: true, nonceSecret: 'not base64!'.repeat(8) }, 'at least 32 bytes'],
    [{ mode: 'accept', windowSeconds: 9 }, '({ windowSeconds })'],
    [{ mode: 'accept', window: 9 }, 'there is no option of this name'],
  ])('is refused when wrong: %j', (given, message) => {
    expect(() => readDpopOptions('AuthModule.forRoot({ dpop })', given)).toThrow(message);
  });
});
