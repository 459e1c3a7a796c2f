import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { IntrospectionCache } from '../../../src/token/introspection-cache.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { ManualClock } from '../../support/manual-clock.js';
import { outcomeOf } from '../../support/outcome.js';
import { PendingStatusSource } from '../../support/pending-status-source.js';

function setUp(acceptedAgeSeconds = 0, maxAnswers?: number) {
  const clock = new ManualClock();
  const issuer = new PendingStatusSource();
  const introspectionCache = new IntrospectionCache(clock, acceptedAgeSeconds * 1_000, maxAnswers);
  const ask = (text: string, answersBefore = introspectionCache.answerCount): Promise<JsonObject | null> =>
    introspectionCache.ask({ text, claims: null, statusSource: issuer, answersBefore });
  /** Introspects a token, which the issuer confirms at once. */
  const askAndAnswer = async (token: string): Promise<JsonObject | null> => {
    const asked = ask(token);
    issuer.answer({ sub: token });
    return asked;
  };
  return { clock, issuer, introspectionCache, ask, askAndAnswer };
}

describe('the introspection of a token', () => {
  it('makes one call for concurrent requests with the same token', async () => {
    const { issuer, ask } = setUp();
    const asked = Array.from({ length: 1_000 }, () => ask('a'));
    expect(issuer.asked).toEqual(['a']);

    issuer.answer({ sub: 'alice' });
    expect(new Set(await Promise.all(asked))).toEqual(new Set([{ sub: 'alice' }]));
  });

  it('makes a separate call for each token', async () => {
    const { issuer, ask } = setUp();
    const asked = ['a', 'b', 'a '].map((token) => ask(token));
    expect(issuer.asked).toEqual(['a', 'b', 'a ']);

    for (const sub of ['alice', 'bob', 'carol']) issuer.answer({ sub });
    expect(await Promise.all(asked)).toEqual([{ sub: 'alice' }, { sub: 'bob' }, { sub: 'carol' }]);
  });

  it('makes a new call for a request after the response', async () => {
    const { issuer, askAndAnswer } = setUp();
    await askAndAnswer('a');
    await askAndAnswer('a');

    expect(issuer.asked).toEqual(['a', 'a']);
  });

  it('counts for requests that began before the call, although they ask later', async () => {
    const { clock, issuer, introspectionCache, ask, askAndAnswer } = setUp();
    const answersBefore = introspectionCache.answerCount;
    await askAndAnswer('a');
    expect(await ask('a', answersBefore)).toEqual({ sub: 'a' });
    expect(issuer.asked).toEqual(['a']);

    clock.advanceSeconds(5);
    const late = ask('a', answersBefore);
    expect(issuer.asked).toEqual(['a', 'a']);
    issuer.fail(RefusalError.token('revoked', 'it is'));
    expect(await outcomeOf(late)).toBe('INVALID_TOKEN revoked');
    expect(await outcomeOf(ask('a', answersBefore))).toBe('INVALID_TOKEN revoked');
    expect(issuer.asked).toEqual(['a', 'a']);
    expect(await askAndAnswer('a')).toEqual({ sub: 'a' });
  });

  it.each([
    ['refuses the token', RefusalError.token('revoked', 'it is'), 'INVALID_TOKEN revoked'],
    ['is in trouble', new AuthUnavailableError('it is', 1), 'SERVER_ERROR'],
  ])('is shared by all waiting requests when it %s, and with no later ones', async (_, error, outcome) => {
    const { issuer, ask, askAndAnswer } = setUp(60);
    const asked = [ask('a'), ask('a')].map(outcomeOf);
    issuer.fail(error);

    expect(await Promise.all(asked)).toEqual([outcome, outcome]);
    expect(issuer.asked).toEqual(['a']);
    expect(await askAndAnswer('a')).toEqual({ sub: 'a' });
  });
});

describe('a response', () => {
  it('is used for as long as the app configures, from the start of the call', async () => {
    const { clock, issuer, ask, askAndAnswer } = setUp(30);
    const asked = ask('a');
    clock.advanceSeconds(10);
    issuer.answer({ sub: 'a' });
    await asked;

    clock.advanceSeconds(19);
    expect(await ask('a')).toEqual({ sub: 'a' });
    expect(issuer.asked).toHaveLength(1);
    clock.advanceSeconds(1);
    await askAndAnswer('a');
    expect(issuer.asked).toHaveLength(2);
  });

  it('may confirm the token without claims', async () => {
    const { issuer, ask } = setUp(30);
    const asked = ask('a');
    issuer.answer(null);

    expect(await asked).toBeNull();
    expect(await ask('a')).toBeNull();
    expect(issuer.asked).toHaveLength(1);
  });

  it('is not used when the clock was set back since', async () => {
    const { clock, issuer, askAndAnswer } = setUp(30);
    await askAndAnswer('a');
    clock.advanceSeconds(-3_600);
    await askAndAnswer('a');

    expect(issuer.asked).toHaveLength(2);
  });

  it('is removed for newer ones, and when it is too old', async () => {
    const { clock, issuer, introspectionCache, askAndAnswer } = setUp(30, 3);
    for (const token of ['a', 'b', 'c', 'd']) await askAndAnswer(token);
    expect(introspectionCache.size).toBe(3);

    await askAndAnswer('a');
    expect(issuer.asked).toEqual(['a', 'b', 'c', 'd', 'a']);
    clock.advanceSeconds(30);
    await askAndAnswer('e');
    expect(introspectionCache.size).toBe(1);
  });
});
