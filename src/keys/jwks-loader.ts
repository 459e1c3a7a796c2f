import type { HttpCaller } from '../upstream/http-client.js';
import type { ResponseHeaders } from '../upstream/http-exchange.js';
import { UpstreamFailure } from '../upstream/upstream-failure.js';
import { importJwk } from './import-jwk.js';
import type { VerificationKey } from './key-set.js';

/** The usable keys of a fetched key set. */
export interface LoadedKeys {
  /** At least one. */
  readonly keys: readonly VerificationKey[];
  /** The `max-age` of the response; `null` when the server states none. */
  readonly maxAgeSeconds: number | null;
}

/**
 * Reads the `keys` of a key set (RFC 7517 §5). Unusable keys are ignored, as the RFC requires. A set without any usable
 * key is a failure, so that it never replaces keys that work.
 *
 * @throws {UpstreamFailure}
 */
export function readKeys(jwks: unknown): readonly VerificationKey[] {
  if (!Array.isArray(jwks)) throw new UpstreamFailure('unexpected', 'the response is not a key set');
  const keys = new Map<string, VerificationKey>();
  for (const jwk of jwks as readonly unknown[]) {
    const key = importJwk(jwk);
    if (!('problem' in key)) keys.set(key.identity, key);
  }
  if (keys.size === 0) throw new UpstreamFailure('unexpected', 'the key set contains no usable key');
  return [...keys.values()];
}

/** Reads `max-age` of a `Cache-Control` header (RFC 9111 §5.2.2.1); 0 when the header forbids caching. */
function readMaxAge(headers: ResponseHeaders): number | null {
  const directives = headers.get('cache-control') ?? '';
  if (/(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/i.test(directives)) return 0;
  const seconds = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(directives)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

/**
 * Fetches a key set from the first of several addresses that returns a usable one.
 *
 * @throws {UpstreamFailure} the failure of the first address, when all addresses fail.
 */
export async function loadJwksFrom(upstream: HttpCaller, addresses: readonly string[]): Promise<LoadedKeys> {
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
 * Fetches a key set with jwks-rsa. Its own cache and rate limiter are off: the cache keeps single keys instead of the
 * set, and unknown key ids can exhaust the rate limit. `RemoteKeySource` caches the set.
 *
 * @throws {UpstreamFailure}
 */
export async function loadJwks(upstream: HttpCaller, jwksUri: string): Promise<LoadedKeys> {
  // The import is lazy because the app starts faster without it.
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
    throw new UpstreamFailure('unexpected', 'the response is not a key set');
  }
  return { keys: body.keys };
}
