import { createHash } from 'node:crypto';
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
  type StatementOptions,
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
  /** The server keeps the prepared statement under this name, for its connection. Without one it prepares it at each use. */
  readonly name?: string | undefined;
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

/** Each connection of the server keeps what was prepared, so there is a limit. The stores have about 150 texts. */
const mostPrepared = 500;

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

interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly name?: string | undefined;
}

/**
 * The names under which the server keeps prepared statements: parsing and planning take it longer than running most of them.
 * The names follow from the texts, so that whoever shares a connection through a pooler means the same statement.
 */
class PreparedStatements {
  private readonly names = new Map<string, string>();
  private isOff = false;

  /** Gives a statement its name. What has no values is a step of a transaction or of a migration, and no work to plan. */
  name({ text, values }: Statement, { plansByValues = false }: StatementOptions): Statement {
    return { text, values, name: values.length === 0 || plansByValues ? undefined : this.nameOf(text) };
  }

  private nameOf(text: string): string | undefined {
    if (this.isOff) return undefined;
    const known = this.names.get(text);
    if (known !== undefined || this.names.size === mostPrepared) return known;
    const name = `gatehouse_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    this.names.set(text, name);
    return name;
  }

  /**
   * Whether a statement failed only because it was prepared before; from then on none is. A pooler may give each transaction a
   * connection that knows nothing of a statement (26000) or has it already (42P05); and a plan is refused when the columns of
   * its table have changed (0A000).
   */
  areRefusedBy({ code }: SqlFailure): boolean {
    if (!/^(26000|42P05|0A000)$/.test(code)) return false;
    // Others may have been on their way already, and fail in the same way.
    this.isOff = true;
    this.names.clear();
    return true;
  }
}

/**
 * PostgreSQL through a pool of the `pg` package. Statements are prepared once for each connection, where the way to the server
 * allows it. The deadline is kept here and not by the server: it covers waiting for a connection, and a server that no longer
 * answers.
 */
export class PostgresDatabase extends SqlDatabase {
  private readonly prepared = new PreparedStatements();

  constructor(
    private readonly opened: OpenedPool,
    private readonly terms: DatabaseTerms,
  ) {
    super();
  }

  override query(
    text: string,
    values: readonly SqlValue[] = [],
    options: StatementOptions = {},
  ): Promise<readonly SqlRow[]> {
    return this.withClient((client) => this.repeat(() => send(client, this.prepared.name({ text, values }, options))));
  }

  override transaction<Result>(
    run: (runner: SqlRunner) => Promise<Result>,
    { timeoutMs }: TransactionOptions = {},
  ): Promise<Result> {
    return this.withClient((client) => this.repeat(() => runTransaction(client, run, this.prepared)), timeoutMs);
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

  private async repeat<Result>(run: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run();
      } catch (error) {
        if (attempt === mostAttempts || !(error instanceof SqlFailure)) throw error;
        if (!isAborted(error) && !this.prepared.areRefusedBy(error)) throw error;
      }
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

async function send(client: PostgresClient, { name, text, values }: Statement): Promise<readonly SqlRow[]> {
  try {
    const { rows } = await client.query({ name, text, values: values.map(toParameter), types });
    return rows as readonly SqlRow[];
  } catch (error) {
    throw toSqlFailure(error);
  }
}

async function runTransaction<Result>(
  client: PostgresClient,
  run: (runner: SqlRunner) => Promise<Result>,
  prepared: PreparedStatements,
): Promise<Result> {
  const runner: SqlRunner = {
    query: (text, values = [], options = {}) => send(client, prepared.name({ text, values }, options)),
  };
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
