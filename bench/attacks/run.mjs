// What strangers can do to the availability of an app, each attack with the bound that it must stay within:
// `npm run bench -- attacks [--only=idle] [--sockets=8000] [--no-build]`. A bound that is exceeded makes the run fail. The app runs
// in a process of its own, the clients and the issuer in this one; all on loopback.
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../rig/child.mjs';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { table } from '../rig/table.mjs';

const require = createRequire(new URL('../../package.json', import.meta.url));
const megabyte = 2 ** 20;

/** Starts an app, runs the attack, and stops both. */
async function withApp(config, attack) {
  const { TestIssuer } = require('nest-gatehouse/testing');
  const issuer = await TestIssuer.start({ algorithm: 'ES256' });
  const app = new Child(new URL('./app-process.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
  try {
    const port = await app.ask('start', { issuer: issuer.url, ...config });
    const during = async (work) => {
      await app.ask('begin');
      await work();
      return app.ask('end');
    };
    return await attack({
      app,
      port,
      during,
      tokenFor: (sub) => issuer.token({ aud: 'api', sub }, { expiresIn: '1h' }),
    });
  } finally {
    await app.stop();
    await issuer.stop();
  }
}

/** Ways to write one name of 20 letters in different cases. */
function casesOfOneName(number) {
  const letters = [...'abcdefghijklmnopqrst'];
  const write = (way) => letters.map((letter, at) => ((way >> at) & 1 ? letter.toUpperCase() : letter)).join('');
  return Object.fromEntries(Array.from({ length: number }, (_, way) => [write(way), 'x']));
}

async function greetSocketIo(port, namespace, auth) {
  const { io } = require('socket.io-client');
  const socket = io(`http://127.0.0.1:${port}/${namespace}`, {
    transports: ['websocket'],
    auth,
    reconnection: false,
    forceNew: true,
  });
  await new Promise((resolve) => socket.once('connect', resolve).once('connect_error', resolve));
  socket.disconnect();
}

/** The least of several rounds, because other programs on the machine only add to it. */
async function leastBlocked(during, work, rounds) {
  const blocked = [];
  for (let round = 0; round < rounds; round += 1) blocked.push((await during(work)).blockedMs);
  return Math.min(...blocked);
}

async function greeting({ quick }) {
  const auth = casesOfOneName(32_000);
  return withApp({ shape: 'socket.io' }, async ({ port, during }) => {
    const rounds = quick ? 3 : 8;
    const open = await leastBlocked(during, () => greetSocketIo(port, 'open', auth), rounds);
    const guarded = await leastBlocked(during, () => greetSocketIo(port, 'guarded', auth), rounds);
    return { value: guarded - open, text: `${guarded.toFixed(1)} ms, of which socket.io takes ${open.toFixed(1)}` };
  });
}

async function askGraphql(port, connectionParams, field) {
  const { createClient } = require('graphql-ws');
  const client = createClient({
    url: `ws://127.0.0.1:${port}/graphql`,
    webSocketImpl: require('ws').WebSocket,
    connectionParams,
    retryAttempts: 0,
  });
  const query = `{ ${Array.from({ length: 500 }, (_, at) => `a${at}: ${field}`).join(' ')} }`;
  for await (const result of client.iterate({ query })) {
    const refusals = result.errors?.length ?? 0;
    if (refusals === 0 && result.data === null) throw new Error('There is no answer');
  }
  await client.dispose();
}

async function aliases({ quick }, paramsOf) {
  return withApp({ shape: 'graphql' }, async ({ port, during, tokenFor }) => {
    const params = await paramsOf(tokenFor);
    const rounds = quick ? 3 : 10;
    await askGraphql(port, params, 'refused');
    await askGraphql(port, params, 'guarded');
    const refused = await leastBlocked(during, () => askGraphql(port, params, 'refused'), rounds);
    const guarded = await leastBlocked(during, () => askGraphql(port, params, 'guarded'), rounds);
    return {
      value: guarded - refused,
      text: `${guarded.toFixed(1)} ms; with a guard that only refuses ${refused.toFixed(1)}`,
    };
  });
}

const distinctNames = () =>
  Object.fromEntries(Array.from({ length: 9_000 }, (_, at) => [`name-${at}-${'x'.repeat(8)}`, 'x']));
const fullParameters = async (tokenFor) => ({
  ...Object.fromEntries(Array.from({ length: 99 }, (_, at) => [`name-${at}`, 'x'])),
  token: await tokenFor('alice'),
});

async function openSockets(port, token, number) {
  const { WebSocket } = require('ws');
  const sockets = [];
  while (sockets.length < number) {
    const batch = Array.from({ length: Math.min(50, number - sockets.length) }, () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } });
      socket.on('error', () => undefined);
      return socket;
    });
    await Promise.all(batch.map((socket) => once(socket, 'open')));
    sockets.push(...batch);
    await sleep(150);
  }
  return sockets;
}

async function idle(options) {
  const number = count(options, 'sockets', 8_000, 1_000);
  return withApp({ shape: 'ws' }, async ({ port, during, tokenFor }) => {
    const sockets = await openSockets(port, await tokenFor('alice'), number);
    await sleep(60_000);
    const { cpuShare } = await during(() => sleep(60_000));
    for (const socket of sockets) socket.terminate();
    return {
      value: cpuShare * 100,
      text: `${number} sockets, ${(cpuShare * 100).toFixed(2)} % of a core`,
    };
  });
}

