// Bare verification of distinct tokens, without any cache of tokens: one at a time, and 32 in flight.
//
// Every contender is a part of the speed of one `crypto.verify` of the same bytes with the same key, one at a time on one
// thread, measured before and after it in the same round; the rounds go through all contenders in a new order each time,
// and the median of the rounds counts. "busy" is what one token costs the main thread, by the kernel's account where there
// is one. Ratios can be trusted to a few per cent on a quiet machine; on a busy one, 32 in flight suffers first.
//
// A sample begins after a turn of the event loop and ends with one. V8 posts work there (such as a collection of young objects
// when their space is nearly full), and a contender that never leaves the microtasks would leave it to the next one that does.
import { verify as cryptoVerify } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { findContender } from '../contenders/index.mjs';
import { titles } from '../contenders/titles.mjs';
import { count } from '../rig/flags.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { watchMainThread } from '../rig/main-thread.mjs';
import { checkRefusals } from '../rig/must-refuse.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round, shuffled } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { algorithms, cryptoArguments, makeKey, makeTokens } from '../rig/tokens.mjs';
import { target, targetsTable } from './targets.mjs';

const names = ['gatehouse', 'minimum', 'minimum-pool', 'fast-jwt', 'jose', 'aws-jwt-verify', 'jsonwebtoken', 'stock'];
const bounds = {
  ES256: { alone: 0.9, together: 1.35 },
  RS256: { alone: 0.78, together: 0.9 },
  EdDSA: { alone: 0.93, together: 1.4 },
};

/** The limits: the signature check and nothing else. */
function rawVerifiers(key, tokens) {
  const [hash, how] = cryptoArguments(key.algorithm, key.publicKey);
  const inputs = new Map(
    tokens.map((token) => {
      const dot = token.lastIndexOf('.');
      return [token, [Buffer.from(token.slice(0, dot)), Buffer.from(token.slice(dot + 1), 'base64url')]];
    }),
  );
  const onPool = (token) =>
    new Promise((done) => {
      const [data, signature] = inputs.get(token);
      cryptoVerify(hash, data, how, signature, (_, fits) => done(fits));
    });
  const raw = (token) => {
    const [data, signature] = inputs.get(token);
    return cryptoVerify(hash, data, how, signature);
  };
  return { raw, onPool };
}

