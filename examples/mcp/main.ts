import 'reflect-metadata';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { muteRuntimeNotice } from '../playground/provider/runtime-notice.js';
import { host } from '../playground/settings.js';

/** The port of an option, or any free one where another program has it. */
async function findPort(option: string, text: string, index: number): Promise<number> {
  const wanted = Number(text);
  if (!/^\d+$/.test(text) || wanted > 65_000) throw new Error(`${option} is "${text}". It has to be a port number.`);
  // A port of its own for each app: `fetch` may still have a connection to the server that was stopped.
  for (const port of [wanted === 0 ? 0 : wanted + index, 0]) {
    const probe = createServer().listen(port, host);
    try {
      await once(probe, 'listening');
    } catch {
      continue;
    }
    const { port: free } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    return free;
  }
  throw new Error(`There is no free port on ${host}.`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      adapter: { type: 'string' },
      port: { type: 'string', default: '3200' },
      'provider-port': { type: 'string', default: '4200' },
      stay: { type: 'boolean', default: false },
    },
  });
  muteRuntimeNotice();
  // After that: the import loads oidc-provider.
  const { adapters, isAdapter, startExample } = await import('./example.js');
  const { adapter: chosen, stay } = values;
  if (chosen !== undefined && !isAdapter(chosen)) throw new Error(`--adapter is one of ${adapters.join(', ')}.`);

  const [first] = adapters;
  const all = chosen !== undefined ? [chosen] : stay ? [first] : adapters;
  for (const [index, adapter] of all.entries()) {
    const port = await findPort('--port', values.port, index);
    const providerPort = await findPort('--provider-port', values['provider-port'], index);
    const example = await startExample({ adapter, port, providerPort });
    try {
      await example.visit(console.log);
      if (stay) await untilStopped(example.address);
    } finally {
      await example.stop();
    }
  }
}

async function untilStopped(address: URL): Promise<void> {
  console.log(`\n${address.href} stays there until Ctrl-C. Sign in as mira / gatehouse.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
