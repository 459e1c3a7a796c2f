import { describe, expect, it } from 'vitest';
import type { AttemptCounter } from '../../../src/issuing/attempt-store.js';
import { GuessingLimits } from '../../../src/accounts/guessing-limits.js';
import { MemoryAttemptStore } from '../../../src/issuing/memory-attempt-store.js';
import { MemoryOneTimeCodeStore } from '../../../src/issuing/memory-one-time-code-store.js';
import { OneTimeCodes } from '../../../src/accounts/one-time-codes.js';
import { RefusalError } from '../../../src/errors/auth-error.js';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { ManualClock } from '../../support/manual-clock.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

/** Shows what is stored. */
class WatchedStore extends MemoryAttemptStore {
  readonly keys = new Set<string>();
  recordedNetworks = 0;

  override take(counters: readonly AttemptCounter[], now: Date): Promise<Date | null> {
    for (const { key } of counters) this.keys.add(key);
    return super.take(counters, now);
  }

  override rememberNetwork(login: string, network: string, expiresAt: Date): Promise<void> {
    this.recordedNetworks += 1;
    for (const key of [login, network]) this.keys.add(key);
    return super.rememberNetwork(login, network, expiresAt);
  }
}

function setUp() {
  const clock = new ManualClock();
  const store = new WatchedStore();
  const limits = new GuessingLimits({ store, encryptionKeys: EncryptionKeys.random(), clock });
  const fail = (login: string, network: string | null = home) => outcomeOf(limits.begin(login, network));
  const failOften = async (times: number, attempt: (at: number) => Promise<string>) => {
    for (let at = 0; at < times; at += 1) expect(await attempt(at)).toBe('accepted');
  };
  return { clock, store, limits, fail, failOften };
}

const home = '192.0.2.1';
const networkOf = (number: number): string => `198.51.100.${number}`;
const tooMany = 'TOO_MANY_ATTEMPTS';

describe('guessing', () => {
  it('is refused after 10 failures of a login and a network within 15 minutes', async () => {
    const { clock, limits, fail, failOften } = setUp();
    await failOften(5, () => fail('ada'));
    clock.advanceSeconds(60.2);
    await failOften(5, () => fail('ada'));
    const error = await errorOf(limits.begin('ada', home));
    expect(error).toMatchObject({ code: tooMany, retryAfterSeconds: 840 });
    expect(error?.explanation).not.toMatch(/ada|192/);
    await failOften(10, () => fail('ada', networkOf(1)));
    await failOften(10, () => fail('bob'));
    clock.advanceSeconds(839.7);
    expect(await errorOf(limits.begin('ada', home))).toMatchObject({ code: tooMany, retryAfterSeconds: 1 });
    clock.advanceSeconds(0.1);
    await failOften(5, () => fail('ada'));
    expect(await fail('ada')).toBe(tooMany);
  });

  it('is refused after 100 failures of a network within 15 minutes, for any login', async () => {
    const { clock, fail, failOften } = setUp();
    await failOften(100, (at) => fail(`login ${at}`));
    expect(await fail('ada')).toBe(tooMany);
    expect(await fail('ada', networkOf(1))).toBe('accepted');
    clock.advanceSeconds(900);
    expect(await fail('ada')).toBe('accepted');
  });

  it('is refused after 100 failures of a login within an hour, from any network', async () => {
    const { clock, limits, fail, failOften } = setUp();
    await failOften(100, (at) => fail('ada', networkOf(at)));
    clock.advanceSeconds(3_599);
    expect(await errorOf(limits.begin('ada', home))).toMatchObject({ code: tooMany, retryAfterSeconds: 1 });
    expect(await fail('bob')).toBe('accepted');
    clock.advanceSeconds(1);
    expect(await fail('ada')).toBe('accepted');
  });

  it('leaves a network from which the account signed in within 30 days 10 failures of its own', async () => {
    const { clock, limits, fail, failOften } = setUp();
    await limits.noteSignIn('ada', home);
    clock.advanceSeconds(86_400 * 30 - 1);
    await failOften(100, (at) => fail('ada', networkOf(at)));
    await failOften(100, (at) => fail(`login ${at}`));
    expect(await fail('bob')).toBe(tooMany);
    expect(await fail('ada', networkOf(200))).toBe(tooMany);
    await failOften(10, () => fail('ada'));
    expect(await fail('ada')).toBe(tooMany);
    clock.advanceSeconds(900);
    await failOften(100, (at) => fail(`login ${at}`));
    expect(await fail('ada'), 'is an unknown network by then').toBe(tooMany);
  });

  it('records the network of an account once a day, and knows it for 30 days from then', async () => {
    const { clock, store, limits, failOften } = setUp();
    const signIn = async (): Promise<void> => {
      await (await limits.begin('ada', home)).giveBack();
      await limits.noteSignIn('ada', home);
    };
    await signIn();
    await signIn();
    clock.advanceSeconds(86_399);
    await signIn();
    expect(store.recordedNetworks).toBe(1);
    clock.advanceSeconds(1);
    await signIn();
    await signIn();
    expect(store.recordedNetworks).toBe(2);
    clock.advanceSeconds(30 * 86_400 - 1);
    await failOften(100, (at) => outcomeOf(limits.begin(`guess ${at}`, home)));
    expect(await outcomeOf(limits.begin('ada', home))).toBe('accepted');
    clock.advanceSeconds(1);
    expect(await outcomeOf(limits.begin('ada', home))).toBe(tooMany);
  });

  it('records a network again that was forgotten between two sign-ins', async () => {
    const { store, limits } = setUp();
    await limits.noteSignIn('ada', home);
    await limits.begin('ada', home);
    await limits.noteSignIn('ada', home);
    await limits.noteSignIn('ada', home);
    expect(store.recordedNetworks).toBe(2);
  });

  it('lets 10 of 100 at once pass', async () => {
    const { fail } = setUp();
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => fail('ada')));
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(10);
  });

  it('counts no attempt that was given back, once each', async () => {
    const { clock, limits, fail, failOften } = setUp();
    for (let round = 0; round < 150; round += 1) {
      const attempt = await limits.begin('ada', home);
      clock.advanceSeconds(0.01);
      await attempt.giveBack();
      await attempt.giveBack();
    }
    const [first] = await Promise.all([limits.begin('ada', home), limits.begin('ada', home)]);
    for (let round = 0; round < 3; round += 1) await first.giveBack();
    await failOften(9, () => fail('ada'));
    expect(await fail('ada')).toBe(tooMany);
    await failOften(90, (at) => fail(`login ${at}`));
    expect(await fail('bob')).toBe(tooMany);
  });

  it('counts callers of an unknown network together', async () => {
    const { fail, failOften } = setUp();
    await failOften(10, () => fail('ada', null));
    expect(await fail('ada', null)).toBe(tooMany);
    await failOften(90, (at) => fail(`login ${at}`, null));
    expect(await fail('bob', null)).toBe(tooMany);
  });
});

