import { NodeTimer } from '../clock/clock.js';
import {
  type DatabaseTerms,
  isAborted,
  isSqlState,
  SqlDatabase,
  SqlFailure,
  type SqlRow,
  type SqlRunner,
  type SqlValue,
  toParameter,
  toSqlFailure,
  type TransactionOptions,
} from './sql-database.js';

/** The part of a `pg` pool that is used, so that any pool of the same form fits. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}

/** The part of a `pg` client that is used. */
export interface PostgresClient {
  query(statement: PostgresStatement): Promise<{ readonly rows: readonly unknown[] }>;
  release(destroy?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

export interface PostgresStatement {
  readonly text: string;
  readonly values: SqlValue[];
  readonly types: { getTypeParser(): (text: string) => unknown };
}

/** A pool, and what ends it. */
export interface OpenedPool {
  readonly pool: PostgresPool;
  readonly end: () => Promise<void>;
}

/** How often a statement is run that was aborted because of another one. */
const mostAttempts = 3;

/** The text of each column as the database wrote it, whatever parsers the app has set for its own statements. */
const types = { getTypeParser: () => (text: string) => text };

const ignore = (): void => undefined;

/** A limit in time for one call. */
class Deadline {
  private readonly timer = new NodeTimer();
  private pass: (failure: SqlFailure) => void = ignore;
  private readonly passed = new Promise<never>((_, reject) => {
    this.pass = reject;
  });

  constructor(timeoutMs: number) {
    this.passed.catch(ignore);
    this.set(timeoutMs);
  }

  set(timeoutMs: number): void {
    this.timer.set(timeoutMs, () => {
      this.pass(new SqlFailure(`it did not answer within ${timeoutMs} ms`, ''));
    });
  }

  race<Result>(call: Promise<Result>): Promise<Result> {
    return Promise.race([call, this.passed]);
  }

  clear(): void {
    this.timer.clear();
  }
}

/**
 * PostgreSQL through a pool of the `pg` package. Statements are unnamed, and the deadline is kept here and not by the server:
 * it covers waiting for a connection, and a server that no longer answers.
 */
export class PostgresDatabase extends SqlDatabase {
  constructor(
    private readonly opened: OpenedPool,
    private readonly terms: DatabaseTerms,
  ) {
    super();
  }

  override query(text: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return this.withClient((client) => repeatAborted(() => send(client, text, values)));
  }

  override transaction<Result>(
    run: (runner: SqlRunner) => Promise<Result>,
    { timeoutMs }: TransactionOptions = {},
  ): Promise<Result> {
    return this.withClient((client) => repeatAborted(() => runTransaction(client, run)), timeoutMs);
  }

  override async close(): Promise<void> {
    const deadline = new Deadline(this.terms.statementTimeoutMs);
    try {
      await deadline.race(this.opened.end());
    } catch {
      // Connections that do not close in time end with the process.
    } finally {
      deadline.clear();
    }
  }

  private async withClient<Result>(
    work: (client: PostgresClient) => Promise<Result>,
    workTimeoutMs?: number,
  ): Promise<Result> {
    const deadline = new Deadline(this.terms.statementTimeoutMs);
    try {
      const client = await this.connect(deadline);
      if (workTimeoutMs !== undefined) deadline.set(workTimeoutMs);
      return await use(client, deadline, work);
    } finally {
      deadline.clear();
    }
  }

  private async connect(deadline: Deadline): Promise<PostgresClient> {
    // A pool of the app's own may throw.
    const connecting = Promise.resolve().then(() => this.opened.pool.connect());
    try {
      return await deadline.race(connecting);
    } catch (error) {
      // The connection may come later; it then goes back to the pool.
      void connecting.then((client) => {
        client.release();
      }, ignore);
      throw toSqlFailure(error);
    }
  }
}

async function use<Result>(
  client: PostgresClient,
  deadline: Deadline,
  work: (client: PostgresClient) => Promise<Result>,
): Promise<Result> {
  let isUsable = false;
  // The pool does not listen while a client is in use, and an error without a listener would end the process.
  client.on('error', ignore);
  try {
    const result = await deadline.race(work(client));
    isUsable = true;
    return result;
  } catch (error) {
    isUsable = error instanceof SqlFailure && isSqlState(error.code) && !/^(08|57P)/.test(error.code);
    throw error;
  } finally {
    client.removeListener('error', ignore);
    // Destroying the connection is what ends a statement that is still running.
    client.release(!isUsable);
  }
}

async function send(client: PostgresClient, text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
  try {
    const { rows } = await client.query({ text, values: values.map(toParameter), types });
    return rows as readonly SqlRow[];
  } catch (error) {
    throw toSqlFailure(error);
  }
}

async function runTransaction<Result>(
  client: PostgresClient,
  run: (runner: SqlRunner) => Promise<Result>,
): Promise<Result> {
  const runner: SqlRunner = { query: (text, values = []) => send(client, text, values) };
  await runner.query('begin isolation level read committed');
  try {
    const result = await run(runner);
    await runner.query('commit');
    return result;
  } catch (error) {
    await runner.query('rollback').catch(ignore);
    throw error;
  }
}

async function repeatAborted<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt === mostAttempts || !(error instanceof SqlFailure) || !isAborted(error)) throw error;
    }
  }
}
