import type { AuthEvent } from '../../src/telemetry/auth-event.js';
import type { DatabaseSource } from '../../src/sql/database-source.js';
import { embeddedPostgres } from '../../src/sql/embedded-postgres.js';
import { postgres } from '../../src/sql/postgres.js';
import { StoreDatabase, type StoreDatabaseParts } from '../../src/sql/store-database.js';
import { ManualTimer } from './manual-timer.js';
import { dropSchema, newSchemaName, postgresUrl } from './postgres.js';

export interface OpenedDatabase {
  readonly database: StoreDatabase;
  readonly schema: string;
  readonly events: AuthEvent[];
  readonly timer: ManualTimer;
}

/** Makes what stores are built on, not started. */
export function createDatabase(
  source: DatabaseSource,
  parts: Partial<StoreDatabaseParts> & { readonly statementTimeoutMs?: number } = {},
): OpenedDatabase {
  const { statementTimeoutMs = 20_000, ...rest } = parts;
  const events: AuthEvent[] = [];
  const timer = new ManualTimer();
  const schema = rest.schema ?? 'gatehouse';
  const database = new StoreDatabase({
    open: () => source.open({ statementTimeoutMs }),
    schema,
    migrate: true,
    clock: { now: () => new Date() },
    timer,
    report: (event) => events.push(event),
    ...rest,
  });
  return { database, schema, events, timer };
}

const tables = [
  'sessions',
  'signing_keys',
  'revocations',
  'api_keys',
  'accounts',
  'groups',
  'one_time_codes',
  'attempts',
  'sign_in_networks',
  'passkeys',
];

let embedded: Promise<OpenedDatabase> | undefined;

/** PGlite in memory, with empty tables. It takes seconds to start, so all tests of a file share one. */
export async function openEmbedded(): Promise<OpenedDatabase> {
  embedded ??= startEmbedded();
  const opened = await embedded;
  for (const table of tables) {
    await opened.database.query(`delete from ${opened.database.qualifier}${table}`);
  }
  return opened;
}

async function startEmbedded(): Promise<OpenedDatabase> {
  const opened = createDatabase(embeddedPostgres());
  await opened.database.start();
  return opened;
}

/** PostgreSQL, in a schema of its own that `close` drops. */
export async function openPostgres(): Promise<OpenedDatabase & { readonly close: () => Promise<void> }> {
  const schema = newSchemaName();
  const opened = createDatabase(postgres(postgresUrl), { schema });
  await opened.database.start();
  return {
    ...opened,
    close: async () => {
      await opened.database.close();
      await dropSchema(schema);
    },
  };
}
