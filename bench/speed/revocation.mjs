// What revocation costs: a remembered token with 100,000 revocations in memory, beside one without revocation; a token that
// is checked again because something was revoked; and how much memory the revocations take.
import { AuthGuard, RevocationService, TokenVerifier } from 'nest-gatehouse';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { count } from '../rig/flags.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { saveResult } from '../rig/results.mjs';
import { round } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { issuer, makeKey, makeTokens } from '../rig/tokens.mjs';
import { contextWith, measureLevels, rememberAll } from './hit.mjs';
import { target, targetsTable } from './targets.mjs';

const expiresAt = new Date(Date.now() + 3_600_000);

async function revokeMany(service, entries) {
  const began = performance.now();
  for (let at = 0; at < entries; at += 1) {
    // One of each kind, so that a check looks for all four.
    if (at === 0) await service.revokeSession({ issuer, sessionId: 'a session' });
    else if (at === 1) await service.revokeUser({ issuer, userId: 'a user' });
    else if (at === 2) await service.revokeClient({ issuer, clientId: 'a client' });
    else await service.revokeToken({ issuer, id: `token-${at}`, expiresAt });
  }
  const usEach = ((performance.now() - began) / entries) * 1_000;
  const { bytes, entries: held } = service.state();
  return { entries: held, usEach: round(usEach, 2), bytesEach: round(bytes / held, 1) };
}

function levelsOf(without, withRevocation) {
  const level = (name, title, app) => {
    const guard = app.get(AuthGuard);
    return { name, title, prepare: contextWith, ask: (context) => guard.canActivate(context) };
  };
  return [
    level('without', 'AuthGuard.canActivate, a remembered token', without),
    level('with', 'the same, with revocation: true and 100,000 revocations', withRevocation),
  ];
}

/** Each token is checked once after a revocation. */
async function measureRecheck(app, tokens, rounds) {
  const [service, verifier] = [app.get(RevocationService), app.get(TokenVerifier)];
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    await service.revokeToken({ issuer, id: `again-${round}`, expiresAt });
    const began = performance.now();
    for (const token of tokens) verifier.findVerified(token);
    best = Math.min(best, ((performance.now() - began) / tokens.length) * 1_000);
  }
  return round(best, 2);
}

export async function runRevocation(options) {
  const plan = { batches: count(options, 'batches', 600, 60), users: 1_000, entries: 100_000 };
  const key = makeKey('ES256');
  const keys = await KeyServer.start([key.jwk]);
  const config = { jwksUri: keys.jwksUri, algorithm: key.algorithm };
  const tokens = await makeTokens(key, plan.users);
  const apps = [await openGatehouse(config), await openGatehouse({ ...config, revocation: true })];
  const memory = await revokeMany(apps[1].get(RevocationService), plan.entries);
  for (const app of apps) await rememberAll(app, tokens);
  const levels = await measureLevels(levelsOf(...apps), tokens, plan.batches);
  const recheckUs = await measureRecheck(apps[1], tokens, 50);
  const million = await openGatehouse({ ...config, revocation: true });
  const large = await revokeMany(million.get(RevocationService), 1_000_000);
  await Promise.all([...apps, million].map((app) => app.close()));
  await keys.stop();

  const [without, withRevocation] = levels;
  const ratio = round(withRevocation.medianUs / without.medianUs, 3);
  const targets = [
    target('a remembered token with 100,000 revocations, beside one without revocation', ratio, {
      most: 1.02,
      unit: '×',
    }),
    target('memory of a revocation, of 1,000,000', large.bytesEach, { most: 35, unit: ' B' }),
  ];
  const result = { plan, targets, levels, recheckUs, memory: [memory, large] };
  saveResult('revocation', result, options.quick);
  const times = levels.map(({ title, medianUs, quietUs }) => [title, fixed(medianUs), fixed(quietUs)]);
  const sizes = [memory, large].map(({ entries, bytesEach, usEach }) => [entries, bytesEach, usEach]);
  console.log(`\nRevocation\n\n${targetsTable(targets)}\n`);
  console.log(`${table(['a token that comes again', 'µs, median', 'µs, best tenth'], times)}\n`);
  console.log(`${table(['revocations', 'bytes each', 'µs to revoke each'], sizes)}\n`);
  console.log(`The first use of a remembered token after a revocation: ${recheckUs} µs.`);
}
