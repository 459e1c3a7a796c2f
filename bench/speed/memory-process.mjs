// Fills a cache of tokens in a process of its own and tells what it holds: `node --expose-gc`, by message from memory.mjs.
import { setTimeout as sleep } from 'node:timers/promises';
import { AuthGuard, TokenVerifier } from 'nest-gatehouse';
import { fastJwtVerify } from '../contenders/fast-jwt.mjs';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { claimsOf, fresh, makeKey, makeToken } from '../rig/tokens.mjs';
import { contextWith } from './hit.mjs';

const entries = 10_000;
const hour = 3600;

async function heldBytes() {
  // What is freed only after a turn of the loop (weak maps, finalizers) should be gone as well.
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc();
    await sleep(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function payloadFor(key, tokenLength) {
  if (tokenLength === undefined) return undefined;
  const bare = makeToken(key, claimsOf(1, {}, 0)).length;
  const shortest = JSON.stringify(claimsOf(1, {}, 0)).length;
  return shortest + Math.floor(((tokenLength - bare) * 3) / 4);
}

/** Tokens are made and dropped one by one, so that only what keeps them keeps them. */
async function fill(ask, key, bytes) {
  const exp = Math.floor(Date.now() / 1000) + hour;
  let length = 0;
  for (let user = 0; user < entries; user += 1) {
    const token = fresh(makeToken(key, claimsOf(10_000 + user, { exp }, bytes)));
    length = token.length;
    await ask(token);
  }
  return length;
}

async function openAsker(kind, key, jwksUri, now) {
  if (kind === 'fast-jwt') return { ask: fastJwtVerify(key, entries) };
  const app = await openGatehouse({ jwksUri, algorithm: key.algorithm, now });
  const guard = app.get(AuthGuard);
  // Twice: a token is remembered from its second coming on.
  const ask = async (token) => {
    await guard.canActivate(contextWith(token));
    await guard.canActivate(contextWith(token));
  };
  return { ask, app };
}

async function measure({ kind, tokenLength }) {
  let offsetMs = 0;
  const key = makeKey('ES256');
  const keys = await KeyServer.start([key.jwk]);
  const { ask, app } = await openAsker(kind, key, keys.jwksUri, () => new Date(Date.now() + offsetMs));
  const bytes = payloadFor(key, tokenLength);
  for (let user = 0; user < 500; user += 1) await ask(makeToken(key, claimsOf(user, {}, bytes)));
  const before = await heldBytes();
  const length = await fill(ask, key, bytes);
  const full = await heldBytes();
  const found = { length, bytesPerToken: (full - before) / entries };
  if (app === undefined) return found;
  // All tokens have ended more than a minute ago. The cache sweeps every half minute, by the machine's own timers.
  offsetMs = (hour + 66) * 1000;
  await app.get(TokenVerifier).verify(makeToken(key, claimsOf(1)));
  await sleep(32_000);
  const after = await heldBytes();
  return { ...found, retainedPerToken: (after - before) / entries };
}

process.on('message', async ({ id, ...body }) => {
  try {
    process.send({ id, value: await measure(body) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
