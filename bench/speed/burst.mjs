// How long nothing else gets its turn when 500 tokens that nobody has seen arrive in one turn of the event loop.
//
// The guard (with contenders: their verification) is asked 500 times in one go; until all are answered a timer of 1 ms
// shows by how much it comes late (perf_hooks' monitorEventLoopDelay, whose own millisecond is taken off). One number a
// burst: the longest block. Its 99th part over the bursts is what is to be reached. On a busy machine it also holds
// whatever took the core away.
//
// Every other burst begins with the young part of the heap collected: what making the requests left there would otherwise be the
// burst's to wait for, wherever the collector happens to stand. The others begin as it comes. Both are shown.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AuthGuard } from 'nest-gatehouse';
import { findContender } from '../contenders/index.mjs';
import { titles } from '../contenders/titles.mjs';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { count } from '../rig/flags.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { checkRefusals } from '../rig/must-refuse.mjs';
import { saveResult } from '../rig/results.mjs';
import { quantile, round, shuffled } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { makeKey, makeTokens } from '../rig/tokens.mjs';
import { contextWith } from './hit.mjs';
import { target, targetsTable } from './targets.mjs';

const burstSize = 500;
const others = ['minimum-pool', 'fast-jwt', 'jose', 'aws-jwt-verify', 'stock'];

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

async function open(key, jwksUri) {
  const app = await openGatehouse({ jwksUri, algorithm: key.algorithm });
  const guard = app.get(AuthGuard);
  const ours = { name: 'gatehouse', prepare: contextWith, ask: async (context) => guard.canActivate(context) };
  await checkRefusals('nest-gatehouse', (token) => ours.ask(contextWith(token)), key);
  const rest = await Promise.all(
    others.map(async (name) => {
      const { verify } = await findContender(name).verifier({ ...key, jwksUri });
      await checkRefusals(name, verify, key);
      return { name, prepare: (token) => token, ask: async (token) => verify(token) };
    }),
  );
  return { asked: [ours, ...rest], close: () => app.close() };
}

async function burst({ prepare, ask }, tokens, collected) {
  const prepared = tokens.map((token) => prepare(token));
  if (collected) collect({ type: 'minor' });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // The monitor measures from its first tick on. The burst begins outside of a timer's turn, and the monitor gets one
  // after it, or else the block would end unseen.
  await sleep(5);
  await turn();
  const began = performance.now();
  await Promise.all(prepared.map((request) => ask(request)));
  const tookMs = performance.now() - began;
  await turn();
  await sleep(5);
  delay.disable();
  return { longestMs: Math.max(0, delay.max / 1e6 - 1), tookMs, collected };
}

async function measure(algorithm, { bursts, unmeasured }) {
  const key = makeKey(algorithm);
  const keys = await KeyServer.start([key.jwk]);
  const { asked, close } = await open(key, keys.jwksUri);
  const all = await makeTokens(key, (unmeasured + bursts) * burstSize);
  collect();
  const samples = {};
  for (let at = 0; at < unmeasured + bursts; at += 1) {
    const tokens = all.slice(at * burstSize, (at + 1) * burstSize);
    for (const contender of shuffled(asked)) {
      const sample = await burst(contender, tokens, at % 2 === 0);
      // The first bursts are the compiler's.
      if (at >= unmeasured) (samples[contender.name] ??= []).push(sample);
    }
  }
  await close();
  await keys.stop();
  return Object.fromEntries(asked.map(({ name }) => [name, summarize(samples[name])]));
}

function summarize(samples) {
  const part = (list, member, of) =>
    round(
      quantile(
        list.map((sample) => sample[member]),
        of,
      ),
      3,
    );
  const [collected, asItComes] = [true, false].map((way) => samples.filter((sample) => sample.collected === way));
  return {
    p50Ms: part(collected, 'longestMs', 0.5),
    p99Ms: part(collected, 'longestMs', 0.99),
    asItComesP50Ms: part(asItComes, 'longestMs', 0.5),
    asItComesP99Ms: part(asItComes, 'longestMs', 0.99),
    allAnsweredMs: part(samples, 'tookMs', 0.5),
  };
}

export function burstTable({ byAlgorithm }) {
  const names = Object.keys(byAlgorithm);
  const head = [
    `${burstSize} new tokens in one turn`,
    ...names.flatMap((name) => [
      `${name}: longest block p50 ms`,
      'p99 ms',
      'as it comes: p50 ms',
      'p99 ms',
      'all answered ms',
    ]),
  ];
  const rows = ['gatehouse', ...others].map((contender) => [
    titles[contender],
    ...names.flatMap((algorithm) => {
      const one = byAlgorithm[algorithm][contender];
      return ['p50Ms', 'p99Ms', 'asItComesP50Ms', 'asItComesP99Ms', 'allAnsweredMs'].map((name) => fixed(one[name], 1));
    }),
  ]);
  return table(head, rows);
}

export async function runBurst(options) {
  const plan = { bursts: count(options, 'bursts', 200, 4), unmeasured: options.quick ? 1 : 10, burstSize };
  const byAlgorithm = {};
  for (const algorithm of ['ES256', 'RS256']) byAlgorithm[algorithm] = await measure(algorithm, plan);
  const targets = Object.entries(byAlgorithm).flatMap(([algorithm, { gatehouse }]) => {
    const what = `event loop blocked by ${burstSize} new tokens, p99, ${algorithm}`;
    return [
      target(what, gatehouse.p99Ms, { most: 5, unit: ' ms' }),
      target('the same, with the heap as it comes', gatehouse.asItComesP99Ms, { most: 5, unit: ' ms' }),
    ];
  });
  const result = { plan, targets, byAlgorithm };
  saveResult('burst', result, options.quick);
  console.log(`\nA burst\n\n${targetsTable(targets)}\n\n${burstTable(result)}`);
}
