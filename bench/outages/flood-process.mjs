// Sends forged tokens from a separate process, either 50 concurrently as fast as they are answered, or at a constant rate.
import { randomBytes } from 'node:crypto';
import { Client } from '../rig/client.mjs';
import { claimsOf, encode } from '../rig/tokens.mjs';

function madeUp() {
  const header = encode({ alg: 'ES256', typ: 'JWT', kid: `bogus-${randomBytes(9).toString('hex')}` });
  return `${header}.${encode(claimsOf(1))}.${randomBytes(64).toString('base64url')}`;
}

async function flood({ port, amount }) {
  const client = new Client(port);
  const statuses = {};
  let sent = 0;
  const began = performance.now();
  const worker = async () => {
    while (sent < amount) {
      sent += 1;
      const { status } = await client.send(madeUp());
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  client.close();
  return { statuses, seconds: (performance.now() - began) / 1000 };
}

/** Continues until the process ends. */
function trickle({ port, perSecond }) {
  const client = new Client(port);
  void client.sendSteadily(madeUp, { perSecond });
}

process.on('message', async ({ id, type, ...body }) => {
  process.send({ id, value: await (type === 'trickle' ? trickle(body) : flood(body)) });
});
