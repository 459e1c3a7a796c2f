// Where our own time goes: `node bench/speed/profile.mjs <hit | verify | refusal> [ES256 | RS256 | EdDSA] [seconds]`.
//
// Samples the main thread with V8's profiler while the guard answers (hit, refusal) or the verifier checks signatures
// without a cache (verify), and prints the functions that were running most often. Making the requests is in the profile,
// under the names of this folder's files; work on the thread pool is not. Uses the build that is installed here: run
// `npm run bench -- hit` before.
import { randomBytes } from 'node:crypto';
import { Session } from 'node:inspector/promises';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthGuard, TokenVerifier } from 'nest-gatehouse';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { table } from '../rig/table.mjs';
import { claimsOf, encode, makeKey, makeTokens } from '../rig/tokens.mjs';
import { contextWith } from './hit.mjs';

const [what = 'hit', algorithm = 'ES256', seconds = '5'] = process.argv.slice(2);

function madeUp(at) {
  const header = encode({ alg: algorithm, typ: 'JWT', kid: `bogus-${at}` });
  return `${header}.${encode(claimsOf(at))}.${randomBytes(64).toString('base64url')}`;
}

async function prepareWork(app, tokens) {
  const guard = app.get(AuthGuard);
  const verifier = app.get(TokenVerifier);
  // The guard adds its challenge through the adapter, which is not there without a server.
  app.get(HttpAdapterHost).httpAdapter ??= { setHeader() {} };
  await verifier.verify(tokens[0]);
  const bad = Array.from({ length: 1_000 }, (_, at) => madeUp(at));
  const works = {
    hit: (at) => guard.canActivate(contextWith(tokens[at % tokens.length])),
    verify: (at) => verifier.verify(tokens[at % tokens.length]),
    refusal: (at) => guard.canActivate(contextWith(bad[at % bad.length])).catch(() => undefined),
  };
  return works[what];
}

function selfTimes({ nodes, samples, timeDeltas }) {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`,
    ]),
  );
  const times = new Map();
  samples.forEach((id, at) => {
    const name = names.get(id);
    times.set(name, (times.get(name) ?? 0) + timeDeltas[at]);
  });
  return [...times].sort(([, a], [, b]) => b - a);
}

const key = makeKey(algorithm);
const keys = await KeyServer.start([key.jwk]);
const app = await openGatehouse({ jwksUri: keys.jwksUri, algorithm, cacheEntries: what === 'verify' ? false : 10_000 });
const tokens = await makeTokens(key, 1_000);
const work = await prepareWork(app, tokens);
for (let at = 0; at < 5_000; at += 1) await work(at);

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: 200 });
await session.post('Profiler.start');
const before = process.cpuUsage();
const end = performance.now() + Number(seconds) * 1000;
let done = 0;
while (performance.now() < end) await work(done++);
const { user, system } = process.cpuUsage(before);
const { profile } = await session.post('Profiler.stop');

const times = selfTimes(profile);
const total = times.reduce((sum, [, time]) => sum + time, 0);
const rows = times
  .slice(0, 25)
  .map(([name, time]) => [`${((time / total) * 100).toFixed(1)} %`, (time / done).toFixed(2), name]);
console.log(`${what}, ${algorithm}: ${done} times, ${((user + system) / done).toFixed(2)} µs CPU each\n`);
console.log(table(['of the time', 'µs each', 'function'], rows));
process.exit();
