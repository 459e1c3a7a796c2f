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
  const ask = (text: string, cameAt = introspectionCache.answered): Promise<JsonObject | null> =>
    introspectionCache.ask({ text, claims: null, statusSource: issuer, cameAt });
  /** Asks, and has the issuer answer at once. */
  const askAndAnswer = async (token: string): Promise<JsonObject | null> => {
    const asked = ask(token);
    issuer.answer({ sub: token });
    return asked;
  };
  return { clock, issuer, introspectionCache, ask, askAndAnswer };
}

describe('an issuer that is asked about tokens', () => {
  it('is asked once by all who ask about one token at once', async () => {
    const { issuer, ask } = setUp();
    const asked = Array.from({ length: 1_000 }, () => ask('a'));
    expect(issuer.asked).toEqual(['a']);

    issuer.answer({ sub: 'alice' });
    expect(new Set(await Promise.all(asked))).toEqual(new Set([{ sub: 'alice' }]));
  });

  it('is asked about each token by itself', async () => {
    const { issuer, ask } = setUp();
    const asked = ['a', 'b', 'a '].map((token) => ask(token));
    expect(issuer.asked).toEqual(['a', 'b', 'a ']);

    for (const sub of ['alice', 'bob', 'carol']) issuer.answer({ sub });
    expect(await Promise.all(asked)).toEqual([{ sub: 'alice' }, { sub: 'bob' }, { sub: 'carol' }]);
  });

  it('is asked again by whoever comes when it has answered', async () => {
    const { issuer, askAndAnswer } = setUp();
    await askAndAnswer('a');
    await askAndAnswer('a');

    expect(issuer.asked).toEqual(['a', 'a']);
  });

  it('has been asked for those who came before it was, although they ask late', async () => {
    const { clock, issuer, introspectionCache, ask, askAndAnswer } = setUp();
    const cameAt = introspectionCache.answered;
    await askAndAnswer('a');
    expect(await ask('a', cameAt)).toEqual({ sub: 'a' });
    expect(issuer.asked).toEqual(['a']);

    clock.advanceSeconds(5);
    const late = ask('a', cameAt);
    expect(issuer.asked).toEqual(['a', 'a']);
    issuer.fail(RefusalError.token('revoked', 'it is'));
    expect(await outcomeOf(late)).toBe('INVALID_TOKEN revoked');
    expect(await outcomeOf(ask('a', cameAt))).toBe('INVALID_TOKEN revoked');
    expect(issuer.asked).toEqual(['a', 'a']);
    expect(await askAndAnswer('a')).toEqual({ sub: 'a' });
  });

  it.each([
    ['refuses the token', RefusalError.token('revoked', 'it is'), 'INVALID_TOKEN revoked'],
    ['is in trouble', new AuthUnavailableError('it is', 1), 'SERVER_ERROR'],
  ])('tells it to all who wait when it %s, and to anonymousCaller after them', async (_, error, outcome) => {
    const { issuer, ask, askAndAnswer } = setUp(60);
    const asked = [ask('a'), ask('a')].map(outcomeOf);
    issuer.fail(error);

    expect(await Promise.all(asked)).toEqual([outcome, outcome]);
    expect(issuer.asked).toEqual(['a']);
    expect(await askAndAnswer('a')).toEqual({ sub: 'a' });
  });
});

describe('an answer', () => {
  it('is taken for as long as the app takes it, counted from the question', async () => {
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

  it('may be that the issuer stands by the token as it is', async () => {
    const { issuer, ask } = setUp(30);
    const asked = ask('a');
    issuer.answer(null);

    expect(await asked).toBeNull();
    expect(await ask('a')).toBeNull();
    expect(issuer.asked).toHaveLength(1);
  });

  it('is not taken when the clock was put back since', async () => {
    const { clock, issuer, askAndAnswer } = setUp(30);
    await askAndAnswer('a');
    clock.advanceSeconds(-3_600);
    await askAndAnswer('a');

    expect(issuer.asked).toHaveLength(2);
  });

  it('makes room for newer ones, and goes when it is too old', async () => {
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
