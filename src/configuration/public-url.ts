import { ConfigurationError } from '../errors/auth-error.js';
import { readAddress } from './read-address.js';
import { path, type GivenOptions } from './read-options.js';

/**
 * Reads `publicUrl`, without a slash at its end; `null` when it was left out.
 *
 * @throws {ConfigurationError} for anything but https (http on this machine), for a query and for a fragment.
 */
export function readPublicUrl(where: string, options: GivenOptions): string | null {
  const address = readAddress(where, options, 'publicUrl', { insecureHttp: false });
  if (address === undefined) return null;
  if (address.includes('?')) {
    throw new ConfigurationError(
      path(where, 'publicUrl'),
      'an address without a query is expected',
      "Write what clients call for the app's /, such as 'https://api.example.com'",
    );
  }
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/**
 * The address by which clients reach a path of the app: `publicUrl` `https://api.example.com/v1` and the global prefix
 * `api` make `https://api.example.com/v1/api/auth/refresh` of `auth/refresh`. Slashes around the parts do not matter.
 */
export function publicAddress(publicUrl: string, globalPrefix: string, route: string): string {
  const segments = [globalPrefix, route].map((part) => part.replaceAll(/^\/+|\/+$/g, ''));
  return [publicUrl.replace(/\/+$/, ''), ...segments.filter((segment) => segment !== '')].join('/');
}
