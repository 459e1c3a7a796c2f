// Conducts the measurements: `node bench/run.mjs [topic …] [--quick] [--no-build] [--load=1]`.
//
// Topics: micro, hit, http, distinct, burst, memory, start, profiles (together: speed, which is what runs without a word), revocation, resource, outages,
// sessions, growth, accounts, accounts-speed, answer-times, and dpop, api-keys, key-load and attacks, which fail where a bound is exceeded.
// --quick takes short rounds, to see that everything works; its figures are not kept. --no-build takes dist/ as it is.
// --load=1 keeps one core busy beside the measurement, as on a machine that is shared; its figures go to results/<topic>-load-1.json and
// not into docs/security/performance.md.
// Each topic prints its table, what is to be reached beside what was measured, and saves results/<topic>.json.
import { keepCoresBusy } from './rig/busy-cores.mjs';
import { readFlags } from './rig/flags.mjs';
import { noteBusyCores } from './rig/results.mjs';
import { setUp } from './setup.mjs';

const speed = {
  micro: async () => (await import('./speed/micro.mjs')).runMicro,
  hit: async () => (await import('./speed/hit.mjs')).runHit,
  http: async () => (await import('./speed/http.mjs')).runHttp,
  burst: async () => (await import('./speed/burst.mjs')).runBurst,
  distinct: async () => (await import('./speed/distinct.mjs')).runDistinct,
  memory: async () => (await import('./speed/memory.mjs')).runMemory,
  start: async () => (await import('./speed/start.mjs')).runStart,
  profiles: async () => (await import('./speed/profiles.mjs')).runProfiles,
};
const topics = {
  ...speed,
  revocation: async () => (await import('./speed/revocation.mjs')).runRevocation,
  resource: async () => (await import('./speed/resource.mjs')).runResource,
  dpop: async () => (await import('./dpop/dpop.mjs')).runDpop,
  outages: async () => (await import('./outages/run.mjs')).runOutages,
  sessions: async () => (await import('./sessions/sessions.mjs')).runSessions,
  growth: async () => (await import('./sessions/growth.mjs')).runGrowth,
  accounts: async () => (await import('./accounts/million.mjs')).runMillion,
  'accounts-speed': async () => (await import('./accounts/speed.mjs')).runAccountsSpeed,
  'answer-times': async () => (await import('./accounts/answer-times.mjs')).runAnswerTimes,
  'api-keys': async () => (await import('./api-keys/api-keys.mjs')).runApiKeys,
  'key-load': async () => (await import('./key-load/run.mjs')).runKeyLoad,
  attacks: async () => (await import('./attacks/run.mjs')).runAttacks,
};

const options = readFlags();
const asked = options.names.flatMap((name) => (name === 'speed' ? Object.keys(speed) : [name]));
const names = asked.length > 0 ? asked : Object.keys(speed);
const unknown = names.filter((name) => !Object.hasOwn(topics, name));
if (unknown.length > 0) {
  console.error(`No such topic: ${unknown.join(', ')}. There are: speed, ${Object.keys(topics).join(', ')}.`);
  process.exit(2);
}

process.env.NODE_ENV = 'production';
if (options.flags['no-setup'] !== true) setUp({ build: options.flags['no-build'] !== true });
noteBusyCores(options.load);
const endLoad = await keepCoresBusy(options.load);
try {
  for (const name of names) {
    const run = await topics[name]();
    await run(options);
  }
} finally {
  await endLoad();
}
if (!options.quick && options.load === 0 && names.some((name) => Object.hasOwn(speed, name)))
  (await import('./speed/page.mjs')).writePerformanceTables();
