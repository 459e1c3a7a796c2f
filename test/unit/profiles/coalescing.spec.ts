import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { openService, settle, TableSource, userOf } from '../../support/opened-profiles.js';
import { outcomeOf } from '../../support/outcome.js';

const thousand = Array.from({ length: 1_000 });

describe.each([
  ['with a cache', {}],
  ['without', { cache: false }],
])('a thousand concurrent look-ups, %s', (_, options) => {
  it('make one call', async () => {
    const source = new TableSource();
    const { service } = openService({ joe: source }, options);
    source.hold();
    const answers = Promise.all(thousand.map(() => service.lookUp(userOf('alice'))));
    await settle();
    source.release();

    expect(new Set((await answers).map(({ freshness }) => freshness))).toEqual(new Set(['fresh']));
    expect(source.questions).toHaveLength(1);
    expect(service.counters()).toMatchObject({ lookUps: 1_000, coalesced: 999, calls: 1 });
  });

  it('share its failure', async () => {
    const source = new TableSource();
    const { service } = openService({ joe: source }, options);
    source.trouble = new Error('boom');
    const outcomes = await Promise.all(thousand.map(() => outcomeOf(service.get(userOf('alice')))));

    expect(new Set(outcomes)).toEqual(new Set(['SERVER_ERROR']));
    expect(source.questions).toHaveLength(1);
    expect(service.counters()).toMatchObject({ lookUps: 1_000, failures: 1, calls: 1 });
  });

  it('of two users make two calls', async () => {
    const source = new TableSource({ alice: {}, bob: {} });
    const { service } = openService({ joe: source }, options);
    const ids = (await Promise.all(thousand.map((__, at) => service.get(userOf(at % 2 === 0 ? 'alice' : 'bob'))))).map(
      ({ id }) => id,
    );

    expect(ids.slice(0, 4)).toEqual(['alice', 'bob', 'alice', 'bob']);
    expect(source.questions).toHaveLength(2);
  });
});

describe('a look-up that waits for a call with another token', () => {
  /** The provider refuses one token of the user, and accepts the other. */
  function openRefusing() {
    const source = new TableSource();
    const get = source.get.bind(source);
    source.get = async (user) => {
      const profile = await get(user);
      if (source.questions.at(-1)?.endsWith('by old') === true && source.questions.length === 1) {
        throw RefusalError.token('expired', 'The provider says that the token is over');
      }
      return profile;
    };
    return { source, ...openService({ joe: source }) };
  }

  it('uses its result', async () => {
    const source = new TableSource();
    const { service } = openService({ joe: source });
    await Promise.all(['old', 'new'].map((token) => service.get(userOf('alice', { token }))));

    expect(source.questions).toEqual(['get alice by old']);
  });

  it('is not refused with it', async () => {
    const { service, source } = openRefusing();
    const outcomes = ['old', 'new', 'new', 'old'].map((token) => outcomeOf(service.get(userOf('alice', { token }))));

    expect(await Promise.all(outcomes)).toEqual([
      'INVALID_TOKEN expired',
      'accepted',
      'accepted',
      'INVALID_TOKEN expired',
    ]);
    expect(source.questions).toEqual(['get alice by old', 'get alice by new']);
  });

  it('without a token, finds a profile that the other call did not return', async () => {
    const { service, source } = openRefusing();
    const outcomes = [outcomeOf(service.get(userOf('alice', { token: 'old' }))), outcomeOf(service.find('alice'))];

    expect(await Promise.all(outcomes)).toEqual(['INVALID_TOKEN expired', 'accepted']);
    expect(source.questions).toEqual(['get alice by old', 'find alice']);
  });

  it('shares a failure that has nothing to do with the token', async () => {
    const source = new TableSource();
    source.trouble = new AuthUnavailableError('down', 7);
    const { service } = openService({ joe: source });
    await Promise.all(['old', 'new'].map((token) => outcomeOf(service.get(userOf('alice', { token })))));

    expect(source.questions).toHaveLength(1);
  });
});
