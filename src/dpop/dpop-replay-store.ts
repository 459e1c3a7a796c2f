/**
 * Where the instances of an app share which DPoP proofs were used (RFC 9449 §11.1). `RedisStoresModule` provides one; an app
 * that provides its own under this token, in any module, replaces it. Without one each process remembers its own proofs alone,
 * so that a proof can be used once at each instance. `describeDpopReplayStore` of `nest-gatehouse/testing` tests an
 * implementation.
 *
 * Times are those of the app's clock. What has expired may be deleted at any time, and nothing else may.
 */
export abstract class DpopReplayStore {
  /**
   * Remembers a proof until it can no longer be used. Of any number of calls at once, on any instances, one gets `true`.
   *
   * @param key a hash over the proof's key and its `jti`, as text
   * @param jkt the thumbprint (RFC 7638) of the proof's key, for stores that limit how much one client may fill. It is a part of `key` already
   * @returns `false` when the key is remembered already, and has not expired at `now`
   * @throws {AuthUnavailableError} when that is not known, or there is no room. The request is then answered with 503: it must
   *   neither pass nor push out what is remembered.
   * @throws {RefusalError} `TOO_MANY_ATTEMPTS`, by the store in memory, when the proofs of this `jkt` take a tenth of it. The request is then
   *   answered with 429, as it is its client that has used so many.
   */
  abstract remember(key: string, expiresAt: Date, now: Date, jkt: string): Promise<boolean>;
}
