import { existsSync } from 'node:fs';
import { muteRuntimeNotice } from './provider/runtime-notice.js';
import { readSettings, SettingsError } from './settings.js';

async function start(): Promise<void> {
  const settings = await readSettings(process.env);
  console.log('Starting an OpenID provider and a Nest app on this machine …');
  if (!existsSync(settings.dataDirectory))
    console.log('The first start creates a database, which takes a few seconds.');

  // The import is lazy, so that a port in use is reported at once.
  muteRuntimeNotice();
  const { startPlayground } = await import('./playground.js');
  const playground = await startPlayground(settings);

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    console.log('\nStopped.');
    void playground.close().finally(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);

  console.log(`
  Playground   ${playground.pageUrl}      open this one
  Provider     ${playground.issuer}
  Sessions     ${settings.dataDirectory}
  Sign in as   mira / gatehouse

Ctrl-C stops both.`);
}

try {
  await start();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
