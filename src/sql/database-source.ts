import type { EncryptionKeys } from '../issuing/encryption-keys.js';
import type { DatabaseTerms, SqlDatabase } from './sql-database.js';

/** Where the stores keep their data: what `postgres()` and `embeddedPostgres()` give. */
export interface DatabaseSource {
  /** Loads the driver and opens the database. @throws {ConfigurationError} when the driver is not installed */
  readonly open: (terms: DatabaseTerms) => Promise<SqlDatabase>;
  /** The directory in which `open` is about to create a database; `null` when there is one already. Absent where it creates none. */
  readonly findNewDirectory?: () => string | null;
  /** The encryption keys that the database keeps by itself; `null` where the app has to give them. */
  readonly ownKeys: (() => EncryptionKeys) | null;
  /** What an app in production has to change before it can use this database; `null` when nothing. */
  readonly productionProblem: { readonly path: string; readonly problem: string; readonly fix: string } | null;
}

/** Whether something has the members of a `DatabaseSource`. One of another installed copy of the package counts as well. */
export function isDatabaseSource(value: unknown): value is DatabaseSource {
  if (typeof value !== 'object' || value === null) return false;
  const { open, ownKeys, productionProblem }: Partial<Record<keyof DatabaseSource, unknown>> = value;
  return typeof open === 'function' && ownKeys !== undefined && productionProblem !== undefined;
}
