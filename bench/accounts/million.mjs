// What the statements of the stores of accounts and groups cost PostgreSQL with 1,000,000 accounts.
//
// The stores are called as an app calls them; each statement that they send is then run again under EXPLAIN (ANALYZE), with the same
// values, and its time of planning and execution counts. `--rows=100000` makes fewer accounts; `--keep` leaves them for the next run.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AccountStore, GroupStore, SqlStoresModule, postgres } from 'nest-gatehouse/sql';
import { describeDatabase, dropSchema, encryptionKey, openPool } from '../rig/database.mjs';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round } from '../rig/statistics.mjs';
import { fixed, grouped, table } from '../rig/table.mjs';
import { failBeyond, target, targetsTable } from '../speed/targets.mjs';

const firstNames =
  'anna ben chloé david elif farid grace hugo ines jonas kira liam mia noah olga paul rosa samir tomas yara';
const lastNames =
  'smith müller garcía rossi nowak ivanov kim nguyen silva cohen dubois hansen khan lopez meyer novak okafor patel';
/** The first tenth was moved in from another system, which gave its users such names. */
const imported = 'legacy_';
const limit = 50;
/** No statistics tell the planner that the newest of the matches are far down in the list, so this has no target. */
const oldest = 'a beginning that only the oldest accounts have';

/** The ids are in the order of the numbers. A hash of the number decides what an account is called, so that names are spread evenly. */
function accountsOf(schema, rows) {
  const list = (names) => `('{${names.replaceAll(' ', ',')}}'::text[])`;
  const pick = (names, seed) => `${list(names)}[1 + abs(hashint8extended(n, ${seed})) % ${names.split(' ').length}]`;
  const ms = `(1700000000000 + n * 60000)`;
  const id = `(lpad(to_hex(${ms}), 12, '0') || '7' || substr(md5('id' || n), 1, 3) || '8' || substr(md5('id' || n), 4, 15))::uuid`;
  const hash = `'$argon2id$v=19$m=19456,t=2,p=1$' || md5('salt' || n) || '$' || md5('hash' || n)`;
  return `insert into "${schema}".accounts (id, email, email_key, email_verified, username, username_key, name, name_key, given_name,
      family_name, status, is_anonymous, credentials, custom_data, created_at, updated_at, last_sign_in_at)
    select ${id}, email, email, true, username, username, initcap(given || ' ' || family), given || ' ' || family, initcap(given),
      initcap(family), 'enabled', false, json_build_object('passwordHash', ${hash})::text, '{"locale":"en","plan":"free"}',
      to_timestamp(${ms} / 1000), to_timestamp(${ms} / 1000), to_timestamp(${ms} / 1000 + 86400)
    from (select n, given, family, given || '.' || family || n || '@example.com' as email,
        case when n <= ${rows / 10} then '${imported}' || n when n % 2 = 0 then given || n end as username
      from (select n, ${pick(firstNames, 1)} as given, ${pick(lastNames, 2)} as family
        from generate_series(1, ${rows}::int8) as n) as people) as named`;
}

function membersOf(schema, name, every) {
  return `insert into "${schema}".group_members (group_id, account_id)
    select known.id, account.id
    from (select id, row_number() over (order by id) as at from "${schema}".accounts) as account, "${schema}".groups as known
    where known.name = '${name}' and account.at % ${every} = 0`;
}

/** Sizes of groups, each with the share of the accounts that it has. */
const groups = { team: 100_000, staff: 100, customers: 2 };

async function fill(pool, schema, stores, rows) {
  const { rows: found } = await pool.query(`select count(*)::int4 as accounts from "${schema}".accounts`);
  if (found[0].accounts === rows) return;
  await pool.query(`truncate "${schema}".accounts, "${schema}".groups cascade`);
  await pool.query(accountsOf(schema, rows));
  const now = new Date();
  for (const [name, every] of Object.entries(groups)) {
    await stores.groups.create({ name, description: null, customData: {}, createdAt: now, updatedAt: now });
    await pool.query(membersOf(schema, name, every));
  }
}

/** Notes what is sent by the clients of a pool. */
function recordStatements(pool) {
  const sent = [];
  pool.on('connect', (client) => {
    const { query } = client;
    client.query = (...given) => {
      if (typeof given[0] === 'object') sent.push({ text: given[0].text, values: given[0].values });
      return query.apply(client, given);
    };
  });
  return sent;
}

function nodesOf(plan) {
  const index = plan['Index Name'] ?? plan['Relation Name'];
  const below = (plan.Plans ?? []).filter((node) => node['Parent Relationship'] !== 'SubPlan').flatMap(nodesOf);
  return index === undefined ? below : [`${plan['Node Type']} of ${index}`, ...below];
}