/** Verifies for so long, with so many under way at once. */
async function run(verify, tokens, inFlight, ms) {
  await turn();
  await turn();
  const busy = watchMainThread();
  const cpu = process.cpuUsage();
  const began = performance.now();
  let verified = 0;
  const worker = async () => {
    while (performance.now() - began < ms) {
      for (let burst = 0; burst < 8; burst += 1) {
        const outcome = verify(tokens[verified++ % tokens.length]);
        // A contender that answers at once is not made to wait for a promise.
        if (typeof outcome?.then === 'function') await outcome;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  await turn();
  const { loopMs, cpuMs } = busy();
  const tookMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: (verified / tookMs) * 1000,
    loopUs: (loopMs / verified) * 1000,
    cpuUs: (cpuMs / verified) * 1000,
    processUs: (user + system) / verified,
  };
}

async function open(algorithm, amount) {
  const key = makeKey(algorithm);
  const keys = await KeyServer.start([key.jwk]);
  const tokens = await makeTokens(key, amount);
  const config = { ...key, jwksUri: keys.jwksUri };
  const opened = [];
  for (const name of names) {
    const contender = findContender(name);
    if (!contender.supports(algorithm)) continue;
    const verifier = await contender.verifier(config);
    await checkRefusals(contender.title, verifier.verify, key);
    opened.push({ name, title: contender.title, ...verifier });
  }
  const { raw, onPool } = rawVerifiers(key, tokens);
  const everybody = [{ name: 'raw-pool', title: 'raw, on the thread pool', verify: onPool }, ...opened];
  const close = async () => {
    await Promise.all(opened.map((verifier) => verifier.close?.()));
    await keys.stop();
  };
  return { raw, everybody, tokens, close };
}

async function measureRound({ raw, everybody, tokens }, inFlight, ms, samples) {
  let before = await run(raw, tokens, 1, ms);
  for (const { name, verify } of shuffled(everybody)) {
    const sample = await run(verify, tokens, inFlight, ms);
    const after = await run(raw, tokens, 1, ms);
    const ofRaw = sample.perSecond / ((before.perSecond + after.perSecond) / 2);
    (samples[name] ??= []).push({ ...sample, ofRaw });
    (samples.raw ??= []).push({ ...after, ofRaw: 1 });
    before = after;
  }
}

function summarize(samples) {
  const middle = (list, member) => round(median(list.map((sample) => sample[member])), 3);
  return Object.fromEntries(
    Object.entries(samples).map(([name, list]) => {
      const busyUs = Number.isNaN(list[0].cpuUs) ? middle(list, 'loopUs') : middle(list, 'cpuUs');
      return [
        name,
        { perSecond: middle(list, 'perSecond'), ofRaw: middle(list, 'ofRaw'), loopUs: middle(list, 'loopUs'), busyUs },
      ];
    }),
  );
}

/**
 * How fast we are beside another contender, and how little processor time a token takes beside one of theirs: the medians over the
 * rounds. The second does not count the time in which other programs had the core.
 */
function compare(samples, other) {
  const middle = (how) => round(median(samples.gatehouse.map((ours, at) => how(ours, samples[other][at]))), 3);
  return {
    speed: middle((ours, theirs) => ours.ofRaw / theirs.ofRaw),
    cpu: middle((ours, theirs) => theirs.processUs / ours.processUs),
  };
}

async function measure(algorithm, { rounds, ms, shortRounds, shortMs, amount }) {
  const bench = await open(algorithm, amount);
  const alone = {};
  const together = {};
  // The first round is for the compiler.
  await measureRound(bench, 1, ms, {});
  await measureRound(bench, 32, ms, {});
  // One at a time, a short round tells as much as a long one, and of many fewer are disturbed. With 32 in flight the pool
  // has to be filled first.
  for (let count = 0; count < shortRounds; count += 1) await measureRound(bench, 1, shortMs, alone);
  for (let count = 0; count < rounds; count += 1) await measureRound(bench, 32, ms, together);
  await bench.close();
  const ofHandWritten = { alone: compare(alone, 'minimum'), together: compare(together, 'minimum-pool') };
  return { alone: summarize(alone), together: summarize(together), ofHandWritten };
}

function titleOf(name) {
  if (name === 'raw') return 'raw crypto.verify, one thread';
  return name === 'raw-pool' ? 'raw, on the thread pool' : titles[name];
}

export function microTable({ byAlgorithm }) {
  const head = [
    '',
    ...algorithms.flatMap((name) => [`${name}, one at a time: of raw`, 'busy µs', '32 in flight: of raw', 'busy µs']),
  ];
  const cells = ({ alone, together }, name) => [
    fixed(alone[name]?.ofRaw),
    fixed(alone[name]?.busyUs, 0),
    fixed(together[name]?.ofRaw),
    fixed(together[name]?.busyUs, 0),
  ];
  const rows = ['raw', 'raw-pool', ...names].map((name) => [
    titleOf(name),
    ...algorithms.flatMap((algorithm) => cells(byAlgorithm[algorithm], name)),
  ]);
  return table(head, rows);
}

function targetsOf(byAlgorithm) {
  return algorithms.flatMap((algorithm) => {
    const { alone, together, ofHandWritten } = byAlgorithm[algorithm];
    const ours = together.gatehouse;
    return [
      target(`${algorithm}, one at a time, of raw`, alone.gatehouse.ofRaw, { least: bounds[algorithm].alone }),
      target(`${algorithm}, one at a time, of the hand-written`, ofHandWritten.alone.speed, { least: 0.94 }),
      target('the same, by processor time', ofHandWritten.alone.cpu, { least: 0.94 }),
      target(`${algorithm}, 32 in flight, of raw on one thread`, ours.ofRaw, { least: bounds[algorithm].together }),
      target(`${algorithm}, 32 in flight, of the hand-written on the pool`, ofHandWritten.together.speed, {
        least: 0.88,
      }),
      target('the same, by processor time', ofHandWritten.together.cpu, { least: 0.88 }),
      target(`${algorithm}, 32 in flight, main thread busy a token`, ours.busyUs, { most: 20, unit: ' µs' }),
    ];
  });
}

export async function runMicro(options) {
  const plan = {
    rounds: count(options, 'rounds', 9, 2),
    ms: count(options, 'ms', 250, 100),
    shortRounds: count(options, 'short-rounds', 45, 3),
    shortMs: count(options, 'short-ms', 50, 50),
    amount: count(options, 'tokens', 2_000, 300),
  };
  const byAlgorithm = {};
  for (const algorithm of algorithms) byAlgorithm[algorithm] = await measure(algorithm, plan);
  const result = { plan, targets: targetsOf(byAlgorithm), byAlgorithm };
  saveResult('micro', result, options.quick);
  console.log(`\nBare verification\n\n${targetsTable(result.targets)}\n\n${microTable(result)}`);
}
