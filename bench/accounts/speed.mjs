// What signing in with a password costs: sign-ins of AccountsModule on PostgreSQL, compared with a handler that is written by hand with
// the same hash, its own select and the sessions of nest-gatehouse, and with one that issues a bare token; and what a burst of sign-ins
// does to a guarded route.
//
// 32 requests are in flight. The handlers compute 4 hashes at once (--hashes-at-once); nest-gatehouse as many as it does by default. In each round each app is measured there and back, and the median of the rounds' ratios counts.
import { Child, startAppProcess } from '../rig/child.mjs';
import { describeDatabase, dropSchema, openPool } from '../rig/database.mjs';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round, shuffled } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { makeKey } from '../rig/tokens.mjs';
import { failBeyond, target, targetsTable } from '../speed/targets.mjs';
import { openSessions } from '../sessions/many-sessions.mjs';
import { addPeople, addressOf, networkOf, password, publicUrl } from './people.mjs';

const inFlight = 32;
const people = 500;
const titles = {
  gatehouse: 'nest-gatehouse',
  'hand-written': 'hand-written, with the sessions of nest-gatehouse',
  'bare-token': 'hand-written, a bare token without a session',
};
const schemaOf = (name) => `gatehouse_bench_accounts_${name.replace('-', '_')}`;

