import { SqlDatabase, type SqlRow, type SqlRunner, type SqlValue, toParameter, toSqlFailure } from './sql-database.js';

/** The part of PGlite that is used. */
export interface EmbeddedEngine extends EngineStatements {
  transaction(run: (statements: EngineStatements) => Promise<unknown>): Promise<unknown>;
  close(): Promise<void>;
}

interface EngineStatements {
  query(
    text: string,
    values: unknown[],
    options: { parsers: Record<number, (text: string) => unknown> },
  ): Promise<{ readonly rows: readonly unknown[] }>;
}

/** The types that statements of the package give, by their object ids; PGlite gives all others as text. */
const parsedTypes = [16, 17, 18, 20, 21, 23, 25, 114, 700, 701, 1043, 1082, 1114, 1184, 1700, 2950, 3802];
const parsers = Object.fromEntries(parsedTypes.map((type) => [type, (text: string) => text]));

/** PostgreSQL in this process (PGlite). It has one connection: statements and transactions wait for each other. */
export class EmbeddedDatabase extends SqlDatabase {
  constructor(
    private readonly engine: EmbeddedEngine,
    /** Called when the engine has been closed. */
    private readonly onClosed: () => void,
  ) {
    super();
  }

  override query(text: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return send(this.engine, text, values);
  }

  override async transaction<Result>(run: (runner: SqlRunner) => Promise<Result>): Promise<Result> {
    const results: Result[] = [];
    await this.engine.transaction(async (statements) => {
      results.push(await run({ query: (text, values = []) => send(statements, text, values) }));
    });
    return results[0] as Result;
  }

  override async close(): Promise<void> {
    try {
      await this.engine.close();
    } finally {
      this.onClosed();
    }
  }
}

async function send(
  statements: EngineStatements,
  text: string,
  values: readonly SqlValue[],
): Promise<readonly SqlRow[]> {
  try {
    const { rows } = await statements.query(text, values.map(toParameter), { parsers });
    return rows as readonly SqlRow[];
  } catch (error) {
    throw toSqlFailure(error);
  }
}
