// A program that asks the app of app.ts what it is to answer, for runtimes and bundles. It ends with 1 if anything is wrong.
import assert from 'node:assert/strict';
import type { LoggerService } from '@nestjs/common';
import { causeOfOutage, RunningApp } from './app.js';

async function askTheApp(): Promise<void> {
  const lines: string[] = [];
  const keep = (text: unknown): void => {
    lines.push(String(text));
  };
  const logger: LoggerService = { log: keep, debug: keep, warn: keep, error: keep };
  const app = await RunningApp.start(logger);
  const anonymous = await app.getMe();
  assert.deepEqual([anonymous.status, anonymous.challenge], [401, 'Bearer']);

  const token = await app.issuer.token({ sub: 'u1', aud: 'api' });
  assert.deepEqual(await app.getMe(token), { status: 200, challenge: null, body: { id: 'u1' } });

  const expired = await app.getMe(await app.issuer.token({ sub: 'u1', aud: 'api' }, { expiresIn: '-1h' }));
  assert.deepEqual([expired.status, expired.body['reason']], [401, 'expired']);

  const refused = lines.filter((line) => line.includes('refused'));
  assert.equal(refused.length, 2);
  // The names of classes, which a bundler could have shortened.
  for (const line of refused) assert.match(line, /^MeController\.me: refused/);
  await app.stop();

  // Loads what is loaded late.
  assert.match(await causeOfOutage(), /ECONNREFUSED|ConnectionRefused|refused/i);
}

askTheApp().then(
  () => {
    console.log('all as it is to be');
    process.exit(0);
  },
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
