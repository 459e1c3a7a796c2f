// A SessionStore of the package over a table with as many sessions as wanted. The rows are made by SQL.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { SessionStore, SqlStoresModule, postgres } from 'nest-gatehouse/sql';
import { encryptionKey } from '../rig/database.mjs';

const dayMs = 86_400_000;
const rowsAtOnce = 500_000;
const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36';

/**
 * The id of the session with a number, as SQL: a UUID of version 7, in the order of the numbers. Sessions of 90 days are in
 * the table, as with the default of `absoluteSeconds`.
 */
function idOf(number, { rows, now }) {
  const ms = `(${now - 90 * dayMs} + (${number})::int8 * ${90 * dayMs} / ${rows})`;
  const random = `md5('id' || ${number})`;
  return `(lpad(to_hex(${ms}), 12, '0') || '7' || substr(${random}, 1, 3) || '8' || substr(${random}, 4, 15))::uuid`;
}

/** One in so many has ended long ago and may be purged. */
function purgeableOf(rows) {
  return Math.min(10, Math.max(2, Math.floor(rows / 100_000)));
}

/** The dates at which the others may be purged are spread over 15 days. */
function insertion(table, plan, from, to) {
  const created = `to_timestamp((${plan.now - 90 * dayMs} + n * ${90 * dayMs} / ${plan.rows}) / 1000.0)`;
  const today = `date_trunc('day', to_timestamp(${plan.now / 1000}))`;
  return `insert into ${table} (id, user_id, seed, generation, replacements, created_at, auth_time, amr, delivery, remember,
      user_agent, ip_address, last_used_at, idle_expires_at, absolute_expires_at, remove_after)
    select ${idOf('n', plan)}, 'user-' || (n * 7919 % ${plan.rows}) / 2, decode(md5('seed' || n), 'hex'), 20,
      jsonb_build_array(jsonb_build_array(19, ${plan.now - dayMs})), ${created}, ${created}, '["pwd"]', null, true,
      '${agent}', '192.0.2.' || n % 250, ${created}, to_timestamp(${plan.now / 1000}) + interval '13 days',
      to_timestamp(${plan.now / 1000}) + interval '80 days',
      case when n % ${purgeableOf(plan.rows)} = 0 then ${today} - interval '1 day' * (n % 7) else ${today} + interval '1 day' * (1 + n % 15) end
    from generate_series(${from}::int8, ${to}::int8) as n`;
}

/** The indexes apart from the primary key are made afterwards, which takes a tenth of the time. */
async function insertMany(pool, schema, plan) {
  const table = `"${schema}".sessions`;
  const { rows: indexes } = await pool.query(
    `select indexname, indexdef from pg_indexes where schemaname = $1 and tablename = 'sessions' and indexname <> 'sessions_pkey'`,
    [schema],
  );
  for (const { indexname } of indexes) await pool.query(`drop index "${schema}"."${indexname}"`);
  for (let from = 1; from <= plan.rows; from += rowsAtOnce) {
    await pool.query(insertion(table, plan, from, Math.min(plan.rows, from + rowsAtOnce - 1)));
  }
  for (const { indexdef } of indexes) await pool.query(indexdef);
}

/** Whether the table has been filled before, and has not been purged too often since. */
async function isFull(pool, table, rows) {
  const { rows: found } = await pool.query(
    `select count(*)::int8::text as all, count(*) filter (where remove_after <= now())::int8::text as old from ${table}`,
  );
  const [{ all, old }] = found;
  return Number(all) > rows / 2 && Number(old) > rows / purgeableOf(rows) / 2;
}

/**
 * Opens a schema with so many sessions. Where it is there already, and full enough, it is used as it is.
 *
 * @returns its store, and what closes it; the pool stays open
 */
export async function openSessions(pool, schema, rows) {
  const plan = { rows, now: Date.now() };
  class Root {}
  Module({
    imports: [SqlStoresModule.forRoot({ database: postgres(pool), schema, encryptionKey, statementTimeoutMs: 60_000 })],
  })(Root);
  const app = await NestFactory.createApplicationContext(Root, { logger: false });
  const table = `"${schema}".sessions`;
  if (rows > 0 && !(await isFull(pool, table, rows))) {
    await pool.query(`truncate ${table}`);
    await insertMany(pool, schema, plan);
  }
  // Afterwards no reading has to note that a row was committed, and the planner knows the table.
  await pool.query(`vacuum (analyze) ${table}`);
  return { store: app.get(SessionStore), table, purge: () => maintenanceOf(app).purge(), close: () => app.close() };
}

/** The job that deletes old sessions. It is no part of the public interface. */
function maintenanceOf(app) {
  const providers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.providers.values()]);
  return providers.find(({ name }) => name === 'SqlMaintenance').instance;
}

/** The ids of sessions that may be refreshed, from everywhere in the table. */
export async function someIds(pool, { table }, number) {
  const { rows: found } = await pool.query(
    `select reltuples::int8::text as rows from pg_class where oid = $1::regclass`,
    [table],
  );
  const percent = Math.min(100, (number / Number(found[0].rows)) * 200);
  const { rows } = await pool.query(
    `select id from ${table} tablesample bernoulli (${percent}) where remove_after > now() order by random() limit $1`,
    [number],
  );
  return rows.map(({ id }) => id);
}
