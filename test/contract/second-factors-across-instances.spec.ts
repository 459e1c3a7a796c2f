/** Second factors that several instances of an app share, each with a pool of its own, and what the database has of them. */
import { afterEach, describe, expect } from 'vitest';
import { createStoredAccount } from '../../src/accounts/account-profile.js';
import { AccountRecords } from '../../src/accounts/account-records.js';
import { SecondFactors } from '../../src/accounts/second-factors.js';
import { EncryptionKeys } from '../../src/issuing/encryption-keys.js';
import { createUuidV7 } from '../../src/issuing/uuid-v7.js';
import { postgres } from '../../src/sql/postgres.js';
import { SqlAccountStore } from '../../src/sql/sql-account-store.js';
import type { StoreDatabase } from '../../src/sql/store-database.js';
import { Authenticator } from '../support/authenticator.js';
import { ManualClock } from '../support/manual-clock.js';
import { outcomeOf } from '../support/outcome.js';
import { postgresUrl } from '../support/postgres.js';
import { createDatabase, openEmbedded, openPostgres } from '../support/store-database.js';
import { it, onPostgres } from '../support/store-runner.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function enroll(databases: readonly [StoreDatabase, ...StoreDatabase[]]) {
  const clock = new ManualClock();
  const encryptionKeys = EncryptionKeys.random();
  const [database] = databases;
  const toInstance = (one: StoreDatabase) => {
    const store = new SqlAccountStore(one);
    const records = new AccountRecords({ findStore: () => store, clock, emit: () => undefined });
    return new SecondFactors({ records, findEncryptionKeys: () => encryptionKeys, issuer: 'api.example.com' });
  };
  const account = createStoredAccount(createUuidV7(clock.now().getTime()), clock.now());
  await new SqlAccountStore(database).create(account);
  const first = toInstance(database);
  const { secret, uri } = await first.register({ ...account, groups: [] });
  const app = new Authenticator(uri, clock);
  const rowOf = async (): Promise<string> =>
    JSON.stringify(await database.query(`select * from ${database.qualifier}accounts`, []));
  const pending = await rowOf();
  const recoveryCodes = await first.confirm(account.id, app.code());
  clock.advanceSeconds(30);
  return {
    instances: databases.map(toInstance),
    id: account.id,
    app,
    secrets: [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', ''))],
    recoveryCodes,
    rows: async () => [pending, await rowOf()],
  };
}

/** Calls each instance so many times, all at once. @returns how many of the calls were accepted */
async function acceptedOf(instances: readonly SecondFactors[], call: (instance: SecondFactors) => Promise<unknown>) {
  const calls = Array.from({ length: 13 }, () => instances.map((instance) => outcomeOf(call(instance))));
  const outcomes = await Promise.all(calls.flat());
  expect(outcomes.filter((outcome) => outcome !== 'accepted' && outcome !== 'INVALID_CODE')).toEqual([]);
  return outcomes.filter((outcome) => outcome === 'accepted').length;
}

async function openInstances() {
  const { schema, close } = await openPostgres();
  cleanups.push(close);
  const open = (): StoreDatabase => {
    const { database } = createDatabase(postgres(postgresUrl, { maxConnections: 5 }), { schema });
    cleanups.push(() => database.close());
    return database;
  };
  return enroll([open(), open(), open(), open()]);
}

describe('several instances', () => {
  onPostgres.it('accept a code of an authenticator app, and a recovery code, once', async () => {
    const { instances, id, app, recoveryCodes } = await openInstances();
    const [code, recoveryCode = ''] = [app.code(), ...recoveryCodes];
    expect(await acceptedOf(instances, (instance) => instance.use(id, code))).toBe(1);
    expect(await acceptedOf(instances, (instance) => instance.use(id, recoveryCode))).toBe(1);
    expect(await acceptedOf(instances, (instance) => instance.use(id, code))).toBe(0);
  });

  onPostgres.it('lose none of several recovery codes that are used at once', async () => {
    const { instances, id, recoveryCodes } = await openInstances();
    const uses = recoveryCodes.map((code, at) => outcomeOf(instances[at % 4]?.use(id, code) ?? Promise.resolve()));
    expect(await Promise.all(uses)).toEqual(new Array(10).fill('accepted'));
    for (const code of recoveryCodes) {
      expect(await outcomeOf(instances[0]?.use(id, code) ?? Promise.resolve())).toBe('INVALID_CODE');
    }
  });
});

describe('the row of an account', () => {
  const check = async ({ secrets, rows }: Awaited<ReturnType<typeof enroll>>): Promise<void> => {
    const [pending = '', confirmed = ''] = await rows();
    expect(pending).toContain('pendingTotp');
    expect(confirmed).toContain('recoveryCodes');
    for (const secret of secrets) expect(pending + confirmed).not.toContain(secret);
  };

  it('has no secret in PGlite', async () => check(await enroll([(await openEmbedded()).database])));

  onPostgres.it('has no secret in PostgreSQL', async () => check(await openInstances()));
});
