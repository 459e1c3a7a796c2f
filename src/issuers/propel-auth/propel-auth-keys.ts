import { createPublicKey, type KeyObject } from 'node:crypto';
import { describeKey } from '../../keys/import-jwk.js';
import type { LoadedKeys } from '../../keys/jwks-loader.js';
import type { UpstreamClient } from '../../upstream/upstream-client.js';
import { UpstreamFailure } from '../../upstream/upstream-failure.js';
import type { OpenKeys } from '../identity-provider.js';
import { remoteKeys, type KeyOptions } from '../remote-keys.js';

/** What PropelAuth's API has to be told of a project. */
export interface PropelAuthApi {
  readonly apiUrl: string;
  /** The project's host name, which the shared API tells projects apart by. */
  readonly authHost: string;
  readonly apiKey: string;
}

export function propelAuthHeaders({ apiKey, authHost }: PropelAuthApi): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${apiKey}`, 'x-propelauth-url': authHost };
}

/** An address of the API. */
export function propelAuthAddress({ apiUrl }: PropelAuthApi, path: string): string {
  return `${apiUrl.replace(/\/+$/, '')}${path}`;
}

/**
 * The project's one key, which is served as PEM and has no name. Kept and refreshed like any fetched key; asked
 * for also (not too often) when a signature does not fit it, as it may have been replaced.
 */
export function propelAuthKeys(api: PropelAuthApi, kept: KeyOptions): OpenKeys {
  return remoteKeys(`the verifier key of ${api.authHost}`, ({ upstream }) => load(upstream, api), kept);
}

async function load(upstream: UpstreamClient, api: PropelAuthApi): Promise<LoadedKeys> {
  const address = propelAuthAddress(api, '/api/v1/token_verification_metadata');
  const { body } = await upstream.getJson(address, propelAuthHeaders(api)).catch((error: unknown) => {
    throw explain(error);
  });
  const pem: unknown =
    typeof body === 'object' && body !== null && 'verifier_key_pem' in body ? body.verifier_key_pem : 0;
  const key = describeKey(importPem(pem));
  if ('problem' in key) throw new UpstreamFailure('unexpected', `the verifier key cannot be used: ${key.problem}`);
  if (!key.algorithms.has('RS256')) throw new UpstreamFailure('unexpected', 'the verifier key is not an RSA key');
  return { keys: [key], maxAgeSeconds: null };
}

/** A 401 here speaks of our key and not of any user's token. */
function explain(error: unknown): unknown {
  if (!(error instanceof UpstreamFailure) || error.status !== 401) return error;
  return new UpstreamFailure('status', 'PropelAuth does not accept propelAuth({ apiKey }): check it', 401);
}

function importPem(pem: unknown): KeyObject {
  try {
    return createPublicKey(String(pem));
  } catch {
    throw new UpstreamFailure('unexpected', 'the answer holds no verifier key');
  }
}
