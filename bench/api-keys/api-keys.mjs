// What API keys cost on Fastify: a request with a key that is known beside the open route of the same app, as Bearer and as Basic; a
// key that is not known beside a `select` that is written by hand; and tokens of /oauth/token beside bare ES256 signatures and
// beside a token endpoint that is written by hand.
//
// Within a round all candidates are measured there and back, in a new order each time, and the median of the rounds' ratios counts.
// CPU µs are what the kernel charged to the process, so they hold on a busy machine too, within limits.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ApiKeyService } from 'nest-gatehouse/api-keys';
import { Child, startAppProcess } from '../rig/child.mjs';
import { describeDatabase, dropSchema, openPool } from '../rig/database.mjs';
import { count } from '../rig/flags.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round, shuffled } from '../rig/statistics.mjs';
import { fixed, grouped, table } from '../rig/table.mjs';
import { makeKey } from '../rig/tokens.mjs';
import { failBeyond, target, targetsTable } from '../speed/targets.mjs';
import { compareLookUps } from './cold-look-ups.mjs';
import { signerOf } from './hand-written.mjs';
import { keyModules } from './key-app.mjs';
import { checkKeys } from './must-refuse.mjs';
import { lifetimeSeconds, publicUrl, roles, scopes } from './users.mjs';

const schema = 'gatehouse_bench_api_keys';
const connections = 32;
const keysForChecks = 6;
const titles = { gatehouse: 'nest-gatehouse', 'hand-written': 'hand-written' };

/** The modules in this process: they create the keys, and look unknown ones up. */
async function openModules(pool) {
  const clock = { ms: Date.now() };
  class Root {}
  Module({ imports: keyModules({ pool, schema, clock: { now: () => new Date(clock.ms) } }) })(Root);
  return { app: await NestFactory.createApplicationContext(Root, { logger: false }), clock };
}

async function createKeys(app, amount) {
  const service = app.get(ApiKeyService);
  const created = [];
  for (let at = 0; at < amount; at += 1) {
    const userId = `user-${at}`;
    const { id, secret, text } = await service.create({ userId, name: `Key ${at}`, scopes, roles });
    created.push({ id, secret, text, userId });
  }
  return created;
}

async function openApp(name, { pool, keys, signingKey }) {
  const config = { module: '../api-keys/key-app.mjs', contender: name, adapter: 'fastify', schema, signingKey };
  const app = await startAppProcess(config);
  await checkKeys(titles[name], app.port, { pool, schema, keys });
  return app;
}

/** Loads one app, and gives what a request cost its process. */
async function load(client, app, plan) {
  const before = await app.ask('usage');
  const { requests, seconds, statuses, p50, p99 } = await client.ask('load', { port: app.port, connections, ...plan });
  const after = await app.ask('usage');
  if (statuses['200'] !== requests) throw new Error(`${plan.kind} was answered with ${JSON.stringify(statuses)}`);
  return {
    cpuUs: (after.user - before.user + (after.system - before.system)) / requests,
    perSecond: requests / seconds,
    p50,
    p99,
    statements: (after.statements - before.statements) / requests,
  };
}

/** Signs the same claims as the token endpoints do on this thread, and does nothing else. */
function signFor(seconds, signToken) {
  const iat = Math.floor(Date.now() / 1000);
  const more = { iat, exp: iat + lifetimeSeconds, jti: 'x'.repeat(22), client_id: 'x'.repeat(28) };
  const claims = { iss: publicUrl, aud: publicUrl, sub: 'user-1', ...more, scope: scopes.join(' '), roles };
  const end = performance.now() + seconds * 1000;
  const began = performance.now();
  const cpu = process.cpuUsage();
  let signed = 0;
  while (performance.now() < end) {
    signToken(claims);
    signed += 1;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (signed / (performance.now() - began)) * 1000, cpuUs: (user + system) / signed };
}

/** @param {Record<string, () => object | Promise<object>>} candidates what measures each of them once */
async function compare(candidates, rounds) {
  const samples = [];
  // The first one is that of the compiler.
  for (let at = -1; at < rounds; at += 1) {
    const sample = {};
    const order = shuffled(Object.keys(candidates));
    for (const name of [...order, ...order.toReversed()]) (sample[name] ??= []).push(await candidates[name]());
    if (at >= 0) samples.push(sample);
  }
  const mean = (sample, name, member) => (sample[name][0][member] + sample[name][1][member]) / 2;
  const middle = (of) => round(median(samples.map(of)), 4);
  const figures = (name) =>
    Object.fromEntries(
      Object.keys(samples[0][name][0]).map((member) => [member, middle((sample) => mean(sample, name, member))]),
    );
  return {
    figures: Object.fromEntries(Object.keys(candidates).map((name) => [name, figures(name)])),
    ratio: (one, other, member) => middle((sample) => mean(sample, one, member) / mean(sample, other, member)),
  };
}