describe('mails', () => {
  it('are one a minute and five an hour to one address', async () => {
    const { clock, limits } = setUp();
    const sent: number[] = [];
    for (let second = 0; second <= 3_660; second += 30) {
      if (await limits.takeMail('ada@x', networkOf(second / 30))) sent.push(second);
      clock.advanceSeconds(30);
    }
    expect(sent).toEqual([0, 60, 120, 180, 240, 3_600, 3_660]);
    expect(await limits.takeMail('bob@x', home)).toBe(true);
  });

  it('are 30 an hour from one network', async () => {
    const { clock, limits } = setUp();
    const take = async () => {
      const outcomes = await Promise.all(Array.from({ length: 40 }, (_, at) => limits.takeMail(`${at}@x`, home)));
      return outcomes.filter((isSent) => isSent).length;
    };
    expect(await take()).toBe(30);
    clock.advanceSeconds(3_599);
    expect(await take()).toBe(0);
    expect(await limits.takeMail('ada@x', networkOf(1))).toBe(true);
    clock.advanceSeconds(1);
    expect(await take()).toBe(30);
  });
});

describe('new accounts', () => {
  it.each(['sign-up', 'anonymous'] as const)('by %s are 30 an hour from one network', async (route) => {
    const { clock, limits } = setUp();
    for (let round = 0; round < 30; round += 1) await limits.takeNewAccount(route, home);
    clock.advanceSeconds(600);
    expect(await errorOf(limits.takeNewAccount(route, home))).toMatchObject({
      code: tooMany,
      retryAfterSeconds: 3_000,
    });
    expect(await outcomeOf(limits.takeNewAccount(route === 'sign-up' ? 'anonymous' : 'sign-up', home))).toBe(
      'accepted',
    );
    expect(await outcomeOf(limits.takeNewAccount(route, networkOf(1)))).toBe('accepted');
    clock.advanceSeconds(3_000);
    expect(await outcomeOf(limits.takeNewAccount(route, home))).toBe('accepted');
  });
});

describe('what is stored', () => {
  it('is neither an address nor a network, nor a hash that can be found without the key', async () => {
    const [one, other] = [setUp(), setUp()];
    for (const { limits } of [one, other]) {
      await limits.begin('ada@x', home);
      await limits.takeMail('ada@x', home);
      await limits.takeNewAccount('sign-up', home);
      await limits.noteSignIn('ada@x', home);
    }
    expect(one.store.keys.size).toBe(9);
    for (const key of one.store.keys) expect(key).toMatch(/^[\w-]{43}$/);
    expect([...one.store.keys].filter((key) => other.store.keys.has(key))).toEqual([]);
  });
});

describe('a store that does not answer', () => {
  const failing = () => Promise.reject(new Error('no route to db:secret@host'));
  const parts = { encryptionKeys: EncryptionKeys.random(), clock: new ManualClock() };
  const faultOf = async (call: () => Promise<unknown>) => {
    const error = await errorOf(call);
    expect(error).not.toBeInstanceOf(RefusalError);
    return `${error?.code} ${error?.explanation}`;
  };

  it('lets nothing pass uncounted', async () => {
    const store = Object.assign(new MemoryAttemptStore(), { take: failing, rememberNetwork: failing });
    const limits = new GuessingLimits({ store, ...parts });
    const calls = [
      () => limits.begin('ada', home),
      () => limits.takeMail('ada@x', home),
      () => limits.takeNewAccount('anonymous', home),
      () => limits.noteSignIn('ada', home),
    ];
    for (const call of calls) {
      expect(await faultOf(call)).toBe('SERVER_ERROR The store of the counts of failures does not answer');
    }
  });

  it('refuses no code', async () => {
    const store = Object.assign(new MemoryOneTimeCodeStore(), {
      create: failing,
      findByLink: failing,
      findBySubject: failing,
    });
    const codes = new OneTimeCodes({ store, ...parts });
    const calls = [
      () => codes.issue({ purpose: 'magic-link', subject: 'ada@x' }),
      () => codes.findByLink('goc_AAAAAAAAAAAAAAAAAAAAAA', 'magic-link'),
      () => codes.findByTyped('123456', 'ada@x', 'magic-link'),
    ];
    for (const call of calls) {
      expect(await faultOf(call)).toBe('SERVER_ERROR The store of the one-time codes does not answer');
    }
  });
});
