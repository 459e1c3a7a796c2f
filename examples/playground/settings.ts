import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Both servers listen on loopback only: the demo passwords are printed on the sign-in screen. */
export const host = '127.0.0.1';
/** Browsers try it first for `localhost`: a program that listens there would get the requests of the page. */
const otherHost = '::1';

export interface Settings {
  readonly appPort: number;
  readonly providerPort: number;
  /** Where the app's sessions are kept, from one start to the next. */
  readonly dataDirectory: string;
}

const usualDataDirectory = fileURLToPath(
  new URL('.data/playground', import.meta.resolve('nest-gatehouse/package.json')),
);

/** A mistake in the settings. The message states everything that the user needs, so no stack is printed. */
export class SettingsError extends Error {}

/** Reads the ports and the folder from the environment, and checks that the ports are free. */
export async function readSettings(environment: NodeJS.ProcessEnv): Promise<Settings> {
  const appPort = await findPort('PLAYGROUND_PORT', environment['PLAYGROUND_PORT'] ?? '3000');
  const providerPort = await findPort('PLAYGROUND_PROVIDER_PORT', environment['PLAYGROUND_PROVIDER_PORT'] ?? '4001');
  if (appPort === providerPort) {
    throw new SettingsError(
      `PLAYGROUND_PORT and PLAYGROUND_PROVIDER_PORT are both ${appPort}. The app and the provider need a port each.`,
    );
  }
  const dataDirectory = resolve(environment['PLAYGROUND_DATA'] || usualDataDirectory);
  return { appPort, providerPort, dataDirectory };
}

/**
 * Binds the port briefly before anything starts, for two reasons: a port in use is reported at once, and 0
 * (any free port) becomes a number, which the provider needs to know as the page's redirect address.
 */
async function findPort(variable: string, text: string): Promise<number> {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new SettingsError(`${variable} is "${text}". It has to be a port number from 0 to 65535.`);
  }
  let bound = port;
  for (const address of [host, otherHost]) {
    try {
      bound = await bindBriefly(bound, address);
    } catch (error) {
      const isTaken = codeOf(error) === 'EADDRINUSE';
      // Not every machine has IPv6.
      if (address === host || isTaken) {
        throw new SettingsError(explain(variable, bound, address, error), { cause: error });
      }
    }
  }
  return bound;
}

async function bindBriefly(port: number, address: string): Promise<number> {
  const probe = createServer().listen(port, address);
  await once(probe, 'listening');
  const { port: bound } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return bound;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function explain(variable: string, port: number, address: string, error: unknown): string {
  const code = codeOf(error);
  const problem =
    code === 'EADDRINUSE'
      ? `Port ${port} on ${address} is taken by another program.`
      : code === 'EACCES'
        ? `Port ${port} on ${address} needs rights that you do not have.`
        : `Port ${port} on ${address} cannot be opened (${String(code ?? error)}).`;
  return `${problem}\nChoose another one:  ${variable}=${port < 65_436 ? port + 100 : 3100} npm start`;
}
