// Uses proofs in a process of its own and tells what the memory for used ones holds: `node --expose-gc`, by message from dpop.mjs.
import { setTimeout as sleep } from 'node:timers/promises';
import { AuthGuard } from 'nest-gatehouse';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { makeKey } from '../rig/tokens.mjs';
import { makeClient, makeProof, requestOf } from './proofs.mjs';

async function heldBytes() {
  // What is freed only after a turn of the loop (weak maps, finalizers) should be gone as well.
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc();
    await sleep(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function measure({ proofs }) {
  const issuerKey = makeKey('ES256');
  const keys = await KeyServer.start([issuerKey.jwk]);
  const app = await openGatehouse({ jwksUri: keys.jwksUri, algorithm: 'ES256', dpop: 'accept' });
  const guard = app.get(AuthGuard);
  const clients = Array.from({ length: 100 }, (_, at) => makeClient(issuerKey, at));
  const useProofs = async (amount) => {
    for (let at = 0; at < amount; at += 1) {
      const client = clients[at % clients.length];
      await guard.canActivate(requestOf(client.token, makeProof(client, client.token)));
    }
  };
  await useProofs(1_000);
  const before = await heldBytes();
  await useProofs(proofs);
  return { bytesPerProof: ((await heldBytes()) - before) / proofs };
}

process.on('message', async ({ id, ...body }) => {
  try {
    process.send({ id, value: await measure(body) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
