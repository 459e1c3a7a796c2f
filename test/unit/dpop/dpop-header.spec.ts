import { describe, expect, it } from 'vitest';
import { readDpop } from '../../../src/dpop/dpop-scheme.js';

describe('Authorization: DPoP', () => {
  it.each([
    ['DPoP abc', ['abc']],
    ['dpop   abc ', ['abc']],
    ['DPoP', ['']],
    [' DPOP ', ['']],
    ['DPoP a b', ['a b']],
    ['DPoPabc', []],
    ['DPoP\tabc', []],
    ['Bearer DPoP', []],
    ['', []],
  ])('%j gives %j', (value, expected) => {
    expect(readDpop(value)).toEqual(expected);
  });

  // A regular expression with two unbounded parts needs minutes for these.
  it.each([
    ['blanks within', `DPoP a${' '.repeat(200_000)}b`],
    ['blanks and a line break', `DPoP${' '.repeat(200_000)}a\nb`],
    ['blanks alone', ' '.repeat(200_000)],
  ])('is read in one go with %s', (_what, value) => {
    expect(readDpop(value).length).toBeLessThan(2);
  });
});
