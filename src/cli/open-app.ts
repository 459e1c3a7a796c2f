import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { startReadingOnly } from '../configuration/reading-only.js';
import { isConfigurationError } from '../errors/auth-error.js';
import { describeThrown } from '../telemetry/log-text.js';

/** An app that was opened without starting it. */
export interface OpenApp {
  /** The absolute path of the file that was loaded. */
  readonly file: string;
  /** The name of the module, for messages. */
  readonly moduleName: string;
  /** Every instance that Nest has made once for the app, of all modules. A value that several modules share is listed once. */
  readonly instances: readonly unknown[];
  /** The provider of any module of the app; `null` where there is none. */
  readonly find: <Service>(token: abstract new (...parameters: never[]) => Service) => Service | null;
}

/** An app cannot be opened. The message states why, and what to do. It repeats no message of the app, which may have a secret. */
export class OpenAppError extends Error {
  override readonly name = 'OpenAppError';
}

/** How long the app may take: a factory that waits for a server that is down would wait for ever. */
const openTimeoutMs = 30_000;

/** The parts of Nest that are used here, of the copy that the app itself has. */
interface NestCore {
  readonly NestFactory: {
    create(root: unknown, adapter: unknown, options: object): Promise<NestApp>;
    createMicroservice(root: unknown, options: object): Promise<NestApp>;
  };
  readonly ModulesContainer: unknown;
}

interface NestApp {
  get(token: unknown, options?: { readonly strict: boolean }): unknown;
  /** Not there in an app of microservices alone. */
  setGlobalPrefix?(prefix: string): unknown;
}

interface NestModules {
  values(): Iterable<{
    readonly providers: ReadonlyMap<unknown, { readonly instance: unknown; isDependencyTreeStatic(): boolean }>;
  }>;
}

type Exports = Readonly<Record<string, unknown>>;

/**
 * Opens the app of a compiled file (`dist/app.module.js`, an ES module or CommonJS), with the copies of Nest and of this package
 * that the file itself loads. The app is created and not initialized: constructors and asynchronous factories run, and no
 * lifecycle hook does, so that nothing listens, migrates, creates keys or starts a timer.
 *
 * @param exportName the export that is the root module. Left out: `AppModule`, or the only module that the file exports
 * @param options globalPrefix: what the app's `main.ts` gives to `setGlobalPrefix()`, as `main.ts` is not run
 * @throws {OpenAppError} when there is no such file or module, it does not load, it throws, or it does not open within 30 seconds.
 * @throws {ConfigurationError} of the app's copy of the package, for a wrong option; `isConfigurationError` recognizes it.
 */
export async function openApp(path: string, exportName?: string, options: OpenAppOptions = {}): Promise<OpenApp> {
  try {
    return await open(path, exportName, options);
  } catch (error) {
    if (error instanceof OpenAppError || isConfigurationError(error)) throw error;
    throw new OpenAppError(describeThrownByApp(error), { cause: error });
  }
}

interface OpenAppOptions {
  readonly globalPrefix?: string | undefined;
}

/** The message of an error of the app may repeat an address with a password, and its stack the lines of a file with a key. */
function describeThrownByApp(error: unknown): string {
  const { frames } = describeThrown(error, null);
  const at = frames.length === 0 ? '' : `\n${frames.slice(0, 5).join('\n')}\n`;
  return `The app threw ${nameOf(error)} while it was opened. Start it, to see the message${at}`;
}

/** Errors of Nest are named `Error`, and their class tells what is wrong: `UnknownDependenciesException`. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no error';
  const { name } = error.constructor;
  return error.name === 'Error' && /^\w{1,60}$/.test(name) ? name : error.name;
}

async function open(path: string, exportName: string | undefined, { globalPrefix }: OpenAppOptions): Promise<OpenApp> {
  startReadingOnly();
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new OpenAppError(`There is no file ${path}. Build the app, and write the path of the compiled root module`);
  }
  if (/\.[cm]?tsx?$/.test(file)) {
    throw new OpenAppError(`${path} is TypeScript. Build the app, and write the compiled file: dist/app.module.js`);
  }
  const { name, root } = findModule(await load(file), path, exportName);
  const fromApp = createRequire(file);
  const nest = (await importFrom(fromApp, '@nestjs/core')) as NestCore | null;
  if (nest === null) throw new OpenAppError(`@nestjs/core cannot be loaded from ${path}. Install it in the app`);
  const app = await withinTime(create(nest, root, fromApp), path);
  if (globalPrefix !== undefined) app.setGlobalPrefix?.(globalPrefix);
  const modules = app.get(nest.ModulesContainer, { strict: false }) as NestModules;
  return {
    file,
    moduleName: name,
    instances: instancesOf(modules),
    find: <Service>(token: abstract new (...parameters: never[]) => Service): Service | null => {
      try {
        return app.get(token, { strict: false }) as Service;
      } catch {
        return null;
      }
    },
  };
}

/** @throws {ConfigurationError} which `forRoot` throws while the file is loaded. */
async function load(file: string): Promise<Exports> {
  try {
    const exported = (await import(pathToFileURL(file).href)) as Exports;
    const { default: ofCommonJs } = exported;
    return typeof ofCommonJs === 'object' && ofCommonJs !== null ? { ...ofCommonJs, ...exported } : exported;
  } catch (error) {
    if (!isLoadFailure(error)) throw error;
    throw new OpenAppError(`${file} does not load: ${error.message}`, { cause: error });
  }
}

