import { type GivenOptions, path } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import type { TransportPlugin } from './transport.js';

/**
 * The transports that an app registers, each of its own kind.
 *
 * @throws {ConfigurationError}
 */
export function readTransports(where: string, options: GivenOptions): readonly TransportPlugin[] {
  const given = options['transports'] ?? [];
  const transports: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (!Array.isArray(given) || !transports.every(isTransportPlugin)) {
    throw new ConfigurationError(
      path(where, 'transports'),
      'a list of transports is expected',
      'Write [webSockets(), microservices()] or one of them, and call them: each is a function',
    );
  }
  const kinds = transports.map(({ contextType }) => contextType);
  const twice = kinds.find((kind, at) => kind === 'http' || kind === 'graphql' || kinds.indexOf(kind) < at);
  if (twice === undefined) return Object.freeze([...transports]);
  throw new ConfigurationError(path(where, 'transports'), `there are two for "${twice}" contexts`, 'Leave one out');
}

function isTransportPlugin(value: unknown): value is TransportPlugin {
  return typeof value === 'object' && value !== null && 'contextType' in value && 'open' in value;
}

/**
 * Origins as a browser writes them.
 *
 * @throws {ConfigurationError}
 */
export function readSocketOrigins(where: string, options: GivenOptions): readonly string[] {
  const given = options['socketOrigins'] ?? [];
  if (Array.isArray(given) && given.every(isOrigin)) return Object.freeze([...given]);
  throw new ConfigurationError(
    path(where, 'socketOrigins'),
    'a list of origins is expected',
    "Write scheme and host, with the port where it is not the usual one, and nothing behind: ['https://app.example.com']",
  );
}

function isOrigin(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { origin } = new URL(value);
  return origin === value && origin !== 'null';
}
