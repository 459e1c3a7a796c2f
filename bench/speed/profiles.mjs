// What a look-up of the caller's profile costs, and how many calls reach the provider.
//
// The provider answers at once, on loopback: what is left is what the caller's side takes. A real one is tens of
// milliseconds away, so calls that are not made count for more than they do here.
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Authenticator, AuthModule, propelAuth, UserProfileService } from 'nest-gatehouse';
import { count } from '../rig/flags.mjs';
import { startProfileProvider } from '../rig/profile-provider.mjs';
import { saveResult } from '../rig/results.mjs';
import { median, round } from '../rig/statistics.mjs';
import { fixed, grouped, table } from '../rig/table.mjs';

const authUrl = 'https://auth.bench.example';
const apiKey = 'bench-key';
const inFlight = 64;
const crowd = 1_000;

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf(user_id) {
  const now = Math.floor(Date.now() / 1_000);
  const signed = `${encode({ alg: 'RS256' })}.${encode({ iss: authUrl, user_id, sub: user_id, iat: now, exp: now + 3_600 })}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(pair.privateKey, 'base64url')}`;
}

async function open(apiUrl) {
  const verifierKey = pair.publicKey.export({ type: 'spki', format: 'pem' });
  class Root {}
  Module({ imports: [AuthModule.forRoot({ issuers: propelAuth({ authUrl, apiKey, verifierKey, apiUrl }) })] })(Root);
  const app = await NestFactory.createApplicationContext(Root, { logger: false });
  const authenticator = app.get(Authenticator);
  const userOf = async (id) =>
    authenticator.authenticate({
      request: {},
      headers: (name) => (name === 'authorization' ? [`Bearer ${tokenOf(id)}`] : []),
    });
  return { app, userOf, profiles: app.get(UserProfileService) };
}

/** The plain way: one call for each look-up. */
async function fetchPlainly(apiUrl, { id }) {
  const headers = { authorization: `Bearer ${apiKey}` };
  const response = await fetch(`${apiUrl}/api/backend/v1/user/${id}`, { headers });
  if (!response.ok) throw new Error(`The provider answered ${response.status}`);
  return response.json();
}

/** Works through the users, so many at a time; how long it took, and how many calls reached the provider. */
async function time(provider, users, lookUp, atOnce = inFlight) {
  const before = await provider.calls();
  const queue = users.values();
  const began = performance.now();
  const lines = Array.from({ length: atOnce }, async () => {
    for (const user of queue) await lookUp(user);
  });
  await Promise.all(lines);
  const tookMs = performance.now() - began;
  return { tookMs, perSecond: (users.length / tookMs) * 1_000, calls: (await provider.calls()) - before };
}

async function measureOnce(provider, lookUps) {
  const { app, userOf, profiles } = await open(provider.url);
  const users = await Promise.all(Array.from({ length: lookUps }, () => userOf(randomUUID())));
  const one = Array(crowd).fill(await userOf(randomUUID()));
  // The first look-up loads what is loaded then.
  await profiles.get(await userOf(randomUUID()));
  await fetchPlainly(provider.url, users[0]);
  const plain = (user) => fetchPlainly(provider.url, user);
  const ours = (user) => profiles.get(user);
  const result = {
    plain: await time(provider, users, plain),
    cold: await time(provider, users, ours),
    warm: await time(provider, users, ours),
    plainCrowd: await time(provider, one, plain, crowd),
    ourCrowd: await time(provider, one, ours, crowd),
  };
  await app.close();
  return result;
}

const titles = {
  plain: 'plain `fetch` for each request',
  cold: 'nest-gatehouse, users whom it does not know',
  warm: 'nest-gatehouse, users whom it knows',
  plainCrowd: `${grouped(crowd)} at once for one user, plain \`fetch\``,
  ourCrowd: `${grouped(crowd)} at once for one user, nest-gatehouse`,
};

export function profilesTable({ plan, byWay }) {
  const rows = Object.entries(titles).map(([name, title]) => {
    const { tookMs, perSecond, calls } = byWay[name];
    const lookUps = name.endsWith('Crowd') ? crowd : plan.lookUps;
    return [title, grouped(lookUps), fixed(tookMs, 1), grouped(perSecond), grouped(calls)];
  });
  return table(['look-ups of a profile', 'number', 'all done after ms', 'a second', 'calls to the provider'], rows);
}

export async function runProfiles(options) {
  const plan = { rounds: count(options, 'rounds', 5, 2), lookUps: count(options, 'lookUps', 3_000, 500), inFlight };
  const provider = await startProfileProvider();
  const rounds = [];
  // The first round is the compiler's.
  for (let at = 0; at <= plan.rounds; at += 1) rounds.push(await measureOnce(provider, plan.lookUps));
  await provider.stop();
  const middle = (name, member) => round(median(rounds.slice(1).map((one) => one[name][member])), 3);
  const byWay = Object.fromEntries(
    Object.keys(titles).map((name) => [
      name,
      { tookMs: middle(name, 'tookMs'), perSecond: middle(name, 'perSecond'), calls: middle(name, 'calls') },
    ]),
  );
  const result = { plan, byWay };
  saveResult('profiles', result, options.quick);
  console.log(`\nProfiles\n\n${profilesTable(result)}`);
}
