// Keys that are not known: each is looked up in PostgreSQL, by the package and by a `select` that is written by hand, on one pool
// and in one process.
import { setImmediate as turn } from 'node:timers/promises';
import { RequestAuthentication } from 'nest-gatehouse';
import { median, round, shuffled } from '../rig/statistics.mjs';
import { handWrittenCheck, partsOf } from './hand-written.mjs';

const inFlight = 8;

async function run(lookUp, amount) {
  await turn();
  const cpu = process.cpuUsage();
  const began = performance.now();
  let done = 0;
  const worker = async () => {
    while (done < amount) {
      const user = await lookUp(done++);
      if (user === null) throw new Error('A good key was refused');
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (amount / (performance.now() - began)) * 1000, cpuUs: (user + system) / amount };
}

/**
 * @param {{ app: object, pool: object, schema: string, keys: { text: string }[], clock: { ms: number } }} parts `clock` is that of
 *   the app: it is moved beyond the time for which keys are known
 */
export async function compareLookUps({ app, pool, schema, keys, clock }, rounds) {
  const authentication = app.get(RequestAuthentication);
  const check = handWrittenCheck(pool, schema);
  const headers = keys.map(({ text }) => ({ authorization: `Bearer ${text}` }));
  const contenders = {
    gatehouse: (at) => {
      const view = { method: 'GET', url: '/me', headers: headers[at], socket: { remoteAddress: '192.0.2.1' } };
      return authentication.authenticateRequest(view);
    },
    'hand-written': (at) => check(...partsOf(headers[at].authorization.slice('Bearer '.length))),
  };
  const samples = [];
  // The first three rounds are those of the compiler.
  for (let at = -3; at < rounds; at += 1) {
    const sample = {};
    const order = shuffled(Object.keys(contenders));
    for (const name of [...order, ...order.toReversed()]) {
      clock.ms += 60_000;
      const statements = pool.counted.statements;
      const found = await run(contenders[name], keys.length);
      found.statements = (pool.counted.statements - statements) / keys.length;
      (sample[name] ??= []).push(found);
    }
    if (at >= 0) samples.push(sample);
  }
  return summary(samples);
}

function summary(samples) {
  const mean = (sample, name, member) => (sample[name][0][member] + sample[name][1][member]) / 2;
  const middle = (of) => round(median(samples.map(of)), 4);
  const figures = (name) =>
    Object.fromEntries(
      ['perSecond', 'cpuUs', 'statements'].map((member) => [member, middle((sample) => mean(sample, name, member))]),
    );
  const ratio = (member) => (sample) => mean(sample, 'gatehouse', member) / mean(sample, 'hand-written', member);
  return {
    gatehouse: figures('gatehouse'),
    'hand-written': figures('hand-written'),
    rateRatio: middle(ratio('perSecond')),
    cpuRatio: middle((sample) => 1 / ratio('cpuUs')(sample)),
  };
}
