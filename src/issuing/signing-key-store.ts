/** The algorithms that the app can sign its own tokens with. */
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** All of them; the first is the default. */
export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256'] as const;

/** A signing key as stores keep it. Whether it is published, signs or is retired follows from the times of all keys. */
export interface StoredSigningKey {
  /** The JWK thumbprint of the public key (RFC 7638), 43 characters. */
  readonly kid: string;
  /** The position in the order of rotation, from 1. Of the keys whose `signsFrom` has come, the last one signs. */
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  /** The public key as the JSON text of a JWK (RFC 7517). */
  readonly publicJwk: string;
  /** The private key, encrypted. A store never sees it in clear text. */
  readonly sealedPrivateKey: Uint8Array;
  readonly createdAt: Date;
  /** When it begins to sign. Until then it is published, so that verifiers know it in time. */
  readonly signsFrom: Date;
}

/**
 * Where the instances of an app share the keys that sign their own tokens. `SqlStoresModule` provides one; an app that
 * provides its own under this token, in a global module, replaces it. `describeSigningKeyStore` of
 * `nest-gatehouse/testing` tests an implementation.
 *
 * All methods reject when the store does not answer; the caller is then answered with 503.
 */
export abstract class SigningKeyStore {
  /** All keys, in the order of `sequence`. Usually two or three. */
  abstract list(): Promise<readonly StoredSigningKey[]>;

  /**
   * Adds a key, in one atomic step: of several instances that add a key of the same `sequence` at once, one succeeds.
   *
   * @returns `false` when there is a key with this `sequence` or this `kid` already; nothing has changed then
   */
  abstract add(key: StoredSigningKey): Promise<boolean>;

  /** Removes keys. One that is not there is no error. */
  abstract remove(kids: readonly string[]): Promise<void>;
}
