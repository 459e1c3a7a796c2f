import { describe, expect, it } from 'vitest';
import { ConfigurationError, AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { UpstreamFailure } from '../../../src/upstream/upstream-failure.js';
import { openService, settle, TableSource, userOf } from '../../support/opened-profiles.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const down = new UpstreamFailure('status', 'api.example answered with status 503', 503);

describe('while the provider is down', () => {
  it('cached profiles stay in use, for their time', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice'));
    source.trouble = down;
    for (const seconds of [60, 300, 299]) {
      clock.advanceSeconds(seconds);
      expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'stale' });
      await settle();
    }
    clock.advanceSeconds(1);

    expect(await outcomeOf(service.get(userOf('alice')))).toBe('SERVER_ERROR');
  });

  it('it is called for a cached user every five seconds, not at each look-up', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice'));
    source.trouble = down;
    clock.advanceSeconds(60);
    for (let look = 0; look < 100; look += 1) {
      await service.get(userOf('alice'));
      await settle();
      clock.advanceSeconds(0.1);
    }

    expect(source.questions).toHaveLength(1 + 2);
  });

  it('it is called again after that, and its response is used', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice'));
    source.trouble = down;
    clock.advanceSeconds(60);
    await service.get(userOf('alice'));
    await settle();
    source.trouble = undefined;
    source.users['alice'] = { displayName: 'Alicia' };
    clock.advanceSeconds(5);
    await service.get(userOf('alice'));
    await settle();

    expect(await service.lookUp(userOf('alice'))).toMatchObject({
      freshness: 'cached',
      profile: { displayName: 'Alicia' },
    });
  });

  it('the outage is reported once at its start and once at its end', async () => {
    const source = new TableSource({ alice: {}, bob: {}, eve: {} });
    const { service, clock, events } = openService({ joe: source });
    source.trouble = down;
    for (const id of ['alice', 'bob', 'eve', 'alice']) await errorOf(service.get(userOf(id)));
    expect(events).toEqual([
      {
        type: 'outage-began',
        what: 'the profiles of joe',
        problem: 'api.example answered with status 503',
        consequence: 'Cached profiles stay in use for their time, other look-ups fail with SERVER_ERROR',
      },
    ]);
    clock.advanceSeconds(30);
    source.trouble = undefined;
    await service.get(userOf('alice'));
    await service.get(userOf('bob'));

    expect(events.slice(1)).toEqual([{ type: 'outage-ended', what: 'the profiles of joe', lastedSeconds: 30 }]);
  });

  it('a provider that fails now and then is reported once a minute', async () => {
    const source = new TableSource();
    const { service, events, clock } = openService({ joe: source }, { cache: false });
    for (let second = 0; second < 120; second += 1) {
      source.trouble = second % 2 === 0 ? down : undefined;
      await errorOf(service.get(userOf('alice')));
      clock.advanceSeconds(1);
    }

    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended', 'outage-began', 'outage-ended']);
  });
});

describe('an error of a source', () => {
  it.each([
    ['a failed call', down, 5, 'api.example answered with status 503'],
    [
      'a failed call with a retry time',
      new UpstreamFailure('rate-limited', 'slow down', 429, { retryAfterSeconds: 42 }),
      42,
      'slow down',
    ],
    ['a fault', new AuthUnavailableError('its answer has another shape', 9), 9, 'its answer has another shape'],
    ['any other error', new TypeError('token eyJ…'), 5, 'the call threw TypeError'],
    ['a thrown value that is not an error', 'eyJ…', 5, 'the call threw something'],
  ])('is SERVER_ERROR when it is %s', async (_, trouble, retryAfterSeconds, explanation) => {
    const source = new TableSource();
    const { service } = openService({ joe: source });
    source.trouble = trouble;

    const error = await errorOf(service.get(userOf('alice')));
    expect(error).toMatchObject({ code: 'SERVER_ERROR', retryAfterSeconds });
    expect(error?.explanation).toContain(explanation);
    expect(`${String(error?.message)} ${String(error?.explanation)}`).not.toContain('eyJ');
  });

  it('is passed on when it is a refusal, which is not an outage', async () => {
    const source = new TableSource();
    const { service, events } = openService({ joe: source });
    source.trouble = RefusalError.token('expired', 'the provider says so');

    expect(await outcomeOf(service.get(userOf('alice')))).toBe('INVALID_TOKEN expired');
    expect(events).toEqual([]);
    expect(service.counters()).toMatchObject({ calls: 1, failures: 0 });
  });

  it('is passed on when it is a ConfigurationError', async () => {
    const source = new TableSource();
    const { service } = openService({ joe: source });
    source.trouble = new ConfigurationError('stackAuth({ secretServerKey })', 'it is refused', 'Write the right one');

    expect(await outcomeOf(service.get(userOf('alice')))).toBe('CONFIGURATION_ERROR');
  });

  it('that is thrown synchronously is handled alike', async () => {
    const { service } = openService({
      joe: {
        get: () => {
          throw new Error('boom');
        },
      },
    });

    expect(await outcomeOf(service.get(userOf('alice')))).toBe('SERVER_ERROR');
  });

  it('names the invalid field of a profile', async () => {
    const source = new TableSource({ alice: { primaryEmail: 7 as unknown as string } });
    const { service, events } = openService({ joe: source });

    expect(await outcomeOf(service.get(userOf('alice')))).toBe('SERVER_ERROR');
    expect(events).toMatchObject([
      { problem: expect.stringContaining('a profile with an invalid primaryEmail') as unknown },
    ]);
  });

  it('during a refresh does not affect look-ups of the cached profile', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice'));
    source.trouble = RefusalError.token('expired', 'the provider says so');
    clock.advanceSeconds(60);
    expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'stale' });
    await settle();
    expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'stale' });
  });

  it.each(['in memory', 'in a store too'])('removes the cached profile %s when the user was deleted', async (place) => {
    const source = new TableSource();
    const options = place === 'in memory' ? {} : { store: new Map<string, unknown>() };
    const { service, clock } = openService({ joe: source }, options);
    await service.get(userOf('alice'));
    await settle();
    source.trouble = RefusalError.token('revoked', 'the provider says so');
    clock.advanceSeconds(60);
    expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'stale' });
    await settle();

    expect(await outcomeOf(service.get(userOf('alice')))).toBe('INVALID_TOKEN revoked');
    source.trouble = undefined;
    expect(await service.lookUp(userOf('alice', { token: 't2' }))).toMatchObject({ freshness: 'fresh' });
  });

  it('during a refresh is not retried at once when a store has the profile', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source }, { store: new Map<string, unknown>() });
    await service.get(userOf('alice'));
    await settle();
    source.trouble = new AuthUnavailableError('down', 7);
    clock.advanceSeconds(60);
    for (const seconds of [1, 1, 1]) {
      expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'stale' });
      await settle();
      clock.advanceSeconds(seconds);
    }

    expect(source.questions).toHaveLength(2);
  });
});
