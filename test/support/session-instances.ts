/** Instances of one app that share a database, as they do behind a load balancer. */
import { postgres, SqlStoresModule, type SqlStoresOptions } from 'nest-gatehouse/sql';
import { endAfterwards, type Platform } from './app.js';
import { ManualClock } from './manual-clock.js';
import { dropSchema, newSchemaName, postgresUrl } from './postgres.js';
import { type SessionApp, type SessionAppParts, startSessionApp, Users } from './session-app.js';

const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');

/** Where instances keep their sessions: a schema of PostgreSQL that is dropped after the file. */
export class SharedDatabase {
  readonly schema = newSchemaName();

  constructor() {
    endAfterwards(() => dropSchema(this.schema));
  }

  /** The module of stores of one more instance. */
  stores(options: Partial<SqlStoresOptions> = {}): NonNullable<SessionAppParts['stores']> {
    const database = postgres(postgresUrl);
    return [SqlStoresModule.forRoot({ database, schema: this.schema, encryptionKey, ...options })];
  }
}

export interface Instances {
  readonly one: SessionApp;
  readonly other: SessionApp;
  readonly clock: ManualClock;
  readonly users: Users;
  readonly database: SharedDatabase;
}

/** Two instances of one app, with the same clock and the same users. Each revocation reaches the other one within a second. */
export async function startInstances(platform: Platform, parts: SessionAppParts = {}): Promise<Instances> {
  const database = new SharedDatabase();
  const clock = parts.clock ?? new ManualClock();
  const users = parts.users ?? new Users({ id: 'alice', name: 'Alice' }, { id: 'bob' });
  const start = (): Promise<SessionApp> =>
    startSessionApp(platform, {
      ...parts,
      clock,
      users,
      auth: { revocation: { refreshSeconds: 1 }, ...parts.auth },
      stores: database.stores(),
    });
  return { one: await start(), other: await start(), clock, users, database };
}
