// Revokes many tokens or sessions in a process of its own and tells what that holds: `node --expose-gc`, by message.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RevocationService } from 'nest-gatehouse';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { issuer } from '../rig/tokens.mjs';

async function heldBytes() {
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc();
    await sleep(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const expiresAt = new Date(Date.now() + 3_600_000);
const idOf = (at) => createHash('sha256').update(`${at}`).digest('base64url').slice(0, 22);

const kinds = {
  token: (service, at) => service.revokeToken({ issuer, id: idOf(at), expiresAt }),
  session: (service, at) => service.revokeSession({ issuer, sessionId: idOf(at), expiresAt }),
};

async function measure({ kind, entries }) {
  const config = { jwksUri: 'http://127.0.0.1:9/keys', algorithm: 'ES256', revocation: true };
  const app = await openGatehouse(config);
  const service = app.get(RevocationService);
  for (let at = 0; at < 2_000; at += 1) await kinds[kind](service, at);
  const before = await heldBytes();
  for (let at = 2_000; at < 2_000 + entries; at += 1) await kinds[kind](service, at);
  const held = (await heldBytes()) - before;
  if (service.state().entries !== entries + 2_000) throw new Error(`It holds ${service.state().entries} entries`);
  return { kind, entries, bytesEach: held / entries };
}

process.on('message', async ({ id, ...body }) => {
  try {
    process.send({ id, value: await measure(body) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
