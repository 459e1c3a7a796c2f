import { createPublicKey, type KeyObject } from 'node:crypto';

import { describeKey } from '../../keys/import-jwk.js';
import type { LoadedKeys } from '../../keys/loaded-keys.js';
import type { UpstreamClient } from '../../upstream/upstream-client.js';
import { UpstreamFailure } from '../../upstream/upstream-failure.js';
import type { OpenKeys } from '../identity-provider.js';
import { type PropelAuthApi, propelAuthAddress, propelAuthHeaders } from './propel-auth-api.js';
import type { KeyOptions } from '../read-key-options.js';
import { remoteKeys } from '../remote-keys.js';

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
