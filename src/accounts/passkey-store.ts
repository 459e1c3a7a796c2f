/** A passkey as it is stored: a credential of WebAuthn (Level 3 §4, "credential record"). None of it is secret. */
export interface StoredPasskey {
  /** The id that the authenticator has given the credential, in base64url: at most 1,364 characters. It belongs to one account. */
  readonly credentialId: string;
  readonly accountId: string;
  /** The public key, as a COSE key. */
  readonly publicKey: Uint8Array;
  /** What the authenticator had counted at the last use, up to 2^32 - 1. One that does not count says 0. */
  readonly counter: number;
  /** How the browser reaches the authenticator: `'internal'`, `'hybrid'`, `'usb'` and the like. */
  readonly transports: readonly string[];
  /** Whether the authenticator may copy the credential to other devices. It stays as it is. */
  readonly deviceType: 'singleDevice' | 'multiDevice';
  /** Whether there is such a copy, as far as is known. */
  readonly backedUp: boolean;
  /** The model of the authenticator, as a UUID. */
  readonly aaguid: string;
  /** What the user calls it. */
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

/** What a use changes. */
export type PasskeyUse = Pick<StoredPasskey, 'counter' | 'backedUp'> & { readonly lastUsedAt: Date };

/**
 * Where the instances of an app share the passkeys of its users. `SqlStoresModule` provides one; an app that provides its own
 * under this token, in a global module, replaces it. `describePasskeyStore` of `nest-gatehouse/testing` tests an implementation.
 *
 * It knows nothing of accounts but their ids, and `AccountService.delete` removes the passkeys of an account. Texts are compared
 * exactly; any text may be asked for. Times are those of the app's clock, in milliseconds. All methods reject when the store does
 * not answer; the caller is then answered with 503.
 */
export abstract class PasskeyStore {
  /** Adds a passkey. @returns `false` when there is one with this credential id, of whatever account, which stays as it is */
  abstract create(passkey: StoredPasskey): Promise<boolean>;

  abstract find(credentialId: string): Promise<StoredPasskey | null>;

  /** The passkeys of an account, in the order of their creation. */
  abstract listOfAccount(accountId: string): Promise<readonly StoredPasskey[]>;

  /**
   * Records a use, in one atomic step.
   *
   * @param expectedCounter the counter that the use was compared with, so that of two copies of an authenticator that are used at
   *   the same moment one is noticed; `null` where the counter does not matter
   * @returns `false` when the passkey has another counter by now, or is gone
   */
  abstract noteUse(credentialId: string, use: PasskeyUse, expectedCounter: number | null): Promise<boolean>;

  /** Removes a passkey of this account. @returns whether this call did */
  abstract remove(accountId: string, credentialId: string): Promise<boolean>;

  /** Removes all passkeys of an account. */
  abstract removeOfAccount(accountId: string): Promise<void>;
}
