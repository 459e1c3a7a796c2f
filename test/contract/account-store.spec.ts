/** The contracts of stores of accounts and groups, which the package exports for apps' own, run by those that are here. */
import { describeAccountStore, describeGroupStore } from 'nest-gatehouse/testing';
import { MemoryAccountStore, MemoryGroupStore } from '../../src/accounts/memory-account-store.js';
import { SqlAccountStore } from '../../src/sql/sql-account-store.js';
import { SqlGroupStore } from '../../src/sql/sql-group-store.js';
import type { StoreDatabase } from '../../src/sql/store-database.js';
import { openEmbedded, openPostgres } from '../support/store-database.js';
import { describe, it, onPostgres } from '../support/store-runner.js';

const onDatabase = (database: StoreDatabase, close: () => unknown = () => undefined) => ({
  accounts: new SqlAccountStore(database),
  groups: new SqlGroupStore(database),
  close,
});

const inMemory = () => {
  const accounts = new MemoryAccountStore();
  return { accounts, groups: new MemoryGroupStore(accounts), close: () => undefined };
};
const inPglite = async () => onDatabase((await openEmbedded()).database);
const inPostgres = async () => {
  const { database, close } = await openPostgres();
  return onDatabase(database, close);
};

for (const [name, open, runner] of [
  ['in memory', inMemory, { describe, it }],
  ['in PGlite', inPglite, { describe, it }],
  ['in PostgreSQL', inPostgres, onPostgres],
] as const) {
  const openAccounts = async () => {
    const { accounts: store, close } = await open();
    return { store, close };
  };
  const openGroups = async () => {
    const { groups: store, accounts, close } = await open();
    return { store, accounts, close };
  };
  describeAccountStore(name, openAccounts, runner);
  describeGroupStore(name, openGroups, runner);
}
