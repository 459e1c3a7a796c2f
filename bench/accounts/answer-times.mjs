// Whether the time of an answer tells that an address has an account.
//
// Each kind of request is made so often, one after the other and in turn, each time for another address and from another network, so that
// no limit is reached. The noise is how far the medians of every second try of one kind are from those of the others; the ratio is
// that of the slowest kind to the fastest. `--only=sign-in` measures one route. docs/internals/decisions/0028-passwords.md has the figures of the hasher.
import { execFileSync } from 'node:child_process';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import * as bcrypt from '@node-rs/bcrypt';
import { describeDatabase, dropSchema, openPool } from '../rig/database.mjs';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, quantile, round, shuffled } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { openSessions } from '../sessions/many-sessions.mjs';
import { failBeyond, target, targetsTable } from '../speed/targets.mjs';
import { startApp } from './account-app.mjs';
import { addPeople, addressOf, networkOf, publicUrl } from './people.mjs';

const schema = 'gatehouse_bench_answer_times';
/** Before what is measured: of the compiler, and of the durations that answers are made equal to. */
const warmUps = 20;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** How long one request takes, in milliseconds. */
function send(port, { path, body, status, network }) {
  const text = JSON.stringify(body);
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    Origin: publicUrl,
    'X-Forwarded-For': networkOf(network),
  };
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const options = { host: '127.0.0.1', port, path: `/auth/${path}`, method: 'POST', headers, agent };
    const sent = request(options, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === status) resolve(performance.now() - began);
        else reject(new Error(`${path} answered ${response.statusCode}`));
      });
    });
    sent.on('error', reject).end(text);
  });
}

/** Makes each kind of call so often, in turn. @returns for each kind the durations */
async function measure(calls, tries) {
  const took = Object.fromEntries(Object.keys(calls).map((name) => [name, []]));
  for (let at = 0; at < tries + warmUps; at += 1) {
    for (const name of shuffled(Object.keys(calls))) {
      const ms = await calls[name](at);
      if (at >= warmUps) took[name].push(ms);
    }
  }
  return took;
}

const apart = (values) => Math.max(...values) / Math.min(...values);

function summary(took) {
  const kinds = Object.entries(took).map(([kind, times]) => {
    const half = (rest) => median(times.filter((_, at) => at % 2 === rest));
    const [p25, p50, p75] = [0.25, 0.5, 0.75].map((part) => round(quantile(times, part), 4));
    return { kind, p25, p50, p75, noise: round(apart([half(0), half(1)]), 4) };
  });
  const noise = Math.max(...kinds.map((one) => one.noise));
  return { kinds, ratio: round(apart(kinds.map(({ p50 }) => p50)), 4), noise };
}

/** The hasher is no export of the package, so its source is compiled by itself. */
async function loadHasher() {
  const folder = '.tmp/hasher';
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json', '--noCheck', '--outDir', folder], { cwd });
  return (await import(`../../${folder}/accounts/password-hasher.js`)).PasswordHasher;
}

/** The hasher alone, where accounts have hashes of other systems. */
async function measureHasher(tries) {
  const PasswordHasher = await loadHasher();
  const own = await new PasswordHasher().hash('the right password');
  const dear = await bcrypt.hash('the right password', { cost: 10 });
  const cheap = `$pbkdf2-sha256$i=1000$c2FsdHNhbHQ$${'A'.repeat(43)}`;
  const compare = async (hashes) => {
    const hasher = new PasswordHasher();
    const calls = Object.entries(hashes).map(([name, stored]) => {
      const call = async () => {
        const began = performance.now();
        if ((await hasher.verify('a wrong password', stored)) !== 'wrong') throw new Error(`${name} is right`);
        return performance.now() - began;
      };
      return [name, call];
    });
    return summary(await measure(Object.fromEntries(calls), tries));
  };
  return {
    'a wrong password, hashes made here': await compare({ 'no account': null, account: own }),
    'a wrong password, imported hashes among them': await compare({
      'no account': null,
      account: own,
      'account, bcrypt of cost 10': dear,
      'account, PBKDF2, 1,000 iterations': cheap,
    }),
  };
}

/** The routes, each with the kinds of addresses that it must answer alike. Signing up comes last, as it makes accounts. */
const routes = {
  'email/send-verification': { status: 202, kinds: ['free', 'verified', 'unverified'], more: {} },
  'password/forgot': { status: 202, kinds: ['free', 'verified'], more: {} },
  'magic-link': { status: 202, kinds: ['free', 'verified'], more: {} },
  'sign-in': {
    status: 401,
    kinds: ['free', 'verified', 'disabled', 'unverified'],
    more: { password: 'another horse battery' },
  },
  // Without a password no hash hides how long the rest takes.
  'sign-up': { status: 202, kinds: ['free', 'verified', 'unverified'], more: {} },
};

async function measureRoutes(port, { tries, advance, only }) {
  const found = {};
  let network = 0;
  for (const [path, { status, kinds, more }] of Object.entries(routes)) {
    if (only !== undefined && only !== path) continue;
    // Nothing that was counted for the route before counts any more, nor are its codes valid.
    advance(2 * 86_400);
    const calls = kinds.map((kind) => {
      const call = (at) => {
        network += 1;
        return send(port, { path, status, network, body: { email: addressOf(kind, at), ...more } });
      };
      return [kind, call];
    });
    found[`POST /auth/${path}`] = summary(await measure(Object.fromEntries(calls), tries));
  }
  return found;
}

function timesTable(measured) {
  const rows = Object.entries(measured).flatMap(([what, { kinds, ratio, noise }]) =>
    kinds.map(({ kind, p25, p50, p75 }, at) => [
      at === 0 ? what : '',
      kind,
      fixed(p25),
      fixed(p50),
      fixed(p75),
      at === 0 ? fixed(ratio, 3) : '',
      at === 0 ? fixed(noise, 3) : '',
    ]),
  );
  return table(['what', 'address', 'p25 ms', 'median ms', 'p75 ms', 'ratio', 'noise'], rows);
}

export async function runAnswerTimes(options) {
  const tries = count(options, 'tries', 200, 20);
  const { only } = options.flags;
  const pool = openPool(1);
  let started;
  try {
    await dropSchema(pool, schema);
    await (await openSessions(pool, schema, 0)).close();
    for (const kind of ['verified', 'unverified', 'disabled']) await addPeople(pool, schema, kind, tries + warmUps);
    let offsetMs = 0;
    const now = () => new Date(Date.now() + offsetMs);
    started = await startApp({ contender: 'gatehouse', schema, now });
    const advance = (seconds) => {
      offsetMs += seconds * 1_000;
    };
    const measured = {
      ...(await measureRoutes(started.port, { tries, advance, only })),
      ...(only === undefined ? await measureHasher(tries) : {}),
    };
    const targets = Object.entries(measured).map(([what, { ratio, noise }]) =>
      target(`${what}: ratio, of the noise`, ratio / noise, { most: 1.1, fails: 1.5 }),
    );
    const result = { plan: { tries }, database: await describeDatabase(pool), measured };
    saveResult('answer-times', { ...result, targets }, options.quick || only !== undefined);
    console.log(`\nThe times of answers\n\n${targetsTable(targets)}\n\n${timesTable(measured)}`);
    failBeyond(targets);
  } finally {
    agent.destroy();
    await started?.app.close();
    await dropSchema(pool, schema);
    await pool.end();
  }
}
