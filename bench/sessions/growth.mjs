// What a refresh costs the database with 10,000,000 sessions, beside 1,000; and beside the job that deletes old ones.
//
// A refresh is what SessionStore does for it: `find`, then `rotate`. Nothing of HTTP and of tokens is in here. Both tables are
// measured in turn, a few hundred refreshes each, of sessions anywhere in the table, and the median of the ratios counts.
// `--rows=1000000` makes a smaller table; `--keep` leaves the large one for the next run.
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../rig/flags.mjs';
import { describeDatabase, dropSchema, openPool, serverCpuMs } from '../rig/database.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, quantile, round, shuffled } from '../rig/statistics.mjs';
import { fixed, grouped, table } from '../rig/table.mjs';
import { failBeyond, target, targetsTable } from '../speed/targets.mjs';
import { openSessions, someIds } from './many-sessions.mjs';

const dayMs = 86_400_000;
const inFlight = 8;
/** What `SqlMaintenance` deletes at most, in one go. */
const mostPurged = 50_000;

/** What `SessionRotation` asks of the store. */
async function refresh(store, id) {
  const session = await store.find(id);
  const now = Date.now();
  const idleExpiresAt = new Date(Math.min(now + 14 * dayMs, session.absoluteExpiresAt.getTime()));
  const isRotated = await store.rotate(id, {
    generation: session.generation,
    replacements: [{ generation: session.generation, at: new Date(now) }, ...session.replacements.slice(0, 1)],
    lastUsedAt: new Date(now),
    idleExpiresAt,
    // Equal to what it is in the row on all days but one of the idle time.
    removeAfter: session.removeAfter,
  });
  if (!isRotated) throw new Error('A refresh found that another one came first');
}

async function measureSlice({ sessions, pool, ids, at }, refreshes) {
  const wanted = ids.slice(at, at + refreshes);
  const cpu = serverCpuMs(pool.counted.processes);
  const times = [];
  for (const id of wanted) {
    const began = performance.now();
    await refresh(sessions.store, id);
    times.push(performance.now() - began);
  }
  return { ms: median(times), cpuMs: (serverCpuMs(pool.counted.processes) - cpu) / wanted.length };
}

/** Refreshes one after the other, on both tables in turn. */
async function compareSizes(sides, { slices, refreshes }) {
  const found = { small: [], large: [] };
  for (let slice = -2; slice < slices; slice += 1) {
    for (const name of shuffled(['small', 'large'])) {
      const side = sides[name];
      const measured = await measureSlice(side, refreshes);
      side.at = (side.at + refreshes) % side.ids.length;
      // The first ones are those of a cold start.
      if (slice >= 0) found[name].push(measured);
    }
  }
  const ratio = (member) => median(found.large.map((one, at) => one[member] / found.small[at][member]));
  const middle = (list, member) => round(median(list.map((one) => one[member])), 3);
  return {
    refreshes: found.small.length * refreshes,
    small: { ms: middle(found.small, 'ms'), cpuMs: middle(found.small, 'cpuMs') },
    large: { ms: middle(found.large, 'ms'), cpuMs: middle(found.large, 'cpuMs') },
    ratio: round(ratio('ms'), 3),
    cpuRatio: round(ratio('cpuMs'), 3),
  };
}

async function updatesOf(pool, table) {
  // The server counts what a connection did when the connection has been idle for a moment.
  await pool.query('select pg_sleep(1.5)');
  const { rows } = await pool.query(
    `select n_tup_upd::text as all, n_tup_hot_upd::text as hot from pg_stat_user_tables where relid = $1::regclass`,
    [table],
  );
  return { all: Number(rows[0].all), hot: Number(rows[0].hot) };
}

/** Refreshes with several in flight, until something else is done. @returns their times in milliseconds, and how long it took */
async function refreshDuring({ sessions, ids }, work) {
  const times = [];
  let isDone = false;
  let next = Math.floor(Math.random() * ids.length);
  const worker = async () => {
    while (!isDone) {
      const id = ids[next++ % ids.length];
      const began = performance.now();
      await refresh(sessions.store, id);
      times.push(performance.now() - began);
    }
  };
  const began = performance.now();
  const done = work().finally(() => {
    isDone = true;
  });
  await Promise.all([...Array.from({ length: inFlight }, worker), done]);
  return { times, seconds: (performance.now() - began) / 1000 };
}

