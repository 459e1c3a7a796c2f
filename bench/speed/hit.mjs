// The cost of a repeated token in the guard.
//
// Every request is an object of its own with a header that nothing has hashed yet, as a parsed request has it; making
// them is not timed. Batches of 500 in turn for every contender, median of the batches, so that a batch that was
// interrupted does not count. What Nest and the HTTP server do around the guard is not in here: that is `http`.
import { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { AuthGuard, Authenticator, RequirePolicy, RequireRoles, RequireScopes, TokenVerifier } from 'nest-gatehouse';
import { rolldown } from 'rolldown';
import { fastJwtVerify } from '../contenders/fast-jwt.mjs';
import { openGatehouse } from '../contenders/gatehouse.mjs';
import { count } from '../rig/flags.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { checkRefusals } from '../rig/must-refuse.mjs';
import { saveResult } from '../rig/results.mjs';
import { quantile, round, shuffled } from '../rig/statistics.mjs';
import { fixed, table } from '../rig/table.mjs';
import { fresh, makeKey, makeTokens } from '../rig/tokens.mjs';
import { target, targetsTable } from './targets.mjs';

const batchSize = 500;
const sources = fileURLToPath(new URL('../../src/', import.meta.url));

class Routes {
  me() {}
  orders() {}
  own() {}
}
function mark(name, ...decorators) {
  for (const decorate of decorators) {
    decorate(Routes.prototype, name, Object.getOwnPropertyDescriptor(Routes.prototype, name));
  }
}
mark('orders', RequireScopes('orders:read'), RequireRoles('editor'));
mark(
  'own',
  RequirePolicy((user) => user.emailVerified === true),
);

/** A request as Fastify hands it to Nest: Node's own inside, its headers already read by the router. */
export function requestWith(token) {
  const raw = new IncomingMessage(null);
  const value = fresh(`Bearer ${token}`);
  raw.rawHeaders = ['Host', '127.0.0.1', 'Connection', 'keep-alive', 'Authorization', value];
  for (let at = 0; at < raw.rawHeaders.length; at += 2) {
    raw._addHeaderLine(raw.rawHeaders[at], raw.rawHeaders[at + 1], raw.headers);
  }
  return { raw, headers: raw.headers, user: null };
}

export function contextWith(token, handler = Routes.prototype.me) {
  const context = new ExecutionContextHost([requestWith(token), {}], Routes, handler);
  context.setType('http');
  return context;
}

/** A file that the package does not export, made of its source: a file of the build holds many of them. */
async function importSource(path) {
  const build = await rolldown({ input: `${sources}${path}` });
  const { output } = await build.generate({ format: 'esm' });
  return import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
}

/**
 * The station behind the guard. What it looks at is made from src/, as dist/ has no file for it: with --no-build they may
 * differ.
 */
async function findAuthenticator(app) {
  const { viewHttpRequest } = await importSource('request/request-view.ts');
  const authenticator = app.get(Authenticator);
  return {
    name: 'authenticator',
    title: 'nest-gatehouse: Authenticator behind the guard',
    prepare: (token) => viewHttpRequest(requestWith(token)),
    ask: (view) => authenticator.authenticate(view),
  };
}

async function openLevels(app, key) {
  const guard = app.get(AuthGuard);
  const verifier = app.get(TokenVerifier);
  const fastJwt = fastJwtVerify(key, 10_000);
  await checkRefusals('fast-jwt', fastJwt, key);
  await checkRefusals('nest-gatehouse', (token) => verifier.verify(token), key);
  return [
    {
      name: 'guard',
      title: 'nest-gatehouse: AuthGuard.canActivate',
      prepare: contextWith,
      ask: (context) => guard.canActivate(context),
    },
    await findAuthenticator(app),
    {
      name: 'verifier',
      title: 'nest-gatehouse: TokenVerifier, token at hand',
      prepare: fresh,
      ask: (token) => verifier.findVerified(token),
    },
    { name: 'fast-jwt', title: 'fast-jwt, its cache, token at hand', prepare: fresh, ask: fastJwt },
  ];
}

/** The guard again, where more is asked of it. Measured afterwards, as what a function has done before makes it slower. */
function openVariants(app, appOfUsers) {
  const guard = app.get(AuthGuard);
  const guardOfUsers = appOfUsers.get(AuthGuard);
  return [
    {
      name: 'few-users',
      title: 'AuthGuard.canActivate, tokens of 20 users and not of 1,000',
      among: 20,
      prepare: contextWith,
      ask: (context) => guard.canActivate(context),
    },
    {
      name: 'demands',
      title: 'the same, of 1,000, under @RequireScopes and @RequireRoles',
      prepare: (token) => contextWith(token, Routes.prototype.orders),
      ask: (context) => guard.canActivate(context),
    },
    {
      name: 'policy',
      title: 'the same, under @RequirePolicy with a function that answers at once',
      prepare: (token) => contextWith(token, Routes.prototype.own),
      ask: (context) => guard.canActivate(context),
    },
    {
      name: 'to-user',
      title: 'the same, with a toUser that answers at once',
      prepare: contextWith,
      ask: (context) => guardOfUsers.canActivate(context),
    },
  ];
}

async function timeBatch({ among, prepare, ask }, tokens) {
  const prepared = Array.from({ length: batchSize }, () =>
    prepare(tokens[Math.floor(Math.random() * (among ?? tokens.length))]),
  );
  const began = performance.now();
  for (const request of prepared) {
    const answer = ask(request);
    if (typeof answer?.then === 'function') await answer;
  }
  return ((performance.now() - began) / batchSize) * 1000;
}

/** Whether the guard answered without a promise. */
function isImmediate(guardLevel, token) {
  return guardLevel.ask(guardLevel.prepare(token)) === true;
}

export function hitTable({ levels }) {
  const rows = levels.map(({ title, medianUs, quietUs }) => [title, fixed(medianUs), fixed(quietUs)]);
  return table(['a repeated token', 'µs, median', 'µs, best tenth'], rows);
}

/** Batches of all levels in turn; those of the first quarter are the compiler's. */
export async function measureLevels(levels, tokens, batches) {
  const times = Object.fromEntries(levels.map(({ name }) => [name, []]));
  for (let batch = 0; batch < batches; batch += 1) {
    for (const level of shuffled(levels)) times[level.name].push(await timeBatch(level, tokens));
  }
  return levels.map(({ name, title }) => {
    const settled = times[name].slice(Math.floor(batches / 4));
    return { name, title, medianUs: round(quantile(settled, 0.5), 3), quietUs: round(quantile(settled, 0.1), 3) };
  });
}

/** Twice: a token is remembered from its second coming on. */
export async function rememberAll(app, tokens) {
  const verifier = app.get(TokenVerifier);
  for (const token of [...tokens, ...tokens]) await verifier.verify(token);
}

export async function runHit(options) {
  const plan = { batches: count(options, 'batches', 400, 60), users: 1_000 };
  const key = makeKey('ES256');
  const keys = await KeyServer.start([key.jwk]);
  const config = { jwksUri: keys.jwksUri, algorithm: key.algorithm };
  const tokens = await makeTokens(key, plan.users);
  const app = await openGatehouse(config);
  const levels = await openLevels(app, key);
  await rememberAll(app, tokens);
  const measured = await measureLevels(levels, tokens, plan.batches);
  // Only now, so that a second app with as many tokens does not take the first one's place in the processor's caches.
  const appOfUsers = await openGatehouse({ ...config, toUser: ({ id, email }) => ({ id, email }) });
  await rememberAll(appOfUsers, tokens);
  const variants = openVariants(app, appOfUsers);
  measured.push(...(await measureLevels(variants, tokens, plan.batches)));
  const immediate = [levels[0], ...variants].every((level) => isImmediate(level, tokens[0]));
  await Promise.all([app.close(), appOfUsers.close()]);
  await keys.stop();
  const targets = [target('a cache hit, AuthGuard.canActivate', measured[0].medianUs, { most: 0.7, unit: ' µs' })];
  const result = { plan, targets, guardAnswersWithoutPromise: immediate, levels: measured };
  saveResult('hit', result, options.quick);
  const promise = immediate ? 'The guard answers without a promise.' : 'The guard answers with a promise.';
  console.log(`\nA cache hit\n\n${targetsTable(targets)}\n\n${hitTable(result)}\n\n${promise}`);
}
