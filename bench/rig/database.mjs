// PostgreSQL for measurements: that of TEST_DATABASE_URL, else the one on this machine. Each run has schemas of its own.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import pg from 'pg';

export const databaseUrl = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/test';

/** A key for all measurements: nothing of value is encrypted with it. */
export const encryptionKey = createHash('sha256').update('nest-gatehouse bench').digest('base64');

/** A pool that counts the statements of its clients, and knows the processes of the server that run them. */
export function openPool(max) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max });
  const counted = { statements: 0, processes: [] };
  pool.on('connect', (client) => {
    const { query } = client;
    client.query = (...given) => {
      // Without the readings of new revocations, which come every two seconds whatever the load is.
      if (!(given[0].text ?? given[0]).includes('pg_current_snapshot()')) counted.statements += 1;
      return query.apply(client, given);
    };
    counted.processes.push(client.processID);
  });
  return Object.assign(pool, { counted });
}

export async function dropSchema(pool, schema) {
  await pool.query(`drop schema if exists "${schema}" cascade`);
}

/** The processor time of processes of the server, in milliseconds; NaN where it runs on another machine. */
export function serverCpuMs(processes) {
  const times = processes.map((id) => {
    const account = `/proc/${id}/schedstat`;
    return existsSync(account) ? Number(readFileSync(account, 'latin1').split(' ', 1)[0]) / 1e6 : Number.NaN;
  });
  return times.reduce((sum, time) => sum + time, 0);
}

/** What the server is and how it is set, as far as it matters for the figures. */
export async function describeDatabase(pool) {
  const names = ['server_version', 'shared_buffers', 'fsync', 'synchronous_commit', 'autovacuum'];
  const { rows } = await pool.query('select name, current_setting(name) as value from unnest($1::text[]) as name', [
    names,
  ]);
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}
