import type { UpstreamClient } from '../upstream/upstream-client.js';
import { UpstreamFailure } from '../upstream/upstream-failure.js';
import { type LoadedKeys, readKeys, readMaxAge } from './loaded-keys.js';

/**
 * Fetches a key set from the first of several addresses that gives a usable one.
 *
 * @throws {UpstreamFailure} the first address's, when all fail.
 */
export async function loadJwksFrom(upstream: UpstreamClient, addresses: readonly string[]): Promise<LoadedKeys> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await loadJwks(upstream, address);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/**
 * Fetches a key set. jwks-rsa asks for it, with its own cache and limiter off: they keep single keys
 * instead of the set, and let strangers use up what genuine keys need. Keeping is RemoteKeySource's.
 *
 * @throws {UpstreamFailure}
 */
export async function loadJwks(upstream: UpstreamClient, jwksUri: string): Promise<LoadedKeys> {
  // Loaded when it is first needed: an app is quicker to start without it.
  const { JwksClient } = await import('jwks-rsa');
  let maxAgeSeconds: number | null = null;
  const client = new JwksClient({
    jwksUri,
    cache: false,
    rateLimit: false,
    fetcher: async (uri) => {
      const { body, headers } = await upstream.getJson(uri);
      maxAgeSeconds = readMaxAge(headers);
      return toDocument(body);
    },
  });
  const keys = readKeys(await client.getKeys());
  return { keys, maxAgeSeconds };
}

function toDocument(body: unknown): { keys: unknown } {
  if (typeof body !== 'object' || body === null || !('keys' in body)) {
    throw new UpstreamFailure('unexpected', 'the answer is not a key set');
  }
  return { keys: body.keys };
}
