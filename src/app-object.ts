import { type GivenOptions, path } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';
import { type AppModules, findAppProvider } from './find-app-provider.js';

/** The part of Nest's `ModuleRef` that is used here. */
export interface ObjectMaker {
  create<Value>(made: new (...parameters: unknown[]) => Value): Promise<Value>;
}

type ClassOf<Value> = new (...parameters: never[]) => Value;

/** An object of the app, or a class that makes it. An option that takes a function as well adds that to its own type. */
export type AppObject<Value extends object> = Value | ClassOf<Value>;

/**
 * Reads an option that is a function, an object with a method, or a class with it.
 *
 * @returns an object, or a class that `openAppObject` makes one of; `null` where the option is left out
 * @throws {ConfigurationError} for anything else.
 */
export function readAppObject<Value extends object>(
  where: string,
  options: GivenOptions,
  name: string,
  method: keyof Value & string,
): AppObject<Value> | null {
  const given = options[name];
  if (given === undefined) return null;
  const has = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[method] === 'function';
  if (typeof given === 'function') {
    if (has((given as { readonly prototype?: unknown }).prototype)) return given as ClassOf<Value>;
    return { [method]: given } as unknown as Value;
  }
  if (has(given)) return given as Value;
  throw new ConfigurationError(
    path(where, name),
    `a function is expected, or an object or a class with the method ${method}`,
    `Write ${name}: (…) => …`,
  );
}

/** The object itself; of a class, the provider of the app, so that it has the dependencies of its own module, or else a new object. */
export async function openAppObject<Value extends object>(
  given: AppObject<Value>,
  where: string,
  modules: AppModules,
  moduleRef: ObjectMaker,
): Promise<Value> {
  if (typeof given !== 'function') return given;
  return (
    findAppProvider(modules, given, where) ?? (await moduleRef.create(given as new (...parameters: unknown[]) => Value))
  );
}
