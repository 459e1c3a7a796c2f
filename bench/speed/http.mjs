// What a guard adds to a request: an open route and a guarded one of the same Nest app, the same Authorization header on
// both, repeated tokens (1,000 users), 50 connections.
//
// CPU µs a request is what the kernel charged to the server's process (collector and thread pool included), so it holds
// on a busy machine too, within limits: the caches of a processor are shared. Requests a second are at saturation and
// depend on what else runs. Each contender's app has a process of its own; in every round each is measured on both
// routes, one directly after the other, and the median of the rounds' ratios counts.
import { titles } from '../contenders/titles.mjs';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round, shuffled } from '../rig/statistics.mjs';
import { fixed, grouped, table } from '../rig/table.mjs';
import { openServers } from './servers.mjs';
import { target, targetsTable } from './targets.mjs';

const everywhere = ['gatehouse', 'nobody', 'minimum', 'fast-jwt', 'aws-jwt-verify', 'jose', 'stock'];
const groups = [
  { name: 'fastify-ES256', adapter: 'fastify', algorithm: 'ES256', names: everywhere },
  { name: 'fastify-RS256', adapter: 'fastify', algorithm: 'RS256', names: everywhere },
  {
    name: 'express-ES256',
    adapter: 'express',
    algorithm: 'ES256',
    names: [...everywhere, 'express-oauth2-jwt-bearer'],
  },
  // What it costs to compare the audience at each request, beside an app that does not.
  {
    name: 'resource-fastify-ES256',
    adapter: 'fastify',
    algorithm: 'ES256',
    names: ['gatehouse', 'gatehouse-resource'],
  },
];

/** Both routes twice, there and back, so that a drift of the machine falls on both alike. */
async function measureServer(bench, server, seconds) {
  const open = [];
  const guarded = [];
  for (const path of ['/open', '/me', '/me', '/open']) {
    (path === '/me' ? guarded : open).push(await bench.load(server, { path, seconds }));
  }
  const mean = (found, member) => (found[0][member] + found[1][member]) / 2;
  const [openUs, guardedUs] = [mean(open, 'cpuUs'), mean(guarded, 'cpuUs')];
  return {
    openUs,
    guardedUs,
    addedUs: guardedUs - openUs,
    ratio: guardedUs / openUs,
    openPerSecond: mean(open, 'perSecond'),
    perSecond: mean(guarded, 'perSecond'),
    p50Ms: mean(guarded, 'p50'),
    p99Ms: mean(guarded, 'p99'),
  };
}

async function measureRound(bench, seconds, samples) {
  for (const server of shuffled(bench.servers)) {
    (samples[server.name] ??= []).push(await measureServer(bench, server, seconds));
  }
}

function middle(samples) {
  return Object.fromEntries(
    Object.keys(samples[0]).map((name) => [name, round(median(samples.map((one) => one[name])), 3)]),
  );
}

async function measure({ adapter, algorithm, names }, { rounds, seconds, users }) {
  const bench = await openServers({ adapter, algorithm, wanted: names.map((name) => ({ name })) });
  await bench.prepare(users);
  // So that every token has been seen and every route is compiled.
  for (const server of bench.servers) {
    for (const path of ['/open', '/me']) await bench.load(server, { path, amount: users * 3 });
  }
  const samples = {};
  for (let at = 0; at < rounds; at += 1) await measureRound(bench, seconds, samples);
  await bench.close();
  return Object.fromEntries(names.map((name) => [name, middle(samples[name])]));
}

export function httpTable(found) {
  const head = ['', 'open µs', 'guarded µs', 'added µs', 'guarded / open', 'requests/s', 'p50 ms', 'p99 ms'];
  const rows = Object.entries(found).map(([name, one]) => [
    titles[name],
    fixed(one.openUs, 1),
    fixed(one.guardedUs, 1),
    fixed(one.addedUs, 1),
    fixed(one.ratio),
    grouped(one.perSecond),
    fixed(one.p50Ms),
    fixed(one.p99Ms),
  ]);
  return table(head, rows);
}

export function httpTables({ byGroup }) {
  return Object.entries(byGroup)
    .map(([name, found]) => `${name.replace('-', ', ')}, repeated tokens:\n\n${httpTable(found)}`)
    .join('\n\n');
}

function targetsOf(byGroup) {
  const found = [];
  const onFastify = byGroup['fastify-ES256']?.gatehouse;
  const onExpress = byGroup['express-ES256']?.gatehouse;
  if (onFastify !== undefined)
    found.push(target('guarded / open, CPU a request, Fastify, repeated tokens', onFastify.ratio, { most: 1.1 }));
  if (onExpress !== undefined)
    found.push(target('what the guard adds on Express, repeated tokens', onExpress.addedUs, { most: 5, unit: ' µs' }));
  const ofResource = byGroup['resource-fastify-ES256'];
  if (ofResource !== undefined) {
    // Each beside the open route of its own process: two processes with the same code differ by more than what is looked for.
    const ratio = ofResource['gatehouse-resource'].ratio / ofResource.gatehouse.ratio;
    found.push(
      target('guarded / open with a resource, beside the same without, Fastify', ratio, { most: 1.02, unit: '×' }),
    );
  }
  return found;
}

export async function runHttp(options) {
  const plan = { rounds: count(options, 'rounds', 9, 2), seconds: count(options, 'seconds', 0.5, 0.25), users: 1_000 };
  const wanted = groups.filter(({ name }) => options.flags.group === undefined || name.startsWith(options.flags.group));
  const byGroup = {};
  for (const group of options.quick ? wanted.filter(({ algorithm }) => algorithm === 'ES256') : wanted) {
    byGroup[group.name] = await measure(group, plan);
  }
  const result = { plan, targets: targetsOf(byGroup), byGroup };
  saveResult('http', result, options.quick);
  console.log(`\nOver HTTP\n\n${targetsTable(result.targets)}\n\n${httpTables(result)}`);
}
