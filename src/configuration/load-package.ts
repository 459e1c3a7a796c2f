import { ConfigurationError } from '../errors/auth-error.js';

export interface OptionalPackage {
  /** What needs it: `postgres(url)`. */
  readonly where: string;
  readonly name: string;
  /** The command that installs it. */
  readonly install: string;
}

/**
 * Loads a package that an app installs only if it uses what needs it.
 *
 * @throws {ConfigurationError} when it is not installed
 */
export async function loadPackage<Module extends object>(
  load: () => Promise<Module>,
  { where, name, install }: OptionalPackage,
): Promise<Module> {
  const loaded = await findPackage(load, name);
  if (loaded === null) {
    throw new ConfigurationError(where, `the package ${name} is not installed`, `Install it: ${install}`);
  }
  // A package in CommonJS has its names in `default` where Node could not find them by itself.
  return 'default' in loaded && typeof loaded.default === 'object' && loaded.default !== null
    ? { ...loaded.default, ...loaded }
    : loaded;
}

/** Loads a package that an app may have; `null` when it is not installed. */
export async function findPackage<Module extends object>(
  load: () => Promise<Module>,
  name: string,
): Promise<Module | null> {
  try {
    return await load();
  } catch (error) {
    if (isMissing(error, name)) return null;
    throw error;
  }
}

function isMissing(error: unknown, name: string): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, message }: { code?: unknown; message?: unknown } = error;
  if (typeof message !== 'string') return false;
  // How Yarn Plug'n'Play names a package that the app does not provide; Jest passes the text on without the code.
  if (message.split('\n').includes(`Required package: ${name}`)) return true;
  const isNotFound = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isNotFound && message.includes(`'${name}'`);
}
