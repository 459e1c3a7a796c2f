/** The contracts of the stores of one-time codes and of counts of failures, run by those that are here. */
import { describeAttemptStore, describeOneTimeCodeStore } from 'nest-gatehouse/testing';
import { MemoryAttemptStore } from '../../src/issuing/memory-attempt-store.js';
import { MemoryOneTimeCodeStore } from '../../src/issuing/memory-one-time-code-store.js';
import { SqlAttemptStore } from '../../src/sql/sql-attempt-store.js';
import { SqlOneTimeCodeStore } from '../../src/sql/sql-one-time-code-store.js';
import { openEmbedded, openPostgres } from '../support/store-database.js';
import { describe, it, onPostgres } from '../support/store-runner.js';

describeOneTimeCodeStore('in memory', () => ({ store: new MemoryOneTimeCodeStore() }), { describe, it });
describeAttemptStore('in memory', () => ({ store: new MemoryAttemptStore() }), { describe, it });

const embedded = async () => (await openEmbedded()).database;
describeOneTimeCodeStore('in PGlite', async () => ({ store: new SqlOneTimeCodeStore(await embedded()) }), {
  describe,
  it,
});
describeAttemptStore('in PGlite', async () => ({ store: new SqlAttemptStore(await embedded()) }), { describe, it });

describeOneTimeCodeStore(
  'in PostgreSQL',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlOneTimeCodeStore(database), close };
  },
  onPostgres,
);
describeAttemptStore(
  'in PostgreSQL',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlAttemptStore(database), close };
  },
  onPostgres,
);
