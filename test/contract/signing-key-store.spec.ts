/** The contract of stores of signing keys, which the package exports for apps' own, run by those that are here. */
import { describeSigningKeyStore } from 'nest-gatehouse/testing';
import { MemorySigningKeyStore } from '../../src/issuing/memory-signing-key-store.js';
import { SqlSigningKeyStore } from '../../src/sql/sql-signing-key-store.js';
import { openEmbedded, openPostgres } from '../support/store-database.js';
import { describe, it, onPostgres } from '../support/store-runner.js';

describeSigningKeyStore('in memory', () => ({ store: new MemorySigningKeyStore() }), { describe, it });
describeSigningKeyStore('in PGlite', async () => ({ store: new SqlSigningKeyStore((await openEmbedded()).database) }), {
  describe,
  it,
});
describeSigningKeyStore(
  'in PostgreSQL',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlSigningKeyStore(database), close };
  },
  onPostgres,
);