/** Runs a statement as often as asked for, and undoes what it did. */
async function explain(pool, { text, values }, times) {
  const client = await pool.connect();
  const found = [];
  try {
    for (let at = -1; at < times; at += 1) {
      await client.query('begin');
      const { rows } = await client.query(`explain (analyze, format json) ${text}`, values);
      await client.query('rollback');
      // The first one reads what is in no cache.
      if (at >= 0) found.push(rows[0]['QUERY PLAN'][0]);
    }
  } finally {
    client.release();
  }
  const ms = found.map((plan) => plan['Planning Time'] + plan['Execution Time']);
  return { ms: round(median(ms), 3), plan: [...new Set(nodesOf(found[0].Plan))].join(', ') };
}

/** What apps ask, each as a call of a store. */
function callsOf({ accounts, groups: groupStore }, { account, middle }) {
  const list = (query) => accounts.list({ group: null, search: null, afterId: null, limit, ...query });
  const { id, emailKey, usernameKey } = account;
  const searches = {
    'a letter': 'm',
    'a name': 'anna',
    'a name and an initial': 'anna.m',
    'the name of one': emailKey.slice(0, -5),
    'a name of nobody': 'zz',
  };
  const everyGroup = Object.keys(groups);
  return {
    'find by e-mail': () => accounts.findByEmail(emailKey),
    'note a sign-in': () => accounts.noteSignIn(id, new Date()),
    'find by id': () => accounts.find(id),
    'find by username': () => accounts.findByUsername(usernameKey),
    'groups of an account': () => groupStore.list({ accountId: id, afterName: null, limit }),
    'first page': () => list({}),
    'page in the middle': () => list({ afterId: middle }),
    ...Object.fromEntries(everyGroup.map((group) => [`members of ${group}`, () => list({ group })])),
    'members of customers, page in the middle': () => list({ group: 'customers', afterId: middle }),
    ...Object.fromEntries(Object.entries(searches).map(([what, search]) => [what, () => list({ search })])),
    'a name, page in the middle': () => list({ search: 'anna', afterId: middle }),
    [oldest]: () => list({ search: imported }),
    ...Object.fromEntries(
      everyGroup.flatMap((group) =>
        Object.entries(searches).map(([what, search]) => [`${what} in ${group}`, () => list({ group, search })]),
      ),
    ),
  };
}

async function measure(pool, schema, stores, sent, rows) {
  const { rows: found } = await pool.query(
    `select id::text, username_key is not null as is_named from "${schema}".accounts
      order by id offset ${Math.floor(rows / 2)} limit 2`,
  );
  const middle = found.find(({ is_named }) => is_named).id;
  const account = await stores.accounts.find(middle);
  const measured = [];
  for (const [what, call] of Object.entries(callsOf(stores, { account, middle }))) {
    sent.length = 0;
    await call();
    const statements = [...sent];
    const explained = [];
    for (const statement of statements) explained.push(await explain(pool, statement, 9));
    const ms = round(
      explained.reduce((sum, one) => sum + one.ms, 0),
      3,
    );
    measured.push({ what, ms, statements: statements.length, plan: explained.map(({ plan }) => plan).join('; ') });
  }
  return measured;
}

export async function runMillion(options) {
  const rows = count(options, 'rows', 1_000_000, 100_000);
  const schema = `gatehouse_bench_accounts_${rows}`;
  const pools = { stores: openPool(2), own: openPool(1) };
  const sent = recordStatements(pools.stores);
  class Root {}
  Module({
    imports: [
      SqlStoresModule.forRoot({ database: postgres(pools.stores), schema, encryptionKey, statementTimeoutMs: 60_000 }),
    ],
  })(Root);
  try {
    const app = await NestFactory.createApplicationContext(Root, { logger: false });
    const stores = { accounts: app.get(AccountStore), groups: app.get(GroupStore) };
    await fill(pools.own, schema, stores, rows);
    await pools.own.query(`vacuum (analyze) "${schema}".accounts, "${schema}".groups, "${schema}".group_members`);
    const measured = await measure(pools.own, schema, stores, sent, rows);
    await app.close();
    const slowest = Math.max(...measured.filter(({ what }) => what !== oldest).map(({ ms }) => ms));
    const targets = [target('ms of the slowest statement', slowest, { most: 10, unit: ' ms', fails: 30 })];
    saveResult('accounts', { rows, database: await describeDatabase(pools.own), targets, measured }, options.quick);
    const cells = measured.map(({ what, ms, plan }) => [what, fixed(ms), plan]);
    console.log(`\n${grouped(rows)} accounts\n\n${targetsTable(targets)}\n\n${table(['what', 'ms', 'scans'], cells)}`);
    failBeyond(targets);
  } finally {
    if (options.flags.keep !== true) await dropSchema(pools.own, schema);
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
  }
}
