// What a request with a DPoP proof costs in the guard (RFC 9449 §4.3), beside the signature checks and the hash that no implementation can
// do without: two ES256 checks and the SHA-256 of the token where the token is new, one check and the hash where it is remembered.
//
// Each proof is used once, so that batches are prepared before they are timed. CPU µs are those of the process, the thread pool included.
import { AuthGuard } from 'nest-gatehouse';
import { createHash } from 'node:crypto';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { Child } from '../rig/child.mjs';
import { count } from '../rig/flags.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round, shuffled } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { makeKey } from '../rig/tokens.mjs';
import { failBeyond, target, targetsTable } from '../speed/targets.mjs';
import { makeClient, makeProof, newToken, publicUrl, requestOf, signatureFits } from './proofs.mjs';

const batchSize = 200;

/** A wrong proof that passes would make the figures worthless. */
async function checkRefusals(guard, [client, other]) {
  const { token } = client;
  const proof = makeProof(client, token);
  const wrong = {
    'a proof of another key': [token, makeProof(other, token)],
    'a proof for another token': [token, makeProof(client, other.token)],
    'a proof for another address': [token, makeProof(client, token, { htu: `${publicUrl}/others` })],
    'a proof of ten minutes ago': [token, makeProof(client, token, { iat: Math.floor(Date.now() / 1000) - 600 })],
    'a proof that was used': [token, proof],
  };
  await guard.canActivate(requestOf(token, proof));
  for (const [what, [text, with_]] of Object.entries(wrong)) {
    const passed = await Promise.resolve(guard.canActivate(requestOf(text, with_))).catch(() => false);
    if (passed) throw new Error(`${what} was accepted`);
  }
}

function rawCheck(token, proof, keys) {
  for (const [text, key] of keys(token, proof))
    if (!signatureFits(text, key)) throw new Error('A signature does not fit');
  return createHash('sha256').update(token).digest('base64url');
}

/** What is compared: how a request of a client is prepared, and what is timed. */
function candidatesOf(guard, issuerKey) {
  const ask = (context) => guard.canActivate(context);
  const guarded = (tokenOf) => ({
    prepare: (client) => {
      const token = tokenOf(client);
      return requestOf(token, makeProof(client, token));
    },
    ask,
  });
  const raw = (keys) => ({
    prepare: (client) => ({ client, token: client.token, proof: makeProof(client, client.token) }),
    ask: ({ client, token, proof }) => rawCheck(token, proof, (one, other) => keys(one, other, client)),
  });
  const ofProof = (proof, client) => [proof, client.key.publicKey];
  return {
    'new token': guarded((client) => newToken(issuerKey, client)),
    'two checks': raw((token, proof, client) => [[token, issuerKey.publicKey], ofProof(proof, client)]),
    'known token': guarded((client) => client.token),
    'one check': raw((_token, proof, client) => [ofProof(proof, client)]),
  };
}

const titles = {
  'new token': 'AuthGuard, a token that is new, and its proof',
  'two checks': 'two ES256 checks and one SHA-256',
  'known token': 'AuthGuard, a token that is remembered, and its proof',
  'one check': 'one ES256 check and one SHA-256',
};

async function timeBatch({ prepare, ask }, clients) {
  const prepared = Array.from({ length: batchSize }, (_, at) => prepare(clients[at % clients.length]));
  const before = process.cpuUsage();
  for (const request of prepared) await ask(request);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / batchSize;
}

async function measure(candidates, clients, rounds) {
  const samples = [];
  // The first rounds are those of the compiler.
  for (let at = -3; at < rounds; at += 1) {
    const sample = {};
    for (const name of shuffled(Object.keys(candidates))) sample[name] = await timeBatch(candidates[name], clients);
    if (at >= 0) samples.push(sample);
  }
  const middle = (of) => round(median(samples.map(of)), 3);
  return {
    cpuUs: Object.fromEntries(Object.keys(candidates).map((name) => [name, middle((sample) => sample[name])])),
    ratios: {
      newToken: middle((sample) => sample['two checks'] / sample['new token']),
      knownToken: middle((sample) => sample['one check'] / sample['known token']),
    },
  };
}

async function weighProof(proofs) {
  const child = new Child(new URL('./memory-process.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
  const { bytesPerProof } = await child.ask('measure', { proofs });
  await child.stop();
  return round(bytesPerProof);
}

export async function runDpop(options) {
  const plan = {
    rounds: count(options, 'rounds', 40, 6),
    clients: 200,
    proofs: count(options, 'proofs', 20_000, 2_000),
  };
  const issuerKey = makeKey('ES256');
  const keys = await KeyServer.start([issuerKey.jwk]);
  const app = await openGatehouse({ jwksUri: keys.jwksUri, algorithm: 'ES256', dpop: 'accept' });
  const clients = Array.from({ length: plan.clients }, (_, at) => makeClient(issuerKey, at));
  const guard = app.get(AuthGuard);
  await checkRefusals(guard, clients);
  // Twice: a token is remembered from its second coming on.
  for (const client of [...clients, ...clients]) {
    await guard.canActivate(requestOf(client.token, makeProof(client, client.token)));
  }
  const { cpuUs, ratios } = await measure(candidatesOf(guard, issuerKey), clients, plan.rounds);
  await app.close();
  await keys.stop();
  const bytesPerProof = await weighProof(plan.proofs);

  const targets = [
    target('two ES256 checks and a hash, of a request with a new token and its proof', ratios.newToken, {
      least: 0.75,
      fails: 0.6,
    }),
    target('one ES256 check and a hash, of a request with a known token and its proof', ratios.knownToken, {
      least: 0.6,
    }),
    target('memory a remembered proof', bytesPerProof, { most: 300, unit: ' bytes' }),
  ];
  saveResult('dpop', { plan, targets, cpuUs, bytesPerProof }, options.quick);
  const rows = Object.entries(cpuUs).map(([name, us]) => [titles[name], fixed(us, 1)]);
  console.log(`\nDPoP\n\n${targetsTable(targets)}\n\n${table(['', 'CPU µs'], rows)}`);
  failBeyond(targets);
}
