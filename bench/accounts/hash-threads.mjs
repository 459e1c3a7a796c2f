// How many password hashes may run at once: `node bench/accounts/hash-threads.mjs [hashes=500]`.
//
// 500 hashes are asked for at once, of which so many run at a time. Meanwhile, every 5 ms: a file is asked for its size, which needs a
// thread of libuv's pool; and a route of an HTTP server in this process is called by a client in another process, which needs the
// main thread. docs/internals/decisions/0028-passwords.md has the figures.
import { spawn } from 'node:child_process';
import { randomBytes, scrypt } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hashRaw } from '@node-rs/argon2';

const self = fileURLToPath(import.meta.url);
const salt = randomBytes(16);
const derive = {
  argon2id: () => hashRaw('password', { memoryCost: 19_456, timeCost: 2, parallelism: 1, salt }),
  scrypt: () => promisify(scrypt)('password', salt, 32, { N: 2 ** 14, r: 8, p: 5, maxmem: 2 ** 26 }),
};

/** Milliseconds that the call took, one entry for each call, one call each 5 ms until `isOver`. */
async function sample(call, isOver) {
  const took = [];
  while (!isOver()) {
    const began = performance.now();
    await call();
    took.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return took;
}

function quantiles(took) {
  const sorted = took.sort((a, b) => a - b);
  const at = (share) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);
  return `${at(0.5).padStart(7)} ${at(0.99).padStart(7)}`;
}

/** Runs in another process: calls the server until the input ends, and prints how long each call took. */
async function runClient(port) {
  let isOver = false;
  process.stdin.resume().on('end', () => {
    isOver = true;
  });
  const took = await sample(
    async () => (await fetch(`http://127.0.0.1:${port}/`)).text(),
    () => isOver,
  );
  process.stdout.write(JSON.stringify(took.slice(5)));
}

async function measure(work) {
  const server = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const client = spawn(process.execPath, [self, `--client=${server.address().port}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  client.stdout.on('data', (data) => {
    text += data;
  });
  await new Promise((resolve) => server.once('request', resolve));
  let isOver = false;
  const files = sample(
    () => stat(self),
    () => isOver,
  );
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  isOver = true;
  client.stdin.end();
  await new Promise((resolve) => client.once('close', resolve));
  server.close();
  return { seconds, files: await files, route: JSON.parse(text) };
}

async function burst(call, hashes, atOnce) {
  let left = hashes;
  const run = async () => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
}

function print(name, atOnce, hashes, { seconds, files, route }) {
  const rate = hashes === 0 ? '' : (hashes / seconds).toFixed(0);
  console.log(
    `${name.padEnd(9)} ${String(atOnce).padStart(7)} ${rate.padStart(9)}   ${quantiles(files)}   ${quantiles(route)}`,
  );
}

async function main(hashes) {
  console.log('hash      at once  hashes/s   file p50, p99     route p50, p99 (ms)');
  print('none', '-', 0, await measure(() => new Promise((resolve) => setTimeout(resolve, 3000))));
  for (const name of Object.keys(derive)) {
    const asked = name === 'scrypt' ? Math.ceil(hashes / 10) : hashes;
    for (const atOnce of [1, 2, 3, 4, asked]) {
      print(name, atOnce, asked, await measure(() => burst(derive[name], asked, atOnce)));
    }
  }
}

const client = process.argv.find((word) => word.startsWith('--client='));
if (client === undefined) await main(Number(process.argv[2] ?? 500));
else await runClient(client.slice('--client='.length));