async function closed({ quick }) {
  const number = quick ? 500 : 3_000;
  return withApp({ shape: 'ws' }, async ({ app, port, tokenFor }) => {
    const token = await tokenFor('alice');
    const round = async () => {
      const sockets = await openSockets(port, token, number);
      const ended = sockets.map((socket) => once(socket, 'close'));
      for (const socket of sockets) socket.close();
      await Promise.all(ended);
      return app.ask('heap');
    };
    // The first round fills the caches of Node itself.
    const before = await round();
    const after = await round();
    return {
      value: (after - before) / megabyte,
      text: `${number} sockets, ${((after - before) / megabyte).toFixed(1)} MB`,
    };
  });
}

/** An issuer that knows the opaque tokens that begin with `good`, and takes its time. */
async function slowIssuer(delayMs) {
  const server = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const active = body.startsWith('token=good');
    const answer = active
      ? { active, sub: 'alice', aud: 'api', exp: Date.now() / 1_000 + 3_600, token_type: 'Bearer' }
      : { active };
    await sleep(delayMs);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${server.address().port}/`;
  return { introspection: { clientId: 'api', clientSecret: 'secret', endpoint }, stop: () => server.close() };
}

function call(port, token, { agent, localAddress = '127.0.0.1' } = {}) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const sent = request(
      { port, host: '127.0.0.1', path: '/me', headers, agent: agent ?? false, localAddress },
      (response) => {
        response.resume().on('end', () => resolve({ status: response.statusCode, ms: performance.now() - began }));
      },
    );
    sent.on('error', reject).end();
  });
}

async function junkTokens() {
  const { introspection, stop } = await slowIssuer(500);
  try {
    return await withApp({ shape: 'http', introspection }, async ({ port }) => {
      const flood = [];
      // In parts, because Node's own queue of new connections has 511 places.
      for (let sent = 0; sent < 1_500; sent += 100) {
        for (let at = 0; at < 100; at += 1) flood.push(call(port, `junk${sent + at}`));
        await sleep(20);
      }
      // Users of another network, meanwhile and afterwards.
      const users = [];
      for (let at = 0; at < 5; at += 1) users.push(await call(port, `good${at}`, { localAddress: '127.0.0.2' }));
      await Promise.all(flood);
      users.push(await call(port, 'good', { localAddress: '127.0.0.2' }));
      const told = users.map(({ status, ms }) => `${status} after ${(ms / 1_000).toFixed(1)} s`);
      return { value: users.filter(({ status }) => status !== 200).length, text: told.join(', ') };
    });
  } finally {
    stop();
  }
}

async function junkMemory({ quick }) {
  const { introspection, stop } = await slowIssuer(0);
  const number = quick ? 1_000 : 10_000;
  try {
    return await withApp({ shape: 'http', introspection }, async ({ app, port }) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 40 });
      const send = (amount) =>
        Promise.all(Array.from({ length: amount }, (_, at) => call(port, `junk${at}${'x'.repeat(14_000)}`, { agent })));
      for (let sent = 0; sent < 400; sent += 400) await send(400);
      const before = await app.ask('heap');
      for (let sent = 0; sent < number; sent += 400) await send(400);
      const grown = (await app.ask('heap')) - before;
      agent.destroy();
      return { value: grown / megabyte, text: `${number} tokens of 14 kB, ${(grown / megabyte).toFixed(1)} MB` };
    });
  } finally {
    stop();
  }
}

/** Each attack, with the bound of its value. */
const attacks = {
  greeting: {
    title: 'socket.io: 32,000 names in `auth`, milliseconds blocked beside socket.io itself',
    bound: 20,
    run: greeting,
  },
  names: {
    title: 'graphql-ws: 9,000 names in `connectionParams`, then 500 aliases, milliseconds blocked',
    bound: 20,
    run: (options) => aliases(options, distinctNames),
  },
  aliases: {
    title: 'graphql-ws: a user with 100 names, then 500 aliases, milliseconds blocked',
    bound: 20,
    run: (options) => aliases(options, fullParameters),
  },
  idle: { title: 'ws: idle sockets of one user, percent of a core', bound: 2, run: idle },
  closed: { title: 'ws: sockets that were closed, MB left', bound: 5, run: closed },
  junk: {
    title: 'introspection: 1,500 invented tokens at once, users of another network who are refused',
    bound: 0,
    run: junkTokens,
  },
  memory: { title: 'introspection: invented tokens, MB left', bound: 5, run: junkMemory },
};

export async function runAttacks(options) {
  const only = typeof options.flags.only === 'string' ? options.flags.only.split(',') : Object.keys(attacks);
  const results = [];
  for (const name of only) {
    const { title, bound, run } = attacks[name];
    const { value, text } = await run(options);
    results.push({ name, title, bound, value, text, passed: value <= bound });
    console.log(`${value <= bound ? 'within' : 'BEYOND'} the bound of ${bound}: ${title}: ${text}`);
  }
  console.log(
    `\n${table(
      ['attack', 'measured', 'bound', ''],
      results.map(({ title, text, bound, passed }) => [title, text, bound, passed ? 'within' : 'BEYOND']),
    )}`,
  );
  saveResult('attacks', { results }, options.quick || only.length < Object.keys(attacks).length);
  if (results.some(({ passed }) => !passed)) process.exitCode = 1;
}