function signIn(port, body) {
  const headers = {
    'content-type': 'application/json',
    origin: publicUrl,
    'x-token-delivery': 'body',
    'x-forwarded-for': networkOf(people),
  };
  return fetch(`http://127.0.0.1:${port}/auth/sign-in`, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** An app is measured only if it refuses what must be refused, because a missing check saves time. */
async function checkSignIns(title, port) {
  const right = await signIn(port, { email: addressOf('verified', 0), password });
  const { access_token: token } = await right.json();
  if (right.status !== 200 || token === undefined) throw new Error(`${title} does not sign in: ${right.status}`);
  const wrong = {
    'a wrong password': { email: addressOf('verified', 0), password: `${password}!` },
    'a login without an account': { email: 'nobody@example.com', password },
    'a disabled account': { email: addressOf('disabled', 0), password },
  };
  for (const [what, body] of Object.entries(wrong)) {
    const { status } = await signIn(port, body);
    if (status !== 401) throw new Error(`${title} answers ${what} with ${status}`);
  }
  return token;
}

async function openApp(name, pool, config) {
  const schema = schemaOf(name);
  await dropSchema(pool, schema);
  await (await openSessions(pool, schema, 0)).close();
  await addPeople(pool, schema, 'verified', people);
  await addPeople(pool, schema, 'disabled', 1);
  const app = await startAppProcess({ module: '../accounts/account-app.mjs', contender: name, schema, ...config });
  return { name, app, token: await checkSignIns(titles[name], app.port) };
}

async function load(client, { name, app }, plan) {
  const before = await app.ask('usage');
  const { requests, seconds, statuses, p50, p99 } = await client.ask('signIn', {
    port: app.port,
    connections: inFlight,
    people,
    ...plan,
  });
  const after = await app.ask('usage');
  if (statuses['200'] !== requests) throw new Error(`${titles[name]} answered ${JSON.stringify(statuses)}`);
  const cpuMs = (after.user - before.user + (after.system - before.system)) / 1_000;
  return {
    perSecond: requests / seconds,
    cpuMs: cpuMs / requests,
    p50,
    p99,
    statements: (after.statements - before.statements) / requests,
  };
}

async function compare(client, servers, { rounds, seconds }) {
  const names = servers.map(({ name }) => name);
  const found = Object.fromEntries(names.map((name) => [name, []]));
  // The first one is that of the compiler, and after it the networks of the people are known.
  for (const server of servers) await load(client, server, { amount: people });
  for (let at = 0; at < rounds; at += 1) {
    const order = shuffled(servers);
    const pairs = Object.fromEntries(names.map((name) => [name, []]));
    for (const server of [...order, ...order.toReversed()])
      pairs[server.name].push(await load(client, server, { seconds }));
    for (const name of names) {
      const [one, other] = pairs[name];
      found[name].push(Object.fromEntries(Object.keys(one).map((key) => [key, (one[key] + other[key]) / 2])));
    }
  }
  const middle = (name) =>
    Object.fromEntries(
      Object.keys(found[name][0]).map((key) => [key, round(median(found[name].map((one) => one[key])), 4)]),
    );
  const ratioTo = (name) =>
    round(median(found.gatehouse.map(({ perSecond }, at) => perSecond / found[name][at].perSecond)), 3);
  return {
    apps: Object.fromEntries(names.map((name) => [name, middle(name)])),
    ratios: Object.fromEntries(names.slice(1).map((name) => [name, ratioTo(name)])),
  };
}

/** How long a guarded route takes before and while so many sign in at once. */
async function measureBurst(client, { app, token }, { bursts, burstSize, quietSeconds }) {
  await client.ask('keepToken', { token });
  const found = [];
  for (let at = 0; at < bursts; at += 1) {
    const { port } = app;
    const before = await client.ask('quiet', { port, seconds: quietSeconds });
    const { burst, beside } = await client.ask('burst', { port, amount: burstSize });
    if (Object.keys(beside.statuses).some((status) => status !== '200'))
      throw new Error(`The guarded route answered ${JSON.stringify(beside.statuses)}`);
    found.push({ before, beside, burst });
  }
  const middle = (of) => round(median(found.map(of)), 3);
  return {
    burstSize,
    before: { p50: middle(({ before }) => before.p50), p99: middle(({ before }) => before.p99) },
    during: { p50: middle(({ beside }) => beside.p50), p99: middle(({ beside }) => beside.p99) },
    p99Ratio: middle(({ before, beside }) => beside.p99 / before.p99),
    seconds: middle(({ burst }) => burst.seconds),
    signIns: { p50: middle(({ burst }) => burst.p50), p99: middle(({ burst }) => burst.p99) },
    statuses: found.map(({ burst }) => burst.statuses),
  };
}

export function speedTable({ apps, ratios, bursts }) {
  const rows = Object.entries(apps).map(([name, { perSecond, cpuMs, p50, p99, statements }]) => [
    titles[name],
    fixed(perSecond, 1),
    fixed(ratios[name], 2),
    fixed(cpuMs, 1),
    fixed(p50, 0),
    fixed(p99, 0),
    fixed(statements, 1),
  ]);
  const burstRows = Object.entries(bursts).flatMap(([name, { before, during, seconds, statuses }]) => [
    [titles[name], 'before', fixed(before.p50), fixed(before.p99), ''],
    [titles[name], `during, ${fixed(seconds, 1)} s`, fixed(during.p50), fixed(during.p99), JSON.stringify(statuses)],
  ]);
  return [
    table(
      [
        `sign-ins, ${inFlight} in flight`,
        'each second',
        'nest-gatehouse, of this',
        'CPU ms',
        'p50 ms',
        'p99 ms',
        'statements',
      ],
      rows,
    ),
    table(['a guarded route beside a burst', '', 'p50 ms', 'p99 ms', 'sign-ins'], burstRows),
  ].join('\n\n');
}

export async function runAccountsSpeed(options) {
  const plan = {
    rounds: count(options, 'rounds', 9, 2),
    seconds: count(options, 'seconds', 3, 1),
    bursts: count(options, 'bursts', 5, 1),
    burstSize: count(options, 'burst-size', 500, 100),
    hashesAtOnce: count(options, 'hashes-at-once', 4, 4),
    quietSeconds: count(options, 'quiet-seconds', 5, 1),
  };
  const key = makeKey('ES256');
  const privatePem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const config = { signingKey: { kid: key.kid, privatePem }, hashesAtOnce: plan.hashesAtOnce };
  const pool = openPool(1);
  const client = new Child(new URL('./client-process.mjs', import.meta.url));
  const servers = [];
  try {
    for (const name of Object.keys(titles)) servers.push(await openApp(name, pool, config));
    const { apps, ratios } = await compare(client, servers, plan);
    const bursts = {};
    for (const server of servers.slice(0, 2)) bursts[server.name] = await measureBurst(client, server, plan);
    const result = { plan, database: await describeDatabase(pool), apps, ratios, bursts };
    const targets = [
      target('sign-ins a second, of a hand-written handler', ratios['hand-written'], { least: 0.9, fails: 0.6 }),
      target(`p99 of a guarded route during ${plan.burstSize} sign-ins, of before`, bursts.gatehouse.p99Ratio, {
        most: 2,
      }),
    ];
    saveResult('accounts-speed', { ...result, targets }, options.quick);
    console.log(`\nSigning in with a password\n\n${targetsTable(targets)}\n\n${speedTable(result)}`);
    failBeyond(targets);
  } finally {
    await Promise.all([client, ...servers.map(({ app }) => app)].map((child) => child.stop()));
    for (const name of Object.keys(titles)) await dropSchema(pool, schemaOf(name));
    await pool.end();
  }
}
