import { Keyv } from 'keyv';
import { describe, expect, it } from 'vitest';
import { readProfileOptions } from '../../../src/profiles/profile-options.js';
import { configurationErrorOf } from '../../support/outcome.js';

describe('the options of profiles', () => {
  it('have defaults', () => {
    expect(readProfileOptions('profiles', {})).toEqual({
      freshMs: 60_000,
      usableMs: 660_000,
      notFoundMs: 10_000,
      maxEntries: 10_000,
      store: null,
    });
  });

  it('are returned as given', () => {
    const store = new Keyv();
    const given = {
      freshForSeconds: 1.5,
      staleForSeconds: 0,
      notFoundForSeconds: 0,
      maxEntries: 1,
      cache: true,
      store,
    };

    expect(readProfileOptions('profiles', given)).toEqual({
      freshMs: 1_500,
      usableMs: 1_500,
      notFoundMs: 0,
      maxEntries: 1,
      store,
    });
  });

  it('disable the cache with cache: false', () => {
    expect(readProfileOptions('profiles', { cache: false })).toMatchObject({ maxEntries: 0, store: null });
  });

  it.each([
    ['freshForSeconds', -1, 'from 0 to 86400'],
    ['freshForSeconds', '60', 'a number from'],
    ['staleForSeconds', 604_801, 'from 0 to 604800'],
    ['notFoundForSeconds', Number.NaN, 'from 0 to 3600'],
    ['maxEntries', 0, 'from 1 to 1000000'],
    ['maxEntries', 1.5, 'a whole number'],
    ['cache', 0, 'true or false'],
    ['store', {}, 'no get, set and delete'],
    ['store', null, 'no get, set and delete'],
    ['store', 'redis://user:secret@redis', 'no get, set and delete'],
    ['freshFor', 60, 'no option of this name'],
  ])('are refused with the problem: %s %o', (option, value, problem) => {
    const { path, message } = configurationErrorOf(() => readProfileOptions('profiles', { [option]: value }));

    expect(path).toBe(`profiles({ ${option} })`);
    expect(message).toContain(problem);
    expect(message).not.toContain('secret');
  });

  it.each([['freshForSeconds'], ['maxEntries'], ['store']])(
    'must not contradict each other: cache: false and %s',
    (option) => {
      const given = { cache: false, [option]: option === 'store' ? new Keyv() : 1 };

      expect(configurationErrorOf(() => readProfileOptions('profiles', given)).message).toBe(
        `profiles({ ${option} }): with cache: false nothing is cached. Leave out one of the two.`,
      );
    },
  );
});
