/** The contract of the stores of passkeys, run by those that are here. */
import { describePasskeyStore } from 'nest-gatehouse/testing';
import { MemoryPasskeyStore } from '../../src/accounts/memory-passkey-store.js';
import { SqlPasskeyStore } from '../../src/sql/sql-passkey-store.js';
import { openEmbedded, openPostgres } from '../support/store-database.js';
import { describe, it, onPostgres } from '../support/store-runner.js';

describePasskeyStore('in memory', () => ({ store: new MemoryPasskeyStore() }), { describe, it });

describePasskeyStore('in PGlite', async () => ({ store: new SqlPasskeyStore((await openEmbedded()).database) }), {
  describe,
  it,
});

describePasskeyStore(
  'in PostgreSQL',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlPasskeyStore(database), close };
  },
  onPostgres,
);
