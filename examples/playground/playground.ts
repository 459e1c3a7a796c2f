import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ConfigurationError } from 'nest-gatehouse';
import { AppModule, type AppParts } from './app.module.js';
import { noteCallback, pageHeaders } from './page-headers.js';
import { DemoProvider } from './provider/demo-provider.js';
import { GitHubStandIn } from './provider/github-stand-in.js';
import { MisbehavingProvider } from './provider/misbehaving-provider.js';
import { RequestLog } from './request-log.js';
import { SentCookies } from './sent-cookies.js';
import { host, type Settings, SettingsError } from './settings.js';

export interface Playground {
  readonly pageUrl: string;
  readonly issuer: string;
  close(): Promise<void>;
}

// The page's files are not compiled and are served from the sources; this file runs from the output folder of tsc.
const pageFolder = fileURLToPath(
  new URL('./examples/playground/page', import.meta.resolve('nest-gatehouse/package.json')),
);

/**
 * Starts the providers, then the app that people sign in to by them.
 *
 * @throws {SettingsError} when the app cannot use its database
 */
export async function startPlayground(settings: Settings): Promise<Playground> {
  // Passkeys belong to a domain (WebAuthn Level 3 §5.1.3), so the page has a name and no IP address.
  const pageUrl = `http://localhost:${settings.appPort}`;
  const provider = await DemoProvider.start({ port: settings.providerPort, pageUrl });
  const gitHub = await GitHubStandIn.start(pageUrl);
  const misbehaving = await MisbehavingProvider.start(pageUrl);
  const stopProviders = () => Promise.all([provider.stop(), gitHub.stop(), misbehaving.stop()]);
  try {
    const app = await startApp(settings, { provider, gitHub, misbehaving }, pageUrl);
    return {
      pageUrl,
      issuer: provider.issuer,
      close: async () => {
        await Promise.all([app.close(), stopProviders()]);
      },
    };
  } catch (error) {
    await stopProviders();
    throw error instanceof ConfigurationError ? explain(error, settings.dataDirectory) : error;
  }
}

async function startApp(
  { appPort, dataDirectory }: Settings,
  providers: Pick<AppParts, 'provider' | 'gitHub' | 'misbehaving'>,
  pageUrl: string,
): Promise<NestExpressApplication> {
  const log = new RequestLog();
  const sentCookies = new SentCookies();
  const module = AppModule.with({ ...providers, log, sentCookies, pageUrl, dataDirectory });
  const app = await NestFactory.create<NestExpressApplication>(module, {
    logger: log,
    // A failed start is reported by start.ts, in one place and without a stack.
    abortOnError: false,
    // A browser keeps connections open; without this, closing would wait for them.
    forceCloseConnections: true,
  });
  app.disable('x-powered-by');
  app.use(pageHeaders(), log.middleware, noteCallback, sentCookies.middleware);
  app.useStaticAssets(pageFolder);
  await app.listen(appPort, host);
  return app;
}

/** The module of the database reports everything that keeps it from being used: no package, no rights, another process. */
function explain(error: ConfigurationError, dataDirectory: string): SettingsError {
  const text = `The playground keeps its sessions in ${dataDirectory}, with PGlite, and cannot start:
${error.message}
PGlite is installed by npm ci, and needs about 400 MB of memory and a folder of its own.
Another folder:  PLAYGROUND_DATA=/tmp/playground npm start`;
  return new SettingsError(text, { cause: error });
}
