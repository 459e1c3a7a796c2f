/** The contract of session stores, which the package exports for apps' own, run by those that are here. */
import { describeSessionStore } from 'nest-gatehouse/testing';
import { MemorySessionStore } from '../../src/sessions/memory-session-store.js';
import { SqlSessionStore } from '../../src/sql/sql-session-store.js';
import { openEmbedded, openPostgres } from '../support/store-database.js';
import { describe, it, onPostgres } from '../support/store-runner.js';

describeSessionStore('in memory', () => ({ store: new MemorySessionStore() }), { describe, it });
describeSessionStore('in PGlite', async () => ({ store: new SqlSessionStore((await openEmbedded()).database, true) }), {
  describe,
  it,
});
describeSessionStore(
  'in PostgreSQL',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlSessionStore(database, true), close };
  },
  onPostgres,
);
describeSessionStore(
  'in PostgreSQL, without revocations',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlSessionStore(database, false), close };
  },
  onPostgres,
);
