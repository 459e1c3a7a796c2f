import type { DpopProofs } from '../dpop/dpop-proofs.js';
import { isRefusal } from '../errors/auth-error.js';
import type { AdapterAnswer } from '../issuing/adapter-route.js';
import type { RequestView } from '../request/request-view.js';
import { OAuthRefusal } from './oauth-answer.js';

/** The key that a client has proven to have. */
export interface ProvenKey {
  /** Its thumbprint; `null` for a client that has proven none. */
  readonly jkt: string | null;
  /** A newer nonce than that of the proof (RFC 9449 §8.2). */
  readonly headers: AdapterAnswer['headers'];
}

const unproven: ProvenKey = { jkt: null, headers: [] };

/**
 * Verifies the proof of a request for a token, to which the token is then bound (RFC 9449 §5), and uses it up. Without DPoP a proof is
 * ignored, as RFC 6749 demands of what is not known: the `token_type` of the answer tells the client.
 *
 * @throws {OAuthRefusal} `invalid_dpop_proof` or `use_dpop_nonce`.
 * @throws {RefusalError} `TOO_MANY_ATTEMPTS` when the key has used too many proofs, which says nothing against this one.
 */
export async function proveKey(proofs: DpopProofs | null, view: RequestView): Promise<ProvenKey> {
  if (proofs === null) return unproven;
  if (view.headers('dpop').length === 0 && !proofs.areRequired) return unproven;
  try {
    const proof = proofs.read(view);
    const nextNonce = await proofs.use(proof, view, { accessToken: null, at: 'authorization-server' });
    return { jkt: proof.jkt, headers: nextNonce === null ? [] : [['DPoP-Nonce', nextNonce]] };
  } catch (error) {
    if (!isRefusal(error) || error.code === 'TOO_MANY_ATTEMPTS') throw error;
    const code = error.code === 'USE_DPOP_NONCE' ? 'use_dpop_nonce' : 'invalid_dpop_proof';
    throw new OAuthRefusal(code, error.message, undefined, error);
  }
}
