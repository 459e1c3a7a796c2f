/** Codes and counts that several instances of an app share, each with a pool of its own. */
import { afterEach, describe, expect } from 'vitest';
import { GuessingLimits } from '../../src/accounts/guessing-limits.js';
import { OneTimeCodes } from '../../src/accounts/one-time-codes.js';
import { EncryptionKeys } from '../../src/issuing/encryption-keys.js';
import { postgres } from '../../src/sql/postgres.js';
import { SqlAttemptStore } from '../../src/sql/sql-attempt-store.js';
import { SqlMaintenance } from '../../src/sql/sql-maintenance.js';
import { SqlOneTimeCodeStore } from '../../src/sql/sql-one-time-code-store.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { outcomeOf } from '../support/outcome.js';
import { postgresUrl, runSql } from '../support/postgres.js';
import { createDatabase, openPostgres } from '../support/store-database.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openInstances(count = 4) {
  const { schema, close } = await openPostgres();
  cleanups.push(close);
  const clock = new ManualClock();
  const encryptionKeys = EncryptionKeys.random();
  const open = (url = postgresUrl) => {
    const { database } = createDatabase(postgres(url, { maxConnections: 5 }), { schema, statementTimeoutMs: 5_000 });
    cleanups.push(() => database.close());
    const attempts = new SqlAttemptStore(database);
    const codes = new SqlOneTimeCodeStore(database);
    return {
      stores: [codes, attempts],
      limits: new GuessingLimits({ store: attempts, encryptionKeys, clock }),
      codes: new OneTimeCodes({ store: codes, encryptionKeys, clock }),
    };
  };
  return { schema, clock, open, instances: Array.from({ length: count }, () => open()) };
}

type Instance = Awaited<ReturnType<typeof openInstances>>['instances'][number];

/** Calls each instance so many times, all at once. @returns how often each outcome came */
async function outcomesOf(
  instances: readonly Instance[],
  times: number,
  call: (instance: Instance) => Promise<unknown>,
) {
  const calls = Array.from({ length: times }, () => instances.map((instance) => outcomeOf(call(instance))));
  const outcomes = await Promise.all(calls.flat());
  return Object.fromEntries(
    [...new Set(outcomes)].sort().map((one) => [one, outcomes.filter((o) => o === one).length]),
  );
}

describe('several instances', () => {
  it('use a code once', async () => {
    const { instances } = await openInstances();
    const [first] = instances;
    const issued = await first?.codes.issue({ purpose: 'magic-link', subject: 'ada@x' });
    const use = async ({ codes }: Instance) => codes.use(await codes.findByLink(issued?.code ?? '', 'magic-link'));
    expect(await outcomesOf(instances, 13, use)).toEqual({ accepted: 1, INVALID_CODE: 51 });
  });

  it('compare five wrong codes', async () => {
    const { instances } = await openInstances();
    const issued = await instances[0]?.codes.issue({ purpose: 'magic-link', subject: 'ada@x' });
    const wrong = issued?.typed === '000000' ? '000001' : '000000';
    const guess = ({ codes }: Instance) => codes.findByTyped(wrong, 'ada@x', 'magic-link');
    expect(await outcomesOf(instances, 25, guess)).toEqual({ INVALID_CODE: 100 });
    const right = instances[1]?.codes.findByTyped(issued?.typed ?? '', 'ada@x', 'magic-link');
    expect(await outcomeOf(right ?? Promise.resolve())).toBe('INVALID_CODE');
  });

  it('let 10 of 100 guesses at once pass, and 100 of one network', async () => {
    const { clock, instances } = await openInstances();
    const guess = ({ limits }: Instance) => limits.begin('ada', '192.0.2.1');
    expect(await outcomesOf(instances, 25, guess)).toEqual({ accepted: 10, TOO_MANY_ATTEMPTS: 90 });
    let login = 0;
    const spray = ({ limits }: Instance) => limits.begin(`login ${(login += 1)}`, '192.0.2.1');
    const { accepted = 0 } = await outcomesOf(instances, 50, spray);
    expect(accepted).toBe(90);
    clock.advanceSeconds(900);
    const succeed = async (instance: Instance) => (await guess(instance)).giveBack();
    for (let round = 0; round < 5; round += 1) expect(await outcomesOf(instances, 2, succeed)).toEqual({ accepted: 8 });
    expect(await outcomesOf(instances, 10, guess)).toEqual({ accepted: 10, TOO_MANY_ATTEMPTS: 30 });
  });

  it('send one mail', async () => {
    const { instances } = await openInstances();
    const sent = await Promise.all(
      Array.from({ length: 10 }, () => instances.map(({ limits }) => limits.takeMail('ada@x', '192.0.2.1'))).flat(),
    );
    expect(sent.filter((isSent) => isSent)).toHaveLength(1);
  });

  it('leave nothing behind that has expired', async () => {
    const { schema, clock, instances } = await openInstances(1);
    for (const { codes, limits } of instances) {
      await codes.issue({ purpose: 'magic-link', subject: 'ada@x' });
      await limits.begin('ada', '192.0.2.1');
      await (await limits.begin('bob', '192.0.2.2')).giveBack();
      await limits.noteSignIn('ada', '192.0.2.1');
    }
    const count = async () => {
      const tables = ['one_time_codes', 'attempts', 'sign_in_networks'];
      const counts = tables.map((table) => `(select count(*)::int from ${schema}.${table})`).join(', ');
      const [row] = await runSql(`select array[${counts}] as counts`);
      return row?.['counts'];
    };
    const stores = instances.flatMap(({ stores }) => stores);
    const maintenance = new SqlMaintenance({ stores, clock, timer: new ManualTimer() });
    expect(await count()).toEqual([1, 6, 1]);
    await maintenance.purge();
    expect(await count(), 'counters without an attempt are gone').toEqual([1, 3, 1]);
    clock.advanceSeconds(900);
    await maintenance.purge();
    expect(await count()).toEqual([0, 1, 1]);
    clock.advanceSeconds(86_400 * 30);
    await maintenance.purge();
    expect(await count()).toEqual([0, 0, 0]);
  });

  it('let nothing pass while the database is down, and count again when it is back', async () => {
    const { open } = await openInstances(0);
    const proxy = await DatabaseProxy.start();
    cleanups.push(() => proxy.refuse());
    await proxy.forward();
    const { limits, codes } = open(proxy.url);
    expect(await outcomeOf(limits.begin('ada', null))).toBe('accepted');
    await proxy.refuse();
    for (const call of [
      () => limits.begin('ada', null),
      () => limits.takeMail('ada@x', null),
      () => limits.takeNewAccount('sign-up', null),
      () => codes.findByTyped('123456', 'ada@x', 'magic-link'),
    ]) {
      expect(await outcomeOf(call)).toBe('SERVER_ERROR');
    }
    await proxy.forward();
    for (let round = 0; round < 9; round += 1) expect(await outcomeOf(limits.begin('ada', null))).toBe('accepted');
    expect(await outcomeOf(limits.begin('ada', null))).toBe('TOO_MANY_ATTEMPTS');
  });
});
