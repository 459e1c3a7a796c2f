// What sessions cost: refreshes and sign-ins of SessionsModule on PostgreSQL, beside a handler that is written by hand with the
// same statements, signature, cookies and rules; the statements of each request; and the memory of a revoked token.
//
// Both apps are on Express, with 32 requests in flight of as many sessions as wanted, each with a schema of its own. In each round
// both are measured there and back, and the median of the rounds' ratios counts.
import { Child, startAppProcess } from '../rig/child.mjs';
import { describeDatabase, dropSchema, openPool } from '../rig/database.mjs';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round, shuffled } from '../rig/statistics.mjs';
import { fixed, grouped, table } from '../rig/table.mjs';
import { makeKey } from '../rig/tokens.mjs';
import { failBeyond, target, targetsTable } from '../speed/targets.mjs';
import { checkRefreshes } from './must-refuse.mjs';
import { openSessions } from './many-sessions.mjs';

const inFlight = 32;
const titles = { gatehouse: 'nest-gatehouse', 'hand-written': 'hand-written' };
const schemaOf = (name) => `gatehouse_bench_${name.replace('-', '_')}`;

async function openApp(name, pool, config) {
  const schema = schemaOf(name);
  // The tables of both are those of the package.
  await (await openSessions(pool, schema, 0)).close();
  const module = '../sessions/session-app.mjs';
  const app = await startAppProcess({
    module,
    contender: name,
    adapter: config.adapter,
    schema,
    signingKey: config.signingKey,
  });
  await checkRefreshes(titles[name], app.port, pool, schema);
  return { name, app };
}

/** Loads one app, and gives what a request cost its process. */
async function load(client, { name, app }, kind, plan) {
  const before = await app.ask('usage');
  const { requests, seconds, statuses, p50, p99 } = await client.ask(kind, {
    port: app.port,
    connections: inFlight,
    ...plan,
  });
  const after = await app.ask('usage');
  if (statuses['200'] !== requests) throw new Error(`${titles[name]} answered ${JSON.stringify(statuses)} to ${kind}`);
  const cpu = after.user - before.user + (after.system - before.system);
  return {
    cpuUs: cpu / requests,
    perSecond: requests / seconds,
    p50,
    p99,
    statements: (after.statements - before.statements) / requests,
  };
}

/** Both apps, there and back. */
async function measureRound(client, servers, kind, plan) {
  const order = shuffled(servers);
  const found = Object.fromEntries(servers.map(({ name }) => [name, []]));
  for (const server of [...order, ...order.toReversed()])
    found[server.name].push(await load(client, server, kind, plan));
  const mean = ([one, other]) =>
    Object.fromEntries(Object.keys(one).map((member) => [member, (one[member] + other[member]) / 2]));
  return Object.fromEntries(Object.entries(found).map(([name, pair]) => [name, mean(pair)]));
}

function summary(rounds) {
  const middle = (name) =>
    Object.fromEntries(
      Object.keys(rounds[0][name]).map((member) => [member, round(median(rounds.map((one) => one[name][member])), 4)]),
    );
  const ratio = (of) => round(median(rounds.map(of)), 3);
  return {
    gatehouse: middle('gatehouse'),
    'hand-written': middle('hand-written'),
    rateRatio: ratio((one) => one.gatehouse.perSecond / one['hand-written'].perSecond),
    cpuRatio: ratio((one) => one['hand-written'].cpuUs / one.gatehouse.cpuUs),
  };
}

async function compare(client, servers, kind, { rounds, ...plan }) {
  const found = [];
  // The first one is that of the compiler.
  for (let at = -1; at < rounds; at += 1) {
    const measured = await measureRound(client, servers, kind, plan);
    if (at >= 0) found.push(measured);
  }
  return summary(found);
}

