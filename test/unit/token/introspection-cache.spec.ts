import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { IntrospectionCache } from '../../../src/token/introspection-cache.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { ManualTimer } from '../../support/manual-timer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { outcomeOf } from '../../support/outcome.js';
import { PendingStatusSource } from '../../support/pending-status-source.js';

function setUp(acceptedAgeSeconds = 0, maxAnswers?: number) {
  const clock = new ManualClock();
  const issuer = new PendingStatusSource();
  const timer = new ManualTimer();
  const introspectionCache = new IntrospectionCache(clock, acceptedAgeSeconds * 1_000, maxAnswers, timer);
  interface Request {
    readonly callsBefore?: number;
    readonly network?: string | null;
    readonly isVerified?: boolean;
  }
  const ask = (text: string, { network = null, isVerified = false, ...arrived }: Request = {}) =>
    introspectionCache.ask({
      text,
      claims: null,
      statusSource: issuer,
      arrival: { callsBefore: introspectionCache.callCount, findNetwork: () => network, ...arrived },
      isVerified,
    });
  /** Introspects a token, which the issuer confirms at once. */
  const askAndAnswer = async (token: string): Promise<JsonObject | null> => {
    const asked = ask(token);
    issuer.answer({ sub: token });
    return asked;
  };
  return { clock, timer, issuer, introspectionCache, ask, askAndAnswer };
}

/** Lets the requests that wait for a call make the next one. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the introspection of a token', () => {
  it('makes one call for all requests with the same token that came before it began', async () => {
    const { issuer, ask } = setUp();
    const first = ask('a');
    const others = Array.from({ length: 1_000 }, () => ask('a'));
    expect(issuer.asked).toEqual(['a']);
    issuer.answer({ sub: 'alice', number: 1 });
    expect(await first).toEqual({ sub: 'alice', number: 1 });
    await turn();
    expect(issuer.asked).toEqual(['a', 'a']);
    issuer.answer({ sub: 'alice', number: 2 });
    expect(new Set(await Promise.all(others))).toEqual(new Set([{ sub: 'alice', number: 2 }]));
  });

  it('does not let a request join a call that began before it came: the token may have been revoked in between', async () => {
    const { issuer, ask } = setUp();
    const before = ask('a');
    const after = outcomeOf(ask('a'));
    issuer.answer({ sub: 'alice' });
    expect(await before).toEqual({ sub: 'alice' });
    await turn();
    issuer.fail(RefusalError.token('revoked', 'it is'));
    expect(await after).toBe('INVALID_TOKEN revoked');
  });

  it('lets a request join it where the app accepts an answer that is older', async () => {
    const { issuer, ask } = setUp(30);
    const asked = [ask('a'), ask('a')];
    issuer.answer({ sub: 'alice' });
    expect(await Promise.all(asked)).toEqual([{ sub: 'alice' }, { sub: 'alice' }]);
    expect(issuer.asked).toEqual(['a']);
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

  it('counts for requests that came before the call began, although they ask later', async () => {
    const { clock, issuer, introspectionCache, ask, askAndAnswer } = setUp();
    const callsBefore = introspectionCache.callCount;
    await askAndAnswer('a');
    expect(await ask('a', { callsBefore })).toEqual({ sub: 'a' });
    expect(issuer.asked).toEqual(['a']);

    clock.advanceSeconds(5);
    const late = ask('a', { callsBefore });
    expect(issuer.asked).toEqual(['a', 'a']);
    issuer.fail(RefusalError.token('revoked', 'it is'));
    expect(await outcomeOf(late)).toBe('INVALID_TOKEN revoked');
    expect(await outcomeOf(ask('a', { callsBefore }))).toBe('INVALID_TOKEN revoked');
    expect(issuer.asked).toEqual(['a', 'a']);
    expect(await askAndAnswer('a')).toEqual({ sub: 'a' });
  });

  it.each([
    ['refuses the token', RefusalError.token('revoked', 'it is'), 'INVALID_TOKEN revoked', 60],
    ['is in trouble', new AuthUnavailableError('it is', 1), 'SERVER_ERROR', 60],
    ['is in trouble, although a new call would be due', new AuthUnavailableError('it is', 1), 'SERVER_ERROR', 0],
  ])('is shared by all waiting requests when it %s, and with no later ones', async (_, error, outcome, seconds) => {
    const { issuer, ask, askAndAnswer } = setUp(seconds);
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

describe('memory', () => {
  it('contains no token, and loses refusals by a timer', async () => {
    const { clock, timer, issuer, introspectionCache, ask } = setUp(60);
    for (const token of ['good', 'junk']) {
      const asked = outcomeOf(ask(token));
      if (token === 'good') issuer.answer({ sub: 'alice' });
      else issuer.fail(RefusalError.token('revoked', 'it is'));
      await asked;
    }
    expect(inspect(introspectionCache, { depth: 10, showHidden: true })).not.toMatch(/good|junk/);
    expect(introspectionCache.size).toBe(2);
    clock.advanceSeconds(5);
    timer.ring();
    expect(introspectionCache.size).toBe(1);
    clock.advanceSeconds(55);
    timer.ring();
    expect([introspectionCache.size, timer.delayMs]).toEqual([0, null]);
  });

  it('is emptied when the app stops', async () => {
    const { timer, introspectionCache, askAndAnswer } = setUp(60);
    await askAndAnswer('a');
    introspectionCache.close();
    expect([introspectionCache.size, timer.delayMs]).toEqual([0, null]);
  });
});

describe('many unknown tokens', () => {
  const junk = (
    ask: (text: string, request?: { network: string }) => Promise<unknown>,
    number: number,
  ): Promise<string>[] =>
    Array.from({ length: number }, (_, at) => outcomeOf(ask(`junk ${at}`, { network: 'the stranger' })));

  it('of one network do not delay those of another by more than one call', async () => {
    const { issuer, ask } = setUp();
    const flood = junk(ask, 500);
    expect(issuer.asked).toHaveLength(48);
    const good = outcomeOf(ask('good', { network: 'a user' }));
    issuer.fail(RefusalError.token('revoked', 'it is junk'));
    await turn();
    issuer.fail(RefusalError.token('revoked', 'it is junk'));
    await turn();
    expect(issuer.asked.slice(48)).toContain('good');
    while (issuer.asked.length < 501) {
      issuer.fail(RefusalError.token('revoked', 'it is junk'));
      await turn();
    }
    for (let at = 0; at < 48; at += 1) issuer.fail(RefusalError.token('revoked', 'it is junk'));
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['INVALID_TOKEN revoked']));
    expect(await good).toBe('INVALID_TOKEN revoked');
  });

  it('are refused with an outage where more than 500 of one network wait', async () => {
    const { ask } = setUp();
    const flood = junk(ask, 48 + 501);
    expect(await flood.at(-1)).toBe('SERVER_ERROR');
  });

  it('do not delay tokens that are known: verified by signature, or confirmed before', async () => {
    const { issuer, ask, askAndAnswer } = setUp();
    await askAndAnswer('confirmed');
    void junk(ask, 100);
    void ask('confirmed');
    void ask('signed', { isVerified: true });
    expect(issuer.asked.slice(-2)).toEqual(['confirmed', 'signed']);
    expect(issuer.about.slice(-2)).toEqual([{ isKnown: true }, { isKnown: true }]);
    expect(issuer.about.at(-3)).toEqual({ isKnown: false });
  });
});
