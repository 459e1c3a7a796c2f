import { NodeTimer } from '../clock/clock.js';
import { cancelStatement } from './cancel-statement.js';
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

/** A call that takes a client from the pool, and is over at its limit in time at the latest. */
class TimedCall<Result> {
  private readonly timer = new NodeTimer();
  private client: PostgresClient | null = null;
  private isOver = false;

  constructor(
    private readonly pool: PostgresPool,
    /** Rejects the call at its limit. */
    private readonly reject: (failure: SqlFailure) => void,
  ) {}

  /** @param workTimeoutMs the limit once there is a client. @defaultValue the rest of the first one */
  async run(
    work: (client: PostgresClient) => Promise<Result>,
    timeoutMs: number,
    workTimeoutMs?: number,
  ): Promise<Result> {
    let isUsable = false;
    this.limit(timeoutMs);
    try {
      const client = await this.take();
      if (workTimeoutMs !== undefined) this.limit(workTimeoutMs);
      const result = await work(client);
      isUsable = true;
      return result;
    } catch (error) {
      isUsable = error instanceof SqlFailure && isSqlState(error.code) && !/^(08|57P)/.test(error.code);
      throw error;
    } finally {
      this.timer.clear();
      this.giveBack(isUsable);
    }
  }

  private async take(): Promise<PostgresClient> {
    const client = await connect(this.pool);
    if (this.isOver) {
      // It comes too late, and nothing is wrong with it.
      client.release();
      throw new SqlFailure('it did not give a connection in time', '');
    }
    // The pool does not listen while a client is in use, and an error without a listener would end the process.
    client.on('error', ignore);
    this.client = client;
    return client;
  }

  private giveBack(isUsable: boolean): void {
    const { client } = this;
    if (client === null) return;
    this.client = null;
    release(client, !isUsable);
  }

  /** The client is not used again, whatever becomes of its statement: the cancellation might hit the next one. */
  private async abandon(): Promise<void> {
    const { client } = this;
    if (client === null) return;
    this.client = null;
    // A pooler forgets which connection is meant when the client closes its own.
    await cancelStatement(client);
    release(client, true);
  }

  private limit(timeoutMs: number): void {
    this.timer.set(timeoutMs, () => {
      this.isOver = true;
      this.reject(new SqlFailure(`it did not answer within ${timeoutMs} ms`, ''));
      void this.abandon();
    });
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
    const timer = new NodeTimer();
    const limit = new Promise<void>((resolve) => {
      timer.set(this.terms.statementTimeoutMs, resolve);
    });
    try {
      await Promise.race([this.opened.end(), limit]);
    } catch {
      // Connections that do not close in time end with the process.
    } finally {
      timer.clear();
    }
  }

  /** One promise that the limit can reject, and no race of two, because this is called for each statement. */
  private withClient<Result>(
    work: (client: PostgresClient) => Promise<Result>,
    workTimeoutMs?: number,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const call = new TimedCall<Result>(this.opened.pool, reject);
      call.run(work, this.terms.statementTimeoutMs, workTimeoutMs).then(resolve, reject);
    });
  }
}

function release(client: PostgresClient, destroy: boolean): void {
  client.removeListener('error', ignore);
  client.release(destroy);
}

/** A pool of the app's own may also throw. */
async function connect(pool: PostgresPool): Promise<PostgresClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw toSqlFailure(error);
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
