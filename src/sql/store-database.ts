import type { Clock, Timer } from '../clock/clock.js';
import { AuthUnavailableError, isConfigurationError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { OutageWatch } from '../upstream/provider-calls.js';
import { applyMigrations, qualifierOf } from './migrations.js';
import {
  type SqlDatabase,
  SqlFailure,
  type SqlRow,
  type SqlRunner,
  type SqlValue,
  type StatementOptions,
  UniqueViolation,
} from './sql-database.js';

export interface StoreDatabaseParts {
  /** Loads the driver and opens the database. Connects later, or fails for what a developer has to change. */
  readonly open: () => Promise<SqlDatabase>;
  /** A plain identifier. */
  readonly schema: string;
  /** Whether missing migrations are applied at start. */
  readonly migrate: boolean;
  readonly clock: Clock;
  /** For the attempts to reach a database that is down at start. */
  readonly timer: Timer;
  readonly report: ReportEvent;
  /** Called with the names of the migrations that were applied. */
  readonly onMigrated?: (names: readonly string[]) => void;
}

/** The pauses between attempts to reach the database: 1 s, 2 s, 4 s, 8 s and then always 10 s. */
const longestPauseMs = 10_000;

/**
 * The database as the stores see it: current tables, and `AuthUnavailableError` (503) for everything that goes wrong but a
 * `UniqueViolation`, which says that the database works. While
 * the database cannot be reached, or its tables are behind, every call is refused and it is tried again in the background.
 */
export class StoreDatabase {
  /** What stands before the name of a table. */
  readonly qualifier: string;
  private database: SqlDatabase | null = null;
  private starting: Promise<void> | null = null;
  /** The database, once its tables are current. */
  private ready: SqlDatabase | null = null;
  private isClosed = false;
  private failedAttempts = 0;
  private lastProblem = 'it has not been reached yet';
  /** The misconfiguration that was reported last, so that each is reported once. */
  private reported = '';
  private readonly running = new Set<Promise<unknown>>();
  private readonly outage: OutageWatch;

  constructor(private readonly parts: StoreDatabaseParts) {
    this.qualifier = qualifierOf(parts.schema);
    this.outage = new OutageWatch({
      what: 'an answer from the database',
      consequence: 'Until it answers, what needs it is answered with 503',
      clock: parts.clock,
      report: parts.report,
    });
  }

  /**
   * Opens the database and brings its tables up to date. Resolves also when it cannot be reached: it is then tried again
   * in the background. Stores that are used before wait for it.
   *
   * @throws {ConfigurationError} for what a developer has to change
   */
  start(): Promise<void> {
    this.starting ??= this.open();
    return this.starting;
  }

  /**
   * Opens it, and tells why it cannot be used; `null` when it answers and its tables are current.
   *
   * @throws {ConfigurationError} for what a developer has to change
   */
  async findProblem(): Promise<string | null> {
    try {
      await this.start();
    } catch (error) {
      if (error instanceof SqlFailure) return error.message;
      throw error;
    }
    return this.ready === null ? this.lastProblem : null;
  }

  /** Runs one statement. @throws {AuthUnavailableError} when it was not run, or that is unknown. */
  query(text: string, values?: readonly SqlValue[], options?: StatementOptions): Promise<readonly SqlRow[]> {
    const { ready } = this;
    if (ready !== null) return this.watch(ready.query(text, values, options));
    return this.get().then((database) => this.watch(database.query(text, values, options)));
  }

  /** Runs statements in one transaction, as `SqlDatabase.transaction` does. @throws {AuthUnavailableError} */
  async transaction<Result>(run: (runner: SqlRunner) => Promise<Result>): Promise<Result> {
    const database = this.ready ?? (await this.get());
    return this.watch(database.transaction(run));
  }

  /** Refuses further calls, and closes the database when those that are running have ended. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.ready = null;
    this.parts.timer.clear();
    await this.starting?.catch(() => undefined);
    while (this.running.size > 0) await Promise.allSettled(this.running);
    await this.database?.close();
    this.database = null;
  }

  private async open(): Promise<void> {
    this.database = await this.parts.open();
    try {
      await this.prepare(this.database);
    } catch (error) {
      if (error instanceof SqlFailure) {
        this.noteFailedAttempt(error);
        return;
      }
      this.isClosed = true;
      await this.database.close();
      throw error;
    }
  }

  private async prepare(database: SqlDatabase): Promise<void> {
    const { schema, migrate, clock, onMigrated } = this.parts;
    const applied = await applyMigrations(database, { schema, migrate, now: () => clock.now() });
    if (applied.length > 0) onMigrated?.(applied);
    if (!this.isClosed) this.ready = database;
    this.outage.noteSuccess();
  }

  private noteFailedAttempt(failure: SqlFailure): void {
    this.lastProblem = failure.message;
    this.outage.noteFailure(failure.message);
    this.tryLater();
  }

  private tryLater(): void {
    if (this.isClosed) return;
    const pauseMs = Math.min(1_000 * 2 ** this.failedAttempts, longestPauseMs);
    this.failedAttempts += 1;
    this.parts.timer.set(pauseMs, () => {
      const trying = this.tryAgain();
      this.running.add(trying);
      void trying.finally(() => this.running.delete(trying));
    });
  }

  /** Never rejects. */
  private async tryAgain(): Promise<void> {
    if (this.database === null) return;
    try {
      await this.prepare(this.database);
    } catch (error) {
      if (error instanceof SqlFailure) {
        this.noteFailedAttempt(error);
        return;
      }
      this.reportOnce(error);
      this.tryLater();
    }
  }

  /** The database is back, and a developer has something to do before it can be used. */
  private reportOnce(error: unknown): void {
    const problem = isConfigurationError(error) ? error.explanation : 'The tables of the database cannot be migrated';
    if (problem === this.reported) return;
    this.reported = problem;
    const fix = isConfigurationError(error) ? error.fix : 'Restart the app';
    this.parts.report({ type: 'misconfigured', problem, fix });
  }

  private async get(): Promise<SqlDatabase> {
    if (!this.isClosed) await this.start();
    if (this.ready !== null) return this.ready;
    // What stopped the start of the app is what its callers get.
    if (this.isClosed) await this.starting;
    throw new AuthUnavailableError(this.isClosed ? 'The database was closed' : 'The database has not been reached yet');
  }

  private async watch<Result>(call: Promise<Result>): Promise<Result> {
    this.running.add(call);
    try {
      const result = await call;
      this.outage.noteSuccess();
      return result;
    } catch (error) {
      if (!(error instanceof SqlFailure)) throw error;
      if (error instanceof UniqueViolation) {
        this.outage.noteSuccess();
        throw error;
      }
      this.outage.noteFailure(error.message);
      throw new AuthUnavailableError(`The database did not run a statement: ${error.message}`, undefined, {
        cause: error,
      });
    } finally {
      this.running.delete(call);
    }
  }
}
