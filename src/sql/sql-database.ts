import { types } from 'node:util';

/** What a statement can be given. Times are passed as `Date`, bytes as `Uint8Array`, JSON as text. */
export type SqlValue = string | number | boolean | Date | Uint8Array | null;

/**
 * A value in a form that all drivers write alike. `pg` writes a `Date` in the time zone of the process, with a year that may be
 * ambiguous; ISO 8601 in UTC is not.
 */
export function toParameter(value: SqlValue): SqlValue {
  // A `Date` may come from another context than this module (Jest).
  return types.isDate(value) ? value.toISOString() : value;
}

/** A row as the database writes it: the text of each column. Drivers convert nothing, so that all give the same. */
export type SqlRow = Readonly<Record<string, string | null>>;

export interface StatementOptions {
  /**
   * Whether the best plan depends on the values, as that of a search does: then the database makes one for each use.
   *
   * @defaultValue false: it may keep one plan for all uses
   */
  readonly plansByValues?: boolean;
}

/** Runs statements. */
export interface SqlRunner {
  /**
   * Runs one statement, with `$1`, `$2`, … for its values.
   *
   * @throws {SqlFailure} when the database does not answer, or refuses the statement
   */
  query(text: string, values?: readonly SqlValue[], options?: StatementOptions): Promise<readonly SqlRow[]>;
}

export interface TransactionOptions {
  /** The longest that it may take once it has a connection. @defaultValue what a single statement may take */
  readonly timeoutMs?: number;
}

/**
 * A PostgreSQL database, behind any driver. Statements name their schema and set nothing in the session, so that they work
 * through a pooler that gives each transaction another connection.
 */
export abstract class SqlDatabase implements SqlRunner {
  abstract query(text: string, values?: readonly SqlValue[], options?: StatementOptions): Promise<readonly SqlRow[]>;

  /**
   * Runs statements in one transaction (READ COMMITTED). When `run` rejects, nothing has happened. It is run again when
   * the database resolved a deadlock by aborting it, so it must have no effect outside of the database.
   */
  abstract transaction<Result>(
    run: (runner: SqlRunner) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;

  /** Closes what was opened. Statements have ended by then. */
  abstract close(): Promise<void>;
}

/** What a driver needs to know of the app. */
export interface DatabaseTerms {
  /** The longest that a statement may take, with waiting for a connection. */
  readonly statementTimeoutMs: number;
}

/** The database did not answer, or refused a statement. The message is safe to log: it repeats no value and no address. */
export class SqlFailure extends Error {
  override readonly name = 'SqlFailure';

  constructor(
    message: string,
    /** The SQLSTATE (PostgreSQL Appendix A), or the code of the operating system; `''` where there is none. */
    readonly code: string,
  ) {
    super(message);
  }
}

/** A statement would have made a second row with a value that may exist once. */
export class UniqueViolation extends SqlFailure {
  constructor(
    /** The name of the index or constraint. */
    readonly constraint: string,
  ) {
    super('a value exists already', uniqueViolation);
  }
}

const uniqueViolation = '23505';

/** What is behind the codes that developers and operators meet. */
const problems: Readonly<Record<string, string>> = {
  '25006': 'it is read-only',
  '28000': 'it refuses the user',
  '28P01': 'it refuses the password',
  '3D000': 'it has no database of this name',
  '42501': 'the role lacks a privilege',
  '53100': 'its disk is full',
  '53300': 'it has too many connections',
  '57014': 'it cancelled the statement',
  '57P01': 'it is shutting down',
  '57P02': 'it is shutting down',
  '57P03': 'it is starting up',
  EAI_AGAIN: 'its name cannot be resolved',
  ECONNREFUSED: 'it refuses the connection',
  ECONNRESET: 'the connection broke',
  ENOTFOUND: 'its name cannot be resolved',
  EPIPE: 'the connection broke',
  ETIMEDOUT: 'it cannot be reached',
};

/**
 * Converts what a driver threw. The driver's own error is dropped: its members repeat values of the statement, and its
 * message may repeat the address with the password.
 */
export function toSqlFailure(error: unknown): SqlFailure {
  if (error instanceof SqlFailure) return error;
  const code = codeOf(error);
  if (code === uniqueViolation) return new UniqueViolation(constraintOf(error));
  const problem = problems[code] ?? (isSqlState(code) ? 'it refused a statement' : 'the connection failed');
  return new SqlFailure(code === '' ? problem : `${problem} (${code})`, code);
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : '';
}

function constraintOf(error: unknown): string {
  const { constraint } = error as { readonly constraint?: unknown };
  return typeof constraint === 'string' ? constraint : '';
}

export function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E');
}

/** Whether the database has undone the statement because of another one, so that it can be run again. */
export function isAborted({ code }: SqlFailure): boolean {
  return code === '40001' || code === '40P01';
}
