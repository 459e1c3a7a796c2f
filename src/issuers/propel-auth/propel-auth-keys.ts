import { createPublicKey, type KeyObject } from 'node:crypto';
import { describeKey } from '../../keys/import-jwk.js';
import type { LoadedKeys } from '../../keys/jwks-loader.js';
import type { KeySource } from '../../keys/key-source.js';
import type { Capability } from '../../upstream/auth-context.js';
import type { HttpCaller } from '../../upstream/http-client.js';
import { isUpstreamFailure, UpstreamFailure } from '../../upstream/upstream-failure.js';
import { remoteKeys, type KeyOptions } from '../remote-keys.js';

/** What the calls to PropelAuth's API need to know about a project. */
export interface PropelAuthApi {
  readonly apiUrl: string;
  /** The project's host name, by which the shared API distinguishes projects. */
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
 * The project's only key, which is served as PEM without a name. It is kept and refreshed like any fetched key, and also
 * fetched (within the cooldown) when a signature does not match it, because it may have been replaced.
 */
export function propelAuthKeys(api: PropelAuthApi, kept: KeyOptions): Capability<KeySource> {
  return remoteKeys(`the verifier key of ${api.authHost}`, ({ upstream }) => load(upstream, api), kept);
}

async function load(upstream: HttpCaller, api: PropelAuthApi): Promise<LoadedKeys> {
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

/** A 401 concerns the app's API key, because no user's token is sent. */
function explain(error: unknown): unknown {
  if (!isUpstreamFailure(error) || error.status !== 401) return error;
  return new UpstreamFailure('status', 'PropelAuth does not accept propelAuth({ apiKey }): check it', 401);
}

function importPem(pem: unknown): KeyObject {
  try {
    return createPublicKey(String(pem));
  } catch {
    throw new UpstreamFailure('unexpected', 'the answer holds no verifier key');
  }
}
