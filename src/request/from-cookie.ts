import { ConfigurationError } from '../errors/configuration-error.js';
import type { TokenSource } from './token-source.js';

/**
 * The token that a cookie holds. A browser sends cookies by itself, also with requests that another site
 * makes it send: an app that changes things on behalf of such requests needs protection against forgery
 * (SameSite, an origin check or a CSRF token) besides.
 *
 * @throws {ConfigurationError} when the name cannot be a cookie's.
 */
export function fromCookie(name: string): TokenSource {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new ConfigurationError('fromCookie(name)', 'it is not the name of a cookie', "Write one: 'access_token'");
  }
  return Object.freeze({
    place: `cookie ${name}`,
    parameter: Object.freeze({ in: 'cookie', name } as const),
    read: (request) =>
      readCookies(request.headers('cookie'), name)
        .filter((value) => value !== '')
        .map((token) => ({ kind: 'token', token })),
  } satisfies TokenSource);
}

/**
 * All values of a cookie. The usual parsers keep the first of two, and which of two a browser sends first
 * can be arranged from a neighbouring domain. A JWT has no character that a cookie would escape.
 */
function readCookies(headers: readonly string[], name: string): readonly string[] {
  return headers
    .flatMap((header) => header.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1).trim())
    .map((value) => (/^".*"$/.test(value) ? value.slice(1, -1) : value));
}