async function weighRevocations(entries) {
  const found = [];
  for (const kind of ['token', 'session']) {
    const child = new Child(new URL('./memory-process.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
    const { bytesEach } = await child.ask('measure', { kind, entries });
    await child.stop();
    found.push({ kind, entries, bytesEach: round(bytesEach, 3) });
  }
  return found;
}

export function sessionsTable({ refresh, signIn, guarded, memory }) {
  const row = (what, { perSecond, cpuUs, p50, p99, statements }) => [
    what,
    grouped(perSecond),
    fixed(cpuUs, 0),
    fixed(p50, 1),
    fixed(p99, 1),
    fixed(statements, 2),
  ];
  const rows = [
    row('refresh, nest-gatehouse', refresh.gatehouse),
    row('refresh, hand-written', refresh['hand-written']),
    row('sign-in, nest-gatehouse', signIn.gatehouse),
    row('sign-in, hand-written', signIn['hand-written']),
    row('a guarded request with its cookie', guarded),
  ];
  const ratios = [
    ['refresh', fixed(refresh.rateRatio), fixed(refresh.cpuRatio)],
    ['sign-in', fixed(signIn.rateRatio), fixed(signIn.cpuRatio)],
  ];
  return [
    table([`${inFlight} in flight`, 'requests/s', 'CPU µs', 'p50 ms', 'p99 ms', 'statements'], rows),
    table(['nest-gatehouse, of hand-written', 'requests/s', 'per CPU second'], ratios),
    table(
      ['revoked', 'number', 'bytes each'],
      memory.map(({ kind, entries, bytesEach }) => [kind, grouped(entries), fixed(bytesEach, 1)]),
    ),
  ].join('\n\n');
}

function targetsOf({ refresh, signIn, guarded, memory }) {
  return [
    target('refreshes a second, of a hand-written handler', refresh.rateRatio, { least: 0.8, fails: 0.6 }),
    target('refreshes a CPU second, of a hand-written handler', refresh.cpuRatio, { least: 0.8, fails: 0.6 }),
    target('statements of a refresh', refresh.gatehouse.statements, { most: 2, fails: 2 }),
    target('statements of a sign-in', signIn.gatehouse.statements, { most: 2, fails: 2 }),
    target('statements of a guarded request', guarded.statements, { most: 0, fails: 0 }),
    target('memory of a revoked token', memory[0].bytesEach, { most: 35, unit: ' B', fails: 60 }),
  ];
}

export async function runSessions(options) {
  const plan = {
    rounds: count(options, 'rounds', 15, 3),
    seconds: count(options, 'seconds', 1, 0.5),
    sessions: count(options, 'sessions', 2_000, 200),
    revocations: count(options, 'revocations', 1_000_000, 100_000),
  };
  const key = makeKey('ES256');
  const privatePem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const config = { adapter: options.flags.adapter ?? 'express', signingKey: { kid: key.kid, privatePem } };
  const pool = openPool(1);
  const client = new Child(new URL('./client-process.mjs', import.meta.url));
  const servers = [];
  try {
    for (const name of Object.keys(titles)) servers.push(await openApp(name, pool, config));
    for (const server of servers) await load(client, server, 'signIn', { amount: plan.sessions, keep: true });
    const times = { rounds: plan.rounds, seconds: plan.seconds };
    const refresh = await compare(client, servers, 'refresh', times);
    const signIn = await compare(client, servers, 'signIn', { ...times, rounds: Math.ceil(plan.rounds / 3) });
    await load(client, servers[0], 'guarded', times);
    const guarded = await load(client, servers[0], 'guarded', times);
    const memory = await weighRevocations(plan.revocations);
    const result = {
      plan,
      adapter: config.adapter,
      database: await describeDatabase(pool),
      refresh,
      signIn,
      guarded,
      memory,
    };
    const targets = targetsOf(result);
    saveResult('sessions', { ...result, targets }, options.quick || options.flags.adapter !== undefined);
    console.log(`\nSessions\n\n${targetsTable(targets)}\n\n${sessionsTable(result)}`);
    failBeyond(targets);
  } finally {
    await Promise.all([client, ...servers.map(({ app }) => app)].map((child) => child.stop()));
    for (const name of Object.keys(titles)) await dropSchema(pool, schemaOf(name));
    await pool.end();
  }
}