async function measureRequests(client, app, { rounds, seconds, warmUp }) {
  const kinds = ['open bearer', 'open basic', 'empty guard', 'bearer', 'basic'];
  for (const kind of kinds) await load(client, app, { kind, amount: warmUp });
  const measured = kinds.map((kind) => [kind, () => load(client, app, { kind, seconds })]);
  const { figures, ratio } = await compare(Object.fromEntries(measured), rounds);
  const ratios = {
    bearer: ratio('bearer', 'open bearer', 'cpuUs'),
    basic: ratio('basic', 'open basic', 'cpuUs'),
    emptyGuard: ratio('empty guard', 'open bearer', 'cpuUs'),
  };
  return { figures, ratios };
}

async function measureTokens(client, apps, signToken, { rounds, seconds, warmUp }) {
  for (const app of Object.values(apps)) await load(client, app, { kind: 'token', amount: warmUp });
  const candidates = {
    gatehouse: () => load(client, apps.gatehouse, { kind: 'token', seconds }),
    'hand-written': () => load(client, apps['hand-written'], { kind: 'token', seconds }),
    signing: () => signFor(seconds, signToken),
  };
  const { figures, ratio } = await compare(candidates, rounds);
  return {
    figures,
    ofSigning: ratio('gatehouse', 'signing', 'perSecond'),
    ofSigningCpu: ratio('signing', 'gatehouse', 'cpuUs'),
    ofHandWritten: ratio('gatehouse', 'hand-written', 'perSecond'),
    ofHandWrittenCpu: ratio('hand-written', 'gatehouse', 'cpuUs'),
  };
}

function targetsOf({ requests: { ratios }, lookUps, tokens }) {
  return [
    target('a known key over the open route, CPU a request', ratios.bearer, { most: 1.12, fails: 1.12 }),
    target('the same with Basic', ratios.basic, { most: 1.15, fails: 1.15 }),
    target('unknown keys a second, of a hand-written select', lookUps.rateRatio, { least: 0.85, fails: 0.85 }),
    target('tokens a second, of bare ES256 signatures', tokens.ofSigning, { least: 0.5, fails: 0.5 }),
  ];
}

export function apiKeysTable({ requests, lookUps, tokens }) {
  const row = (what, { perSecond, cpuUs, p50, p99, statements }) => [
    what,
    grouped(perSecond),
    fixed(cpuUs, 1),
    fixed(p50, 1),
    fixed(p99, 1),
    fixed(statements, 2),
  ];
  const rows = [
    row('the open route', requests.figures['open bearer']),
    row('a known key, Bearer', requests.figures.bearer),
    row('a route with an empty guard', requests.figures['empty guard']),
    row('the open route, called with Basic', requests.figures['open basic']),
    row('a known key, Basic', requests.figures.basic),
    row('an unknown key', lookUps.gatehouse),
    row('an unknown key, hand-written', lookUps['hand-written']),
    row('/oauth/token', tokens.figures.gatehouse),
    row('/oauth/token, hand-written', tokens.figures['hand-written']),
    row('ES256 signatures on one thread', tokens.figures.signing),
  ];
  return table(['', 'a second', 'CPU µs', 'p50 ms', 'p99 ms', 'statements'], rows);
}

export async function runApiKeys(options) {
  const plan = {
    rounds: count(options, 'rounds', 15, 2),
    seconds: count(options, 'seconds', 0.5, 0.25),
    keys: count(options, 'keys', 1_000, 100),
    warmUp: count(options, 'warm-up', 5_000, 500),
  };
  const signing = makeKey('ES256');
  const privatePem = signing.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signingKey = { kid: signing.kid, privatePem };
  const pool = openPool(10);
  const client = new Child(new URL('./client-process.mjs', import.meta.url));
  const apps = {};
  await dropSchema(pool, schema);
  const { app, clock } = await openModules(pool);
  try {
    for (const name of Object.keys(titles))
      apps[name] = await openApp(name, { pool, signingKey, keys: await createKeys(app, keysForChecks) });
    const keys = await createKeys(app, plan.keys);
    await client.ask('prepare', { keys });
    const requests = await measureRequests(client, apps.gatehouse, plan);
    const tokens = await measureTokens(client, apps, signerOf(signingKey), plan);
    const lookUps = await compareLookUps({ app, pool, schema, keys, clock }, plan.rounds);
    const result = { plan, database: await describeDatabase(pool), requests, lookUps, tokens };
    const targets = targetsOf(result);
    saveResult('api-keys', { ...result, targets }, options.quick);
    console.log(`\nAPI keys\n\n${targetsTable(targets)}\n\n${apiKeysTable(result)}`);
    console.log(
      `\n/oauth/token, of the hand-written one: ${fixed(tokens.ofHandWritten)} a second, ${fixed(tokens.ofHandWrittenCpu)} by CPU; of signing by CPU: ${fixed(tokens.ofSigningCpu)}; unknown keys by CPU: ${fixed(lookUps.cpuRatio)}`,
    );
    failBeyond(targets);
  } finally {
    await Promise.all([client, ...Object.values(apps)].map((child) => child.stop()));
    await app.close();
    await dropSchema(pool, schema);
    await pool.end();
  }
}