/** The job of `SqlStoresModule`, which runs each five minutes at most. */
async function measurePurge(side, { rounds }) {
  const found = { alone: [], beside: [] };
  let seconds = 1;
  for (let at = -1; at < rounds; at += 1) {
    const works = { alone: () => sleep(seconds * 1000), beside: side.sessions.purge };
    for (const name of at < 0 ? ['beside'] : shuffled(['alone', 'beside'])) {
      const measured = await refreshDuring(side, works[name]);
      if (name === 'beside') seconds = measured.seconds;
      const { times } = measured;
      const figures = { p50: median(times), p99: quantile(times, 0.99), perSecond: times.length / measured.seconds };
      if (at >= 0) found[name].push({ ...figures, seconds: measured.seconds });
    }
  }
  const middle = (list, member) => round(median(list.map((one) => one[member])), 3);
  const figures = (list) => ({
    p50: middle(list, 'p50'),
    p99: middle(list, 'p99'),
    perSecond: middle(list, 'perSecond'),
  });
  return {
    removed: mostPurged,
    seconds: middle(found.beside, 'seconds'),
    alone: figures(found.alone),
    beside: figures(found.beside),
    ratio: round(median(found.beside.map(({ p99 }, at) => p99 / found.alone[at].p99)), 3),
  };
}

export function growthTable({ rows, sizes, purge }) {
  const one = [
    ['1,000', fixed(sizes.small.ms, 3), fixed(sizes.small.cpuMs * 1000, 0)],
    [grouped(rows), fixed(sizes.large.ms, 3), fixed(sizes.large.cpuMs * 1000, 0)],
    ['ratio', fixed(sizes.ratio), fixed(sizes.cpuRatio)],
  ];
  const many = [
    [`${inFlight} refreshes in flight`, fixed(purge.alone.p50), fixed(purge.alone.p99), grouped(purge.alone.perSecond)],
    [
      `the same while ${grouped(purge.removed)} sessions are deleted in ${fixed(purge.seconds, 1)} s`,
      fixed(purge.beside.p50),
      fixed(purge.beside.p99),
      grouped(purge.beside.perSecond),
    ],
  ];
  return [
    table(['sessions in the table', 'ms a refresh, one at a time', 'CPU µs of the server'], one),
    table([`${grouped(rows)} sessions`, 'p50 ms', 'p99 ms', 'refreshes/s'], many),
  ].join('\n\n');
}

async function openSide(pool, schema, rows, ids) {
  const sessions = await openSessions(pool, schema, rows);
  return { pool, sessions, ids: await someIds(pool, sessions, ids), at: 0 };
}

export async function runGrowth(options) {
  const rows = count(options, 'rows', 10_000_000, 100_000);
  const plan = {
    slices: count(options, 'slices', 40, 8),
    refreshes: 250,
    rounds: count(options, 'rounds', 9, 3),
  };
  const schemas = { small: 'gatehouse_bench_small', large: `gatehouse_bench_${rows}` };
  const pools = { small: openPool(1), large: openPool(1), many: openPool(inFlight + 1) };
  try {
    const sides = {
      small: await openSide(pools.small, schemas.small, 1_000, 250),
      large: await openSide(pools.large, schemas.large, rows, Math.min(20_000, rows / 4)),
    };
    await pools.large.query('checkpoint');
    const before = await updatesOf(pools.large, sides.large.sessions.table);
    const sizes = await compareSizes(sides, plan);
    const after = await updatesOf(pools.large, sides.large.sessions.table);
    const hot = round((after.hot - before.hot) / (after.all - before.all), 4);
    const many = await openSide(pools.many, schemas.large, rows, Math.min(50_000, rows / 4));
    const purge = await measurePurge(many, plan);
    const targets = [
      target(`a refresh with ${grouped(rows)} sessions, beside 1,000`, sizes.ratio, {
        most: 1.15,
        unit: '×',
        fails: 1.5,
      }),
      target('updates of refreshes that change no index (HOT)', hot, { least: 0.95, fails: 0.8 }),
      target('p99 of a refresh beside the purge, of that without', purge.ratio, { most: 2, unit: '×', fails: 4 }),
    ];
    const database = await describeDatabase(pools.small);
    const result = { plan, rows, database, targets, sizes, hot, purge };
    saveResult('growth', result, options.quick);
    console.log(`\nMany sessions\n\n${targetsTable(targets)}\n\n${growthTable(result)}`);
    failBeyond(targets);
    for (const { sessions } of [...Object.values(sides), many]) await sessions.close();
  } finally {
    await dropSchema(pools.small, schemas.small);
    if (options.flags.keep !== true) await dropSchema(pools.small, schemas.large);
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
  }
}