/** A file or package that is missing, or is not JavaScript, and not an error that the code of the app throws. */
function isLoadFailure(error: unknown): error is Error {
  if (error instanceof SyntaxError) return true;
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && (code === 'MODULE_NOT_FOUND' || code.startsWith('ERR_'));
}

function findModule(
  exported: Exports,
  path: string,
  exportName: string | undefined,
): { readonly name: string; readonly root: unknown } {
  const modules = Object.entries(exported).filter(([, value]) => isModule(value));
  const names = [...new Map(modules.map(([name, value]) => [value, name])).values()];
  const found = modules.find(([name]) => name === (exportName ?? 'AppModule')) ?? null;
  if (found !== null) return { name: found[0], root: found[1] };
  const list = names.length === 0 ? 'It exports no module' : `It exports the modules ${names.join(', ')}`;
  if (exportName !== undefined) throw new OpenAppError(`${path} exports no module ${exportName}. ${list}`);
  const [only] = modules;
  if (only === undefined || names.length !== 1) {
    throw new OpenAppError(`${path} exports no AppModule. ${list}. Name the root module by --export`);
  }
  return { name: only[0], root: only[1] };
}

/** A class with `@Module()`, or what `forRoot` returns. */
function isModule(value: unknown): boolean {
  if (typeof value === 'function') {
    const metadata = Reflect as { hasOwnMetadata?: (key: string, target: object) => boolean };
    return ['imports', 'providers', 'controllers', 'exports'].some(
      (key) => metadata.hasOwnMetadata?.(key, value) === true,
    );
  }
  return typeof value === 'object' && value !== null && 'module' in value && typeof value.module === 'function';
}

async function create(nest: NestCore, root: unknown, fromApp: NodeJS.Require): Promise<NestApp> {
  const options = { logger: false, abortOnError: false };
  const express = (await importFrom(fromApp, '@nestjs/platform-express')) as Record<string, new () => unknown> | null;
  const fastify =
    express === null
      ? ((await importFrom(fromApp, '@nestjs/platform-fastify')) as Record<string, new () => unknown> | null)
      : null;
  const Adapter = express?.['ExpressAdapter'] ?? fastify?.['FastifyAdapter'];
  // An app of microservices alone has no adapter.
  if (Adapter === undefined) return await nest.NestFactory.createMicroservice(root, options);
  return await nest.NestFactory.create(root, new Adapter(), options);
}

/** The copy of a package that the app loads, as ES module or CommonJS; `null` where it is not installed. */
async function importFrom(fromApp: NodeJS.Require, name: string): Promise<unknown> {
  let found: string;
  try {
    found = fromApp.resolve(name);
  } catch {
    return null;
  }
  const exported = (await import(pathToFileURL(found).href)) as Exports;
  const { default: ofCommonJs } = exported;
  return typeof ofCommonJs === 'object' && ofCommonJs !== null ? ofCommonJs : exported;
}

async function withinTime(opening: Promise<NestApp>, path: string): Promise<NestApp> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const seconds = openTimeoutMs / 1_000;
      reject(new OpenAppError(`The app of ${path} did not open within ${seconds} s: a factory of it still waits`));
    }, openTimeoutMs);
  });
  try {
    return await Promise.race([opening, late]);
  } finally {
    clearTimeout(timer);
  }
}

function instancesOf(modules: NestModules): readonly unknown[] {
  const wrappers = [...modules.values()].flatMap(({ providers }) => [...providers.values()]);
  const made = wrappers.filter((wrapper) => wrapper.isDependencyTreeStatic()).map(({ instance }) => instance);
  return [...new Set(made)].filter((instance) => instance !== null && instance !== undefined);
}
