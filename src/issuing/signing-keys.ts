import type { JsonWebKey } from 'node:crypto';

import { pickPublic, thumbprintOf } from '../keys/thumbprint.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { SigningAlgorithm } from './signing-key-store.js';

/** A key that signs, without its material. */
export interface SigningKeyName {
  /** The JWK thumbprint of the public key (RFC 7638), or the name that a key management service has for it. */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
}

/** A public key as it is published (RFC 7517 §4). It has no other members, so none that is private. */
export interface PublicJwk {
  readonly kty: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: SigningAlgorithm;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

/**
 * The keys that sign the app's own tokens. `SessionsModule` provides keys that it creates, rotates and stores encrypted; an
 * app whose keys are in a key management service provides its own class under this token, in a global module.
 *
 * A rejection that is not an `AuthError` is answered with 503, as if a provider did not answer.
 *
 * @example
 * class KmsSigningKeys extends SigningKeys {
 *   current() { return { kid: 'alias/tokens-2', algorithm: 'ES256' } as const; }
 *   async sign(kid: string, bytes: Uint8Array) { return kms.sign(kid, bytes); }
 *   published() { return [toPublicJwk(publicKey.export({ format: 'jwk' }), 'ES256', 'alias/tokens-2')]; }
 *   async rotate() { throw new Error('Keys are rotated by the service'); }
 * }
 */
export abstract class SigningKeys {
  /** The key that signs now. It is asked for each token, so an implementation answers from memory. */
  abstract current(): MaybePromise<SigningKeyName>;

  /**
   * Signs bytes with a key that `current` has named.
   *
   * @returns the signature. For ES256 it may be `r` and `s` concatenated, 64 bytes (RFC 7518 §3.4), or DER, as AWS KMS,
   *   Google Cloud KMS and OpenSSL give it: DER is converted.
   */
  abstract sign(kid: string, bytes: Uint8Array): MaybePromise<Uint8Array>;

  /**
   * The public keys that verify tokens now: the one that signs, the next one, and each earlier one for as long as its tokens
   * live. It is asked at most once a minute, and when a token names a key that is not known; a rejection keeps the keys of
   * the last answer in use for a day.
   */
  abstract published(): MaybePromise<readonly PublicJwk[]>;

  /** Makes a new key sign at once, for every token from now on. Earlier keys stay published until their tokens have expired. */
  abstract rotate(): Promise<void>;

  /**
   * Makes the next answers state what is true now, also what other instances have changed. An implementation that keeps keys
   * in memory reads them again; otherwise nothing has to be done, which is the default.
   */
  refresh(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * Makes the published form of a key. Only public members are copied, so a private key may be given.
 *
 * @param kid its name. @defaultValue its thumbprint (RFC 7638)
 * @throws {TypeError} when it is not an RSA, EC or OKP key.
 */
export function toPublicJwk(jwk: JsonWebKey, alg: SigningAlgorithm, kid: string = thumbprintOf(jwk)): PublicJwk {
  return { ...pickPublic(jwk), kid, use: 'sig', alg };
}
