import * as nodeRs from '@node-rs/argon2';
import { describe, expect, it, vi } from 'vitest';
import { PasswordHasher } from '../../../src/accounts/password-hasher.js';
import { withoutPackages as missing } from '../../support/password-packages.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

// Hashes are slow by intent, and slower while other tests occupy the cores.
vi.setConfig({ testTimeout: 30_000 });

const password = 'correct horse battery staple';
describe('The queue of hashes', () => {
  /** Counts the real hashes that are computed at once. */
  function counted() {
    const seen = { now: 0, most: 0 };
    const hashRaw: typeof nodeRs.hashRaw = async (...given) => {
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      return await nodeRs.hashRaw(...given).finally(() => {
        seen.now -= 1;
      });
    };
    return { seen, packages: { ...missing, argon2: async () => ({ ...nodeRs, hashRaw }) } };
  }

  it('computes at most so many at once', async () => {
    const { seen, packages } = counted();
    const limited = new PasswordHasher({ mostAtOnce: 2, packages });

    await Promise.all(Array.from({ length: 12 }, () => limited.hash(password)));
    expect(seen).toEqual({ now: 0, most: 2 });
  });

  it('leaves a thread of the pool free, and never computes more than four', async () => {
    const { seen, packages } = counted();
    const usual = new PasswordHasher({ packages });

    await Promise.all(Array.from({ length: 12 }, () => usual.hash(password)));
    expect(seen.most).toBeGreaterThanOrEqual(1);
    expect(seen.most).toBeLessThanOrEqual(3);
  });

  it('answers 503 to those for which there is no room', async () => {
    const limited = new PasswordHasher({ mostAtOnce: 1, mostWaiting: 3 });
    await limited.hash(password);

    const outcomes = await Promise.all(Array.from({ length: 10 }, () => errorOf(limited.hash(password))));
    const faults = outcomes.filter((error) => error !== undefined);
    expect(faults).toHaveLength(6);
    for (const fault of faults) expect(fault).toMatchObject({ code: 'SERVER_ERROR', retryAfterSeconds: 5 });
    expect(await outcomeOf(limited.hash(password))).toBe('accepted');
  });

  it('answers 503 to those that had no turn in time, and goes on', async () => {
    const impatient = new PasswordHasher({ mostAtOnce: 1, patienceMs: 5, packages: missing });
    await impatient.hash(password);

    const outcomes = await Promise.all([1, 2, 3].map(() => outcomeOf(impatient.verify(password, null))));
    expect(outcomes).toEqual(['accepted', 'SERVER_ERROR', 'SERVER_ERROR']);
    expect(await outcomeOf(impatient.hash(password))).toBe('accepted');
  });

  it('gives each network its turn, however many sign-ins another one sends', async () => {
    const fair = new PasswordHasher({ mostAtOnce: 1, mostWaiting: 10 });
    await fair.hash(password);
    const order: string[] = [];
    const signIn = async (network: string): Promise<void> => {
      const error = await errorOf(fair.verify(password, null, network));
      order.push(error === undefined ? network : `${network}: ${error.code}`);
    };

    await Promise.all([...Array.from({ length: 11 }, () => signIn('192.0.2.1')), signIn('198.51.100.7')]);
    expect(order.filter((entry) => entry.startsWith('198')).at(0)).toBe('198.51.100.7');
    expect(order.slice(0, 4)).toContain('198.51.100.7');
    // The single one took the place of the newest of the many.
    expect(order.filter((entry) => entry === '192.0.2.1: SERVER_ERROR')).toHaveLength(1);
  });
});

describe('A login without an account', () => {
  it('is wrong, and costs a hash of the same parameters', async () => {
    const asked: unknown[] = [];
    const hashRaw: typeof nodeRs.hashRaw = async (text, options) => {
      asked.push({ ...options, salt: undefined });
      return await nodeRs.hashRaw(text, options);
    };
    const watched = new PasswordHasher({ packages: { ...missing, argon2: async () => ({ ...nodeRs, hashRaw }) } });
    const hash = await watched.hash(password);

    for (const text of [password, 'Gru\u0308\u00dfe an alle']) {
      asked.length = 0;
      expect(await watched.verifyAgainstNothing(text)).toBe('wrong');
      const forNothing = asked.splice(0);
      expect(await watched.verify(`${text}?`, hash)).toBe('wrong');
      expect(asked).toEqual(forNothing);
    }
  });
});
