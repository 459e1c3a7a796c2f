import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { endAfterwards } from '../support/app.js';
import { runWith } from '../support/cli.js';
import { DoctorProcess } from '../support/doctor-process.js';
import { freePort } from '../support/free-port.js';
import { dropSchema, newSchemaName, postgresMissing, postgresUrl, runSql } from '../support/postgres.js';

const secrets = {
  ENCRYPTION_KEY: Buffer.alloc(32, 'a key of the tests').toString('base64'),
  SECRET: 'client-geheim',
  SMTP_URL: 'smtp://mailer:mail-geheim@mail.example.com:587',
};
const environment = { ...secrets, PUBLIC_URL: 'https://api.example.com' };

let doctor: DoctorProcess;

beforeAll(async () => {
  doctor = await DoctorProcess.compile();
}, 60_000);

function expectNoSecret({ out, err }: { readonly out: string; readonly err: string }): void {
  for (const secret of [secrets.ENCRYPTION_KEY, secrets.SECRET, 'geheim']) {
    expect(out).not.toContain(secret);
    expect(err).not.toContain(secret);
  }
}

async function tablesOf(schema: string): Promise<string[]> {
  const rows = await runSql('select table_name from information_schema.tables where table_schema = $1', [schema]);
  return rows.map(({ table_name: name }) => String(name)).toSorted();
}

/** The rows of every table, and how often each was written: an update that leaves no trace would show as well. */
async function contentOf(schema: string): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {};
  for (const table of await tablesOf(schema)) {
    content[table] = await runSql(
      `select xmin::text, ctid::text, t::text as row from "${schema}"."${table}" t order by 2`,
    );
  }
  return content;
}

describe.skipIf(postgresMissing !== undefined)('an app with its stores in PostgreSQL', { timeout: 60_000 }, () => {
  const newSchema = (): string => {
    const schema = newSchemaName();
    endAfterwards(() => dropSchema(schema));
    return schema;
  };

  it('is told what the start would create, and nothing is created', async () => {
    const schema = newSchema();
    const finished = await doctor.checkApp('everything', { ...environment, DATABASE_URL: postgresUrl, SCHEMA: schema });
    expect(finished.find('database')).toMatchObject([{ status: 'warn' }]);
    expect(finished.find('database')[0]?.fix).toContain('npx nest-gatehouse migrate');
    expect(finished.code).toBe(0);
    expect(await tablesOf(schema)).toEqual([]);
    expectNoSecret(finished);
  });

  it('passes when it was migrated, and no row is written', async () => {
    const schema = newSchema();
    await runWith({ DATABASE_URL: postgresUrl }, 'migrate', '--schema', schema);
    const before = await contentOf(schema);
    const finished = await doctor.checkApp('everything', { ...environment, DATABASE_URL: postgresUrl, SCHEMA: schema });
    expect(finished.find('database')).toMatchObject([{ status: 'ok' }]);
    expect(finished.find('signing-keys')[0]?.found).toContain('there is none yet');
    expect(finished.find('mail')).toMatchObject([{ status: 'ok' }]);
    expect(finished.find('login-callback')[0]?.found).toContain('https://api.example.com/auth/callback/google');
    expect(finished.find('revocation')[0]?.found).toContain('SqlRevocationStore');
    expect(finished.find('api-keys')[0]?.found).toContain('acme_');
    expect(finished.code).toBe(0);
    expect(Object.keys(before).length).toBeGreaterThan(10);
    expect(await contentOf(schema)).toEqual(before);
    expectNoSecret(finished);
  });

  it('has the callback below the prefix of main.ts', async () => {
    const env = { ...environment, DATABASE_URL: postgresUrl, SCHEMA: newSchema() };
    const { find } = await doctor.checkApp('everything', env, ['--prefix', 'api', '--offline']);
    expect(find('login-callback')[0]?.found).toContain('https://api.example.com/api/auth/callback/google');
  });

  it('without its database fails for that, and its password is not printed', async () => {
    const url = `postgres://app:geheim@127.0.0.1:${await freePort()}/app`;
    const finished = await doctor.checkApp('everything', { ...environment, DATABASE_URL: url });
    expect(finished.code).toBe(1);
    expect(finished.find('database')).toMatchObject([{ status: 'fail' }]);
    expect(finished.find('database')[0]?.found).toContain('ECONNREFUSED');
    expectNoSecret(finished);
  });
});

describe('an app with its stores in a directory', { timeout: 60_000 }, () => {
  it('that is not there yet: it is not created, nor is a key', async () => {
    const directory = doctor.path('data');
    const env = { ...environment, ENCRYPTION_KEY: '', DIRECTORY: directory };
    const finished = await doctor.checkApp('everything', env);
    expect(finished.find('database')).toMatchObject([{ status: 'skipped' }]);
    expect(finished.find('signing-keys')).toMatchObject([{ status: 'skipped' }]);
    expect(finished.code).toBe(0);
    expect(existsSync(directory)).toBe(false);
  });
});
