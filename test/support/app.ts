/**
 * Nest apps for the end-to-end stories: they listen on a free port of this machine, on either HTTP platform, and end
 * with the file that started them.
 */
import type { INestApplication, LoggerService, ModuleMetadata, NestApplicationOptions, Provider } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModule } from '@nestjs/testing';
import { TestIssuer, type TestIssuerOptions } from 'nest-gatehouse/testing';
import { afterAll } from 'vitest';
import { Timer } from '../../src/clock/clock.js';
import { type Answer, type Call, send } from './http.js';

/** An HTTP platform that Nest runs on. */
export interface Platform {
  readonly name: string;
  readonly createAdapter: () => AbstractHttpAdapter;
}

/** Every story is told on each of these: `describe.each(platforms)('… on $name', (platform) => …)`. */
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

  static async listen(nest: INestApplication): Promise<RunningApp> {
    toEnd.push(() => nest.close());
    await nest.listen(0, '127.0.0.1');
    return new RunningApp(nest, await nest.getUrl());
  }

  /** GET unless the call says otherwise. */
  call(path: string, call: Call = {}): Promise<Answer> {
    return send(new URL(path, this.url), call);
  }
}

/** What stands in an app's root module, and what the app itself is told. */
export interface AppParts extends Omit<ModuleMetadata, 'providers'> {
  readonly providers?: Provider[];
  readonly logger?: LoggerService;
  readonly cors?: NonNullable<NestApplicationOptions['cors']>;
  /** Last touches before it listens. */
  readonly prepare?: (nest: INestApplication) => void;
}

/** The app as `NestFactory` makes it; what goes wrong at its start is thrown. */
export async function startApp(platform: Platform, parts: AppParts): Promise<RunningApp> {
  const { logger = false, cors, prepare, ...metadata } = parts;
  class RootModule {}
  const options: NestApplicationOptions = { logger, abortOnError: false, ...(cors && { cors }) };
  const nest = await NestFactory.create({ module: RootModule, ...metadata }, platform.createAdapter(), options);
  prepare?.(nest);
  return RunningApp.listen(nest);
}

/** The app of a testing module, for what only tests can do: override a part of it. */
export async function startTestingApp(platform: Platform, module: TestingModule): Promise<RunningApp> {
  return RunningApp.listen(module.createNestApplication(platform.createAdapter(), { logger: false }));
}

/** The app as `startApp` makes it, but for the timer by which connections are ended: that rings by hand. */
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

/** An issuer that ends with the file; ES256, whose keys are quick to make. */
export async function startIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const issuer = await TestIssuer.start({ algorithm: 'ES256', ...options });
  toEnd.push(() => issuer.stop());
  return issuer;
}

/** Has something end with the file. */
export function endAfterwards(end: () => Promise<unknown>): void {
  toEnd.push(end);
}

const toEnd: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  // Apps before the issuers they call: what was started last ends first.
  for (const end of toEnd.splice(0).reverse()) await end();
});
