/** The contract of the stores of providers' tokens, run by those that are here. */
import { describeProviderTokenStore } from 'nest-gatehouse/testing';
import { MemoryProviderTokenStore } from '../../src/login/memory-provider-token-store.js';
import { SqlProviderTokenStore } from '../../src/sql/sql-provider-token-store.js';
import { openEmbedded, openPostgres } from '../support/store-database.js';
import { describe, it, onPostgres } from '../support/store-runner.js';

describeProviderTokenStore('in memory', () => ({ store: new MemoryProviderTokenStore() }), { describe, it });

describeProviderTokenStore(
  'in PGlite',
  async () => ({ store: new SqlProviderTokenStore((await openEmbedded()).database) }),
  { describe, it },
);

describeProviderTokenStore(
  'in PostgreSQL',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlProviderTokenStore(database), close };
  },
  onPostgres,
);
