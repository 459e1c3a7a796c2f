/** `npx nest-gatehouse migrate` against a database. */
import { describe, expect, it } from 'vitest';
import { migrations } from '../../src/sql/schema.js';
import { runWith } from '../support/cli.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { dropSchema, newSchemaName, postgresUrl, runSql } from '../support/postgres.js';
import { onPostgres } from '../support/store-runner.js';

describe('npx nest-gatehouse migrate', () => {
  it('fails when no database answers', async () => {
    const proxy = await DatabaseProxy.start();
    const { code, out, err } = await runWith({}, 'migrate', '--database-url', proxy.url);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe('The database cannot be used: it refuses the connection (ECONNREFUSED).\n');
  });

  onPostgres.it('creates the tables of DATABASE_URL once, several at once', async () => {
    const schema = newSchemaName();
    const migrate = () => runWith({ DATABASE_URL: postgresUrl }, 'migrate', '--schema', schema);
    try {
      const results = await Promise.all([migrate(), migrate(), migrate()]);
      for (const { code, out, err } of results) {
        expect({ code, err }).toEqual({ code: 0, err: '' });
        expect(out).toContain(`The tables of the schema ${schema} are up to date.\n`);
      }
      expect(results.filter(({ out }) => out.startsWith('Applied: sessions'))).toHaveLength(1);
      const applied = await runSql(`select version, name from ${schema}.migrations order by version`);
      expect(applied).toEqual(migrations.map(({ name }, at) => ({ version: at + 1, name })));
    } finally {
      await dropSchema(schema);
    }
  });
});
