import { existsSync } from 'node:fs';
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

/**
 * oidc-provider supports current LTS releases only and says so on Node 20, where all that is used here works; the
 * browser test holds it. Anything else that it has to say still comes through.
 */
function muteRuntimeNotice(): void {
  const warn = console.warn.bind(console);
  console.warn = (...parts: unknown[]): void => {
    if (!String(parts[0]).includes('Unsupported runtime')) warn(...parts);
  };
}

try {
  await start();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
