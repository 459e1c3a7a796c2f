import { ConfigurationError } from './errors/auth-error.js';

/** The part of Nest's `ModulesContainer` that is read here. */
export interface AppModules {
  values(): Iterable<{ readonly providers: ReadonlyMap<unknown, AppProvider> }>;
}

interface AppProvider {
  readonly instance: unknown;
  /** Whether it is made once, and not for each request. */
  isDependencyTreeStatic(): boolean;
}

/** A port: an abstract class that is its own injection token. */
type Port<Value> = (abstract new (...parameters: never[]) => Value) & { readonly name: string };

/**
 * The one implementation of a port that any module of the app provides; `null` where there is none, or a factory gave
 * `null`. Call it when all providers have been created: in `onModuleInit` or later.
 *
 * @param where the option or module that needs it, for messages
 * @param fallback what the package itself provides, which does not count
 * @throws {ConfigurationError} when two modules provide different ones, or it is made for each request.
 */
export function findAppProvider<Value>(
  modules: AppModules,
  port: Port<Value>,
  where: string,
  fallback?: Value,
): Value | null {
  const found = [...modules.values()].flatMap(({ providers }) => providers.get(port) ?? []);
  if (!found.every((provider) => provider.isDependencyTreeStatic())) {
    throw new ConfigurationError(
      where,
      `the ${port.name} depends on the request, and it is read when there is none`,
      'Provide one object for the whole app',
    );
  }
  const instances = new Set(found.map(({ instance }) => instance ?? null).filter((instance) => instance !== null));
  if (fallback !== undefined) instances.delete(fallback as object);
  if (instances.size > 1) {
    throw new ConfigurationError(where, `two modules provide a ${port.name}`, 'Leave one of them out');
  }
  const [instance] = instances;
  return (instance as Value | undefined) ?? null;
}

/**
 * The same for a port without which the module cannot work.
 *
 * @throws {ConfigurationError} also when no module provides it.
 */
export function getAppProvider<Value>(modules: AppModules, port: Port<Value>, where: string): Value {
  const found = findAppProvider(modules, port, where);
  if (found !== null) return found;
  throw new ConfigurationError(
    where,
    `no module of this app provides a ${port.name}`,
    "Add SqlStoresModule.forRoot({ database: embeddedPostgres({ directory: '.data' }) }) of nest-gatehouse/sql to the imports of the root module",
  );
}

/**
 * Checks that the stores of a module are provided by no other module of the app.
 *
 * @param where the module
 * @param own finds what the module itself provides
 * @throws {ConfigurationError} when another module provides one of them as well
 */
export function checkOnlyProviders(
  where: string,
  ports: readonly Port<object>[],
  own: { get(port: Port<object>): unknown },
  modules: AppModules,
): void {
  for (const port of ports) {
    const provided = own.get(port);
    const found = [...modules.values()].map(({ providers }) => providers.get(port)?.instance ?? null);
    if (found.every((instance) => instance === null || instance === provided)) continue;
    throw new ConfigurationError(
      where,
      `another module provides a ${port.name} as well`,
      `Leave out that of this module, by except: [${port.name}], or the other one`,
    );
  }
}
