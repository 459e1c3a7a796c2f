import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { pageHeaders } from './page-headers.js';
import { DemoProvider } from './provider/demo-provider.js';
import { RequestLog } from './request-log.js';
import { host, type Settings } from './settings.js';

export interface Playground {
  readonly pageUrl: string;
  readonly issuer: string;
  close(): Promise<void>;
}

// The page's files are not compiled and are served from the sources; this file runs from the output folder of tsc.
const pageFolder = fileURLToPath(
  new URL('./examples/playground/page', import.meta.resolve('nest-gatehouse/package.json')),
);

/** Starts the provider, then the app that trusts it. */
export async function startPlayground({ appPort, providerPort }: Settings): Promise<Playground> {
  const pageUrl = `http://${host}:${appPort}`;
  const provider = await DemoProvider.start({ port: providerPort, pageUrl });

  const log = new RequestLog();
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with({ provider, log, pageUrl }), {
    logger: log,
    // A browser keeps connections open; without this, closing would wait for them.
    forceCloseConnections: true,
  });
  app.disable('x-powered-by');
  app.use(pageHeaders(provider.issuer), log.middleware);
  app.useStaticAssets(pageFolder);
  await app.listen(appPort, host);

  return {
    pageUrl,
    issuer: provider.issuer,
    close: async () => {
      await Promise.all([app.close(), provider.stop()]);
    },
  };
}
