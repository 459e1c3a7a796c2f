/** A signed text out of an RFC, with the key that it verifies with. */
export interface JwsVector {
  /** Where it stands, as in `'RFC 7515 A.2'`. */
  readonly from: string;
  readonly algorithm: string;
  /** The public key, or the shared one for HMAC. Without one nothing can be verified (`alg` is `none`). */
  readonly key?: Readonly<Record<string, string>>;
  /** The compact form. */
  readonly token: string;
  /** What was signed in place of the middle part, where that is left out (RFC 7797). */
  readonly detachedPayload?: string;
}
