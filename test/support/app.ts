/**
 * Starts Nest apps for end-to-end tests. They listen on a free port of this machine, on either HTTP platform, and stop
 * after the file that started them.
 */
import type { INestApplication, LoggerService, ModuleMetadata, NestApplicationOptions, Provider } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModule } from '@nestjs/testing';
import { TestIssuer, type TestIssuerOptions } from 'nest-gatehouse/testing';
import { afterAll } from 'vitest';
import { Timer } from '../../src/clock/clock.js';
import { ConnectionWatch } from '../../src/transports/connection-watch.js';
import { type Answer, type Call, send } from './http.js';

/** An HTTP platform that Nest runs on. */
export interface Platform {
  readonly name: string;
  readonly createAdapter: () => AbstractHttpAdapter;
}

/** Runs every end-to-end test on each platform: `describe.each(platforms)('… on $name', (platform) => …)`. */
export const platforms: readonly Platform[] = [
  { name: 'Express', createAdapter: () => new ExpressAdapter() },
  { name: 'Fastify', createAdapter: () => new FastifyAdapter() },
];

/** The platform with the setting by which its adapter reads the headers of the proxy in front of it. */
export function behindProxy({ name }: Platform): Platform {
  if (name === 'Fastify') return { name, createAdapter: () => new FastifyAdapter({ trustProxy: true }) };
  const createAdapter = (): AbstractHttpAdapter => {
    const adapter = new ExpressAdapter();
    adapter.set('trust proxy', true);
    return adapter;
  };
  return { name, createAdapter };
}

/** An app that listens. */
export class RunningApp {
  private constructor(
    readonly nest: INestApplication,
    readonly url: string,
  ) {}

  static async listen(nest: INestApplication, port = 0): Promise<RunningApp> {
    toEnd.push(() => nest.close());
    await nest.listen(port, '127.0.0.1');
    return new RunningApp(nest, await nest.getUrl());
  }

  /** The method. @defaultValue GET */
  call(path: string, call: Call = {}): Promise<Answer> {
    return send(new URL(path, this.url), call);
  }
}

/** The members of the root module, and the options of the app. */
export interface AppParts extends Omit<ModuleMetadata, 'providers'> {
  readonly providers?: Provider[];
  readonly logger?: LoggerService;
  readonly cors?: NonNullable<NestApplicationOptions['cors']>;
  /** @defaultValue true, as for Nest */
  readonly bodyParser?: boolean;
  /** Called before the app listens. */
  readonly prepare?: (nest: INestApplication) => void;
  /** @defaultValue a free one */
  readonly port?: number;
}

/** Starts an app by `NestFactory`. Rejects when the start fails. */
export async function startApp(platform: Platform, parts: AppParts): Promise<RunningApp> {
  const { logger = false, cors, bodyParser = true, prepare, port, ...metadata } = parts;
  class RootModule {}
  const options: NestApplicationOptions = { logger, abortOnError: false, bodyParser, ...(cors && { cors }) };
  const nest = await NestFactory.create({ module: RootModule, ...metadata }, platform.createAdapter(), options);
  prepare?.(nest);
  return RunningApp.listen(nest, port);
}

/** Starts the app of a testing module, which can override providers. */
export async function startTestingApp(platform: Platform, module: TestingModule): Promise<RunningApp> {
  return RunningApp.listen(module.createNestApplication(platform.createAdapter(), { logger: false }));
}

/** Starts an app as `startApp` does, with a manual timer for ending connections. */
export async function startAppWithTimer(platform: Platform, parts: AppParts, timer: Timer): Promise<RunningApp> {
  const { logger = false, prepare, imports = [], controllers = [], providers = [] } = parts;
  const module = await Test.createTestingModule({ imports, controllers, providers })
    .overrideProvider(Timer)
    .useValue(timer)
    .compile();
  const nest = module.createNestApplication(platform.createAdapter(), { logger });
  prepare?.(nest);
  return RunningApp.listen(nest);
}

/** How many open connections an app keeps in memory. */
export function watchedConnectionsOf({ nest }: RunningApp): number {
  return nest.get(ConnectionWatch).size;
}

/** Starts an issuer that stops after the file; with ES256, whose keys are fast to create. */
export async function startIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const issuer = await TestIssuer.start({ algorithm: 'ES256', ...options });
  toEnd.push(() => issuer.stop());
  return issuer;
}

/** Stops a resource after the file. */
export function endAfterwards(end: () => Promise<unknown>): void {
  toEnd.push(end);
}

const toEnd: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  // In reverse order, so that apps stop before the issuers that they call.
  for (const end of toEnd.splice(0).reverse()) await end();
});
