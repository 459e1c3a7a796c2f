/** The contract of stores of API keys, which the package exports for apps' own, run by those that are here. */
import { describeApiKeyStore } from 'nest-gatehouse/testing';
import { MemoryApiKeyStore } from '../../src/api-keys/memory-api-key-store.js';
import { SqlApiKeyStore } from '../../src/sql/sql-api-key-store.js';
import { openEmbedded, openPostgres } from '../support/store-database.js';
import { describe, it, onPostgres } from '../support/store-runner.js';

describeApiKeyStore('in memory', () => ({ store: new MemoryApiKeyStore() }), { describe, it });
describeApiKeyStore('in PGlite', async () => ({ store: new SqlApiKeyStore((await openEmbedded()).database) }), {
  describe,
  it,
});
describeApiKeyStore(
  'in PostgreSQL',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlApiKeyStore(database), close };
  },
  onPostgres,
);
