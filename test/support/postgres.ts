/**
 * Finds the PostgreSQL of the tests: `TEST_DATABASE_URL`, else the database `test` on 127.0.0.1:5432. Each test works in
 * schemas of its own and drops them.
 */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export const postgresUrl = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

/** Why tests against PostgreSQL are skipped; `undefined` where one answers. */
export const postgresMissing: string | undefined = await findProblem();

async function findProblem(): Promise<string | undefined> {
  const client = new Client({ connectionString: postgresUrl, connectionTimeoutMillis: 3_000 });
  try {
    await client.connect();
    return undefined;
  } catch {
    return process.env['TEST_DATABASE_URL'] === undefined
      ? 'no PostgreSQL with a database test on 127.0.0.1:5432; TEST_DATABASE_URL can name another one'
      : 'no PostgreSQL answers at TEST_DATABASE_URL';
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Runs statements that the code under test has no part in. */
export async function runSql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** The name of a schema that no other test has. It is not created. */
export function newSchemaName(): string {
  return `gatehouse_test_${randomBytes(6).toString('hex')}`;
}

export async function dropSchema(schema: string): Promise<void> {
  await runSql(`drop schema if exists "${schema}" cascade`);
}
