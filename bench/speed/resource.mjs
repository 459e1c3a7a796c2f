// What a protected resource costs: a remembered token in an app that compares the audience at each request, beside one that does not.
import { AuthGuard } from 'nest-gatehouse';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { count } from '../rig/flags.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { saveResult } from '../rig/results.mjs';
import { round } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { makeKey, makeTokens } from '../rig/tokens.mjs';
import { contextWith, measureLevels, rememberAll } from './hit.mjs';
import { target, targetsTable } from './targets.mjs';

/** As in hit.mjs, with the address that a request has. */
function contextAt(token) {
  const context = contextWith(token);
  context.getArgs()[0].raw.url = '/v1/orders/4711?fields=name';
  return context;
}

function levelsOf(without, withResource) {
  const level = (name, title, app) => {
    const guard = app.get(AuthGuard);
    return { name, title, prepare: contextAt, ask: (context) => guard.canActivate(context) };
  };
  return [
    level('without', 'AuthGuard.canActivate, a remembered token', without),
    level('with', 'the same, in an app that is a resource', withResource),
  ];
}

export async function runResource(options) {
  const plan = { batches: count(options, 'batches', 600, 60), users: 1_000 };
  const key = makeKey('ES256');
  const keys = await KeyServer.start([key.jwk]);
  const config = { jwksUri: keys.jwksUri, algorithm: key.algorithm };
  const tokens = await makeTokens(key, plan.users);
  const apps = [await openGatehouse(config), await openGatehouse({ ...config, resource: true })];
  for (const app of apps) await rememberAll(app, tokens);
  const levels = await measureLevels(levelsOf(...apps), tokens, plan.batches);
  await Promise.all(apps.map((app) => app.close()));
  await keys.stop();

  const [without, withResource] = levels;
  const addedUs = round(withResource.medianUs - without.medianUs, 3);
  const targets = [target('what a resource adds to a remembered token', addedUs, { most: 0.2, unit: ' µs' })];
  const result = { plan, targets, levels };
  saveResult('resource', result, options.quick);
  const times = levels.map(({ title, medianUs, quietUs }) => [title, fixed(medianUs), fixed(quietUs)]);
  console.log(`\nA protected resource\n\n${targetsTable(targets)}\n`);
  console.log(table(['a token that comes again', 'µs, median', 'µs, best tenth'], times));
}
