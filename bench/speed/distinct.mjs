// Tokens that never come back, over HTTP on Fastify: how many more requests than the stock recipe, and what it costs to
// keep such tokens in vain.
//
// Every request of a round carries a token that its server has not seen; all servers get the same ones. Before the first
// round each server has seen more tokens than its cache holds, so that every entry pushes another one out.
import { titles } from '../contenders/titles.mjs';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { mean, median, round, shuffled } from '../rig/statistics.mjs';
import { fixed, grouped, table } from '../rig/table.mjs';
import { openServers } from './servers.mjs';
import { target, targetsTable } from './targets.mjs';

const wanted = [
  { name: 'gatehouse', title: 'nest-gatehouse, 10,000 entries' },
  { name: 'no-cache', contender: 'gatehouse', title: 'nest-gatehouse, no cache', cacheEntries: false },
  { name: 'minimum-here' },
  { name: 'minimum-pool' },
  { name: 'fast-jwt' },
  { name: 'jose' },
  { name: 'stock' },
];

async function measure(algorithm, { rounds, amount, before }) {
  const bench = await openServers({ adapter: 'fastify', algorithm, wanted });
  const path = '/me';
  await bench.prepare(before);
  for (const server of bench.servers) await bench.load(server, { path, amount: before });
  const samples = {};
  for (let at = 0; at < rounds; at += 1) {
    await bench.prepare(amount, before + at * amount);
    for (const server of shuffled(bench.servers)) {
      (samples[server.name] ??= []).push(await bench.load(server, { path, amount }));
    }
  }
  await bench.close();
  return samples;
}

/** The median over the rounds of what two contenders' samples of one round come to. */
function compare(samples, one, other, how) {
  return round(median(samples[one].map((sample, at) => how(sample, samples[other][at]))), 3);
}

function summarize(samples) {
  const middle = (list, member) => round(median(list.map((sample) => sample[member])), 3);
  const byName = Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [
      name,
      {
        cpuUs: middle(list, 'cpuUs'),
        // The mean, as its long pauses are rare.
        collectorUs: round(mean(list.map((sample) => sample.collectorUs)), 3),
        perSecond: middle(list, 'perSecond'),
        p50Ms: middle(list, 'p50'),
        p99Ms: middle(list, 'p99'),
      },
    ]),
  );
  return {
    timesStock: compare(samples, 'gatehouse', 'stock', (ours, stock) => ours.perSecond / stock.perSecond),
    cacheCostUs: compare(samples, 'gatehouse', 'no-cache', (cached, plain) => cached.cpuUs - plain.cpuUs),
    byName,
  };
}

export function distinctTable({ byAlgorithm }) {
  const names = Object.keys(byAlgorithm);
  const head = [
    'tokens that are used once, Fastify',
    ...names.flatMap((name) => [`${name}: CPU µs`, 'collector’s pauses µs', 'requests/s', 'p99 ms']),
  ];
  // Results of an earlier run may know fewer.
  const measured = wanted.filter(({ name }) => names.every((algorithm) => name in byAlgorithm[algorithm].byName));
  const rows = measured.map(({ name, title = titles[name] }) => [
    title,
    ...names.flatMap((algorithm) => {
      const one = byAlgorithm[algorithm].byName[name];
      return [fixed(one.cpuUs, 1), fixed(one.collectorUs, 1), grouped(one.perSecond), fixed(one.p99Ms)];
    }),
  ]);
  return table(head, rows);
}

export async function runDistinct(options) {
  const plan = {
    rounds: count(options, 'rounds', 7, 2),
    amount: count(options, 'amount', 6_000, 1_500),
    before: options.quick ? 2_000 : 12_000,
  };
  const byAlgorithm = {};
  for (const algorithm of ['ES256', 'RS256']) byAlgorithm[algorithm] = summarize(await measure(algorithm, plan));
  const { ES256, RS256 } = byAlgorithm;
  const targets = [
    target('distinct tokens over HTTP, requests a second of the stock recipe’s, RS256', RS256.timesStock, {
      least: 3.5,
    }),
    target('the same, ES256', ES256.timesStock, { least: 3.5 }),
    target('cost of the cache for a token that is used once, RS256', RS256.cacheCostUs, { most: 5, unit: ' µs' }),
  ];
  const result = { plan, targets, byAlgorithm };
  saveResult('distinct', result, options.quick);
  console.log(`\nTokens that are used once\n\n${targetsTable(targets)}\n\n${distinctTable(result)}`);
}
