/** The tokens of a provider for one user, as they are stored. */
export interface StoredProviderTokens {
  readonly userId: string;
  /** The id of the provider. */
  readonly provider: string;
  /** The tokens, encrypted. The store reads nothing in them. */
  readonly sealed: Uint8Array;
  /** A whole number that increases with every change. An entry that is added after another was removed has a version that none had before. */
  readonly version: number;
  readonly updatedAt: Date;
}

/**
 * Where the instances of an app share the tokens of providers, for `LoginModule.forRoot({ keepTokens: true })`. `SqlStoresModule` provides
 * one; an app that provides its own under this token, in a global module, replaces it. `describeProviderTokenStore` of
 * `nest-gatehouse/testing` tests an implementation.
 *
 * A user has one entry at most for each provider. Texts are compared exactly; any text may be asked for. Times are those of the app's
 * clock, in milliseconds. All methods reject when the store does not answer; the caller is then answered with 503.
 */
export abstract class ProviderTokenStore {
  abstract find(userId: string, provider: string): Promise<StoredProviderTokens | null>;

  /** Adds the entry, or replaces the one that is there: its version increases, and a claim on it ends. */
  abstract save(userId: string, provider: string, sealed: Uint8Array, updatedAt: Date): Promise<void>;

  /**
   * Claims the refreshing of an entry until `until`, in one atomic step: of 100 calls at once, one gives `true`.
   *
   * @returns `false` where the entry is gone, has another version, or is claimed by another caller whose time has not passed
   */
  abstract claim(userId: string, provider: string, version: number, now: Date, until: Date): Promise<boolean>;

  /** Replaces the entry if it still has this version, which then increases; the claim ends. @returns whether it did */
  abstract replace(
    userId: string,
    provider: string,
    version: number,
    sealed: Uint8Array,
    updatedAt: Date,
  ): Promise<boolean>;

  /** Ends a claim without a change. Does nothing for an entry that has another version, or is gone. */
  abstract release(userId: string, provider: string, version: number): Promise<void>;

  /** Removes the entry if it still has this version. @returns whether it did */
  abstract discard(userId: string, provider: string, version: number): Promise<boolean>;

  /** Removes the entry of one provider, or all of a user with `null`. */
  abstract remove(userId: string, provider: string | null): Promise<void>;
}
