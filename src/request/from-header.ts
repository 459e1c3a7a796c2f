import { ConfigurationError } from '../errors/configuration-error.js';
import type { TokenSource } from './token-source.js';

/**
 * The token that a header of its own holds, bare: `x-access-token: <token>`. An empty header is no token.
 *
 * @throws {ConfigurationError} when the name cannot be a header's, or is `authorization`.
 */
export function fromHeader(name: string): TokenSource {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new ConfigurationError('fromHeader(name)', 'it is not the name of a header', "Write one: 'x-access-token'");
  }
  const lower = name.toLowerCase();
  if (lower === 'authorization' || lower === 'cookie') {
    const better = lower === 'cookie' ? "fromCookie('access_token')" : 'fromBearer()';
    throw new ConfigurationError('fromHeader(name)', `${lower} has a form of its own`, `Write ${better}`);
  }
  return Object.freeze({
    place: lower,
    parameter: Object.freeze({ in: 'header', name: lower } as const),
    read: (request) =>
      request
        .headers(lower)
        .map((value) => value.trim())
        .filter((value) => value !== '')
        .map((token) => ({ kind: 'token', token })),
  } satisfies TokenSource);
}
