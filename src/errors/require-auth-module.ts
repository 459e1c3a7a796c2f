import { ConfigurationError } from './auth-error.js';

/** One loaded copy of the package: an app may load an ES module and a CommonJS one, or two versions. */
interface LoadedCopy {
  hasModule: boolean;
}

const copiesKey = Symbol.for('nest-gatehouse.copies');
const registry = globalThis as Record<symbol, LoadedCopy[] | undefined>;
const copies = (registry[copiesKey] ??= []);
const ownCopy: LoadedCopy = { hasModule: false };
copies.push(ownCopy);

/** Notes that the `AuthModule` of this copy of the package was registered. */
export function noteAuthModule(): void {
  ownCopy.hasModule = true;
}

/**
 * A part of `AuthModule` that Nest has injected. Nest finds parts by class, so those of one copy of the package are not
 * found by the guard of another one.
 *
 * @param where what needs the part: `AuthGuard`
 * @param findModules finds the modules that use it without AuthModule: `CatsModule (CatsController)`
 * @throws {ConfigurationError} when the module that uses it does not see `AuthModule`, or sees that of another copy.
 */
export function requireAuthModule<Part>(
  where: string,
  part: Part | undefined,
  findModules: () => readonly string[] = () => [],
): Part {
  if (part !== undefined) return part;
  if (!ownCopy.hasModule && copies.some(({ hasModule }) => hasModule)) {
    throw new ConfigurationError(
      where,
      'two copies of nest-gatehouse are loaded (an ES module and a CommonJS one, or two versions), and AuthModule was registered by the other copy',
      `Import ${where} and AuthModule in the same module format, and see with npm ls nest-gatehouse whether there are two versions`,
    );
  }
  const modules = findModules().join(', ');
  const [users, importers] =
    modules === '' ? ['', 'this one'] : [`: ${modules}`, modules.replaceAll(/ \([^)]*\)/g, '')];
  throw new ConfigurationError(
    where,
    `it is used in a module that does not see AuthModule${users}`,
    `Add AuthModule.forRoot({ issuers: … }) to the imports of the root module; with isGlobal: false, to those of ${importers}`,
  );
}
