import type { HttpCaller } from '../upstream/http-client.js';
import type { ResponseHeaders } from '../upstream/http-exchange.js';
import { UpstreamFailure } from '../upstream/upstream-failure.js';
import { importJwk } from './import-jwk.js';
import type { VerificationKey } from './key-set.js';

/** What a key server gave. */
export interface LoadedKeys {
  /** At least one. */
  readonly keys: readonly VerificationKey[];
  /** For how long the server says they may be kept; `null` when it does not say. */
  readonly maxAgeSeconds: number | null;
}

/**
 * Reads the `keys` of a key set (RFC 7517 §5). A key that cannot be used is passed over, as the RFC asks;
 * a set without a usable one is a failure and never "this issuer has no keys any more".
 *
 * @throws {UpstreamFailure}
 */
export function readKeys(jwks: unknown): readonly VerificationKey[] {
  if (!Array.isArray(jwks)) throw new UpstreamFailure('unexpected', 'the answer is not a key set');
  const keys = new Map<string, VerificationKey>();
  for (const jwk of jwks as readonly unknown[]) {
    const key = importJwk(jwk);
    if (!('problem' in key)) keys.set(key.identity, key);
  }
  if (keys.size === 0) throw new UpstreamFailure('unexpected', 'the key set holds no usable key');
  return [...keys.values()];
}

/** The `max-age` of a `Cache-Control` header (RFC 9111 §5.2.2.1); 0 when it forbids keeping the answer. */
function readMaxAge(headers: ResponseHeaders): number | null {
  const directives = headers.get('cache-control') ?? '';
  if (/(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/i.test(directives)) return 0;
  const seconds = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(directives)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

/**
 * Fetches a key set from the first of several addresses that gives a usable one.
 *
 * @throws {UpstreamFailure} the first address's, when all fail.
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
 * Fetches a key set. jwks-rsa asks for it, with its own cache and limiter off: they keep single keys
 * instead of the set, and let strangers use up what genuine keys need. Keeping is RemoteKeySource's.
 *
 * @throws {UpstreamFailure}
 */
export async function loadJwks(upstream: HttpCaller, jwksUri: string): Promise<LoadedKeys> {
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
