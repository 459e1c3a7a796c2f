/** The secret that a rotation has replaced. */
export interface ReplacedSecret {
  /** As `StoredApiKey.hash`. */
  readonly hash: Uint8Array;
  /** It is accepted until then. */
  readonly validUntil: Date;
}

/** What the owner or the app may change of a key. */
export interface ApiKeyChanges {
  readonly name?: string | null;
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
  readonly enabled?: boolean;
}

/** An API key as it is stored. The secret is not part of it. */
export interface StoredApiKey extends Required<ApiKeyChanges> {
  /** What precedes the last `_` of its text. */
  readonly id: string;
  /** Whom it stands for. */
  readonly userId: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
  /** SHA-256 of the id and the secret, 32 bytes. */
  readonly hash: Uint8Array;
  /** How the hash was computed. */
  readonly hashVersion: number;
  /** The secret before the current one; `null` where there is none. Its hash has the same version. */
  readonly previous: ReplacedSecret | null;
}

/** Which of a user's keys are listed. */
export interface ApiKeyQuery {
  /** Only keys that come after this one in the list; `null` from the beginning. */
  readonly after: { readonly createdAt: Date; readonly id: string } | null;
  readonly limit: number;
}

/** When a key was used. */
export interface ApiKeyUse {
  readonly id: string;
  readonly at: Date;
}

/**
 * Where the instances of an app share the API keys of its users. `SqlStoresModule` provides one; an app that provides its own
 * under this token, in a global module, replaces it. `describeApiKeyStore` of `nest-gatehouse/testing` tests an implementation.
 *
 * Ids and user ids are compared exactly; any text may be asked for. Times are those of the app's clock, in milliseconds. All
 * methods reject when the store does not answer; the caller is then answered with 503.
 */
export abstract class ApiKeyStore {
  /** Adds a key. Rejects when there is one with this id. */
  abstract create(key: StoredApiKey): Promise<void>;

  /** The key with this id, also when it was revoked or has expired; `null` when there is none. */
  abstract find(id: string): Promise<StoredApiKey | null>;

  /** The keys of a user, also those that were revoked: newest first, and those of one moment in the descending order of their ids. */
  abstract list(userId: string, query: ApiKeyQuery): Promise<readonly StoredApiKey[]>;

  /** Sets what is given, unless the key was revoked. @returns the key as it is then; `null` where nothing was changed */
  abstract update(id: string, changes: ApiKeyChanges): Promise<StoredApiKey | null>;

  /**
   * Replaces the hash, unless the key was revoked. The hash that was there before becomes `previous` where it is given until
   * when that one is accepted; otherwise there is no previous one. A second rotation ends the secret before the last one. One
   * atomic step.
   *
   * @returns the key as it is then; `null` where nothing was changed
   */
  abstract rotate(
    id: string,
    secret: Pick<StoredApiKey, 'hash' | 'hashVersion'>,
    previousValidUntil: Date | null,
  ): Promise<StoredApiKey | null>;

  /** Sets `revokedAt`, unless it is set. @returns whether this call did */
  abstract revoke(id: string, revokedAt: Date): Promise<boolean>;

  /** The same for all keys of a user. @returns the ids of those that this call revoked */
  abstract revokeAll(userId: string, revokedAt: Date): Promise<readonly string[]>;

  /** Deletes the keys of a user that are revoked: when the user is deleted. */
  abstract deleteRevoked(userId: string): Promise<void>;

  /** Sets `lastUsedAt` of each key to the given time, unless it is later already. Keys that are not there are left out. */
  abstract noteUses(uses: readonly ApiKeyUse[]): Promise<void>;
}
