import type { JsonObject } from '../token/json-object.js';

/** An account as it is stored. */
export interface StoredAccount {
  /** A UUID of version 7 in lower case, so that accounts are in the order of their creation. */
  readonly id: string;
  /** As it was written; `null` where the account has none. */
  readonly email: string | null;
  /** The address in the form in which addresses are compared. No two accounts have the same. */
  readonly emailKey: string | null;
  readonly emailVerified: boolean;
  readonly username: string | null;
  /** As `emailKey`. */
  readonly usernameKey: string | null;
  readonly name: string | null;
  /** The name in the form in which it is searched for. Many accounts may have the same. */
  readonly nameKey: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly pictureUrl: string | null;
  readonly status: 'enabled' | 'disabled';
  /** A guest. */
  readonly isAnonymous: boolean;
  /** What sign-ins are checked against, and the sign-up that waits for its verification. The store keeps it as JSON, and reads nothing in it. */
  readonly credentials: AccountCredentials;
  /** What the app keeps with the account: JSON, with the names as they were written. */
  readonly customData: JsonObject;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastSignInAt: Date | null;
}

/**
 * What sign-ins are checked against. Passwords and recovery codes are hashes, secrets are encrypted; the names and the custom data of a
 * pending sign-up are readable.
 */
export interface AccountCredentials {
  /** The hash of the password (PHC string format); left out where there is none. */
  readonly passwordHash?: string;
  /** The last sign-up for the account, until its address is verified; left out where nobody has signed up for it. */
  readonly signUp?: SignUpCredentials;
  /** The second factor, which every sign-in with a password or a mail asks for; left out where there is none. */
  readonly totp?: StoredTotp;
  /** A second factor that was registered, and of which no code was given yet. The time is in milliseconds since 1970. */
  readonly pendingTotp?: { readonly sealed: string; readonly expiresAtMs: number };
}

/** A sign-up for an account whose address is not verified yet. */
interface SignUpCredentials {
  /** The SHA-256 of what the browser that signed up has in a cookie, as base64url; `null` for a client without cookies. */
  readonly browser: string | null;
  /** Whether the account was there before the sign-up, by an import or a provider: then its earlier access ends with the verification. */
  readonly isRestart: boolean;
  /** What the account becomes when its address is verified; left out for one that works at once. */
  readonly pending?: PendingSignUp;
}

/** What somebody has signed up with. Until the address is verified it may be anybody's, so nothing of the account shows it. */
export interface PendingSignUp {
  readonly passwordHash: string | null;
  readonly username: string | null;
  readonly name: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly pictureUrl: string | null;
  /** `null` where the app gave none. */
  readonly customData: JsonObject | null;
  /** The guest who signed up; `null` for anybody else. */
  readonly guestId: string | null;
}

/** The second factor of an account. */
export interface StoredTotp {
  /** The secret, encrypted. */
  readonly sealed: string;
  /** The last time step of which a code was used (RFC 6238 §5.2). */
  readonly lastStep: number;
  /** The hashes of the recovery codes that were not used yet. */
  readonly recoveryCodes: readonly string[];
}

/** An account with the names of the groups that it is a member of, in their order. */
export interface FoundAccount extends StoredAccount {
  readonly groups: readonly string[];
}

/** A person as a provider knows them, who signs in to an account by it. */
export interface StoredIdentity {
  readonly provider: string;
  /** The provider's id of the person. Provider and subject together belong to one account at most. */
  readonly subject: string;
  readonly email: string | null;
  readonly linkedAt: Date;
}

/** Which accounts are listed. */
export interface AccountQuery {
  /** Only members of the group with this name; `null` for all. */
  readonly group: string | null;
  /** Only accounts whose `emailKey`, `usernameKey` or `nameKey` begins with this text; `null` for all. */
  readonly search: string | null;
  /** Only accounts after this one in the list; `null` from the beginning. */
  readonly afterId: string | null;
  readonly limit: number;
}

/** What another account has already, so that nothing was changed. */
export type AccountConflict = 'email' | 'username';

/**
 * Where the instances of an app share the accounts of its users. `SqlStoresModule` provides one; an app that provides its own
 * under this token, in a global module, replaces it, and the `GroupStore` with it. `describeAccountStore` of
 * `nest-gatehouse/testing` tests an implementation.
 *
 * Texts are compared exactly; any text may be asked for. Times are those of the app's clock, in milliseconds. All methods reject
 * when the store does not answer; the caller is then answered with 503.
 */
export abstract class AccountStore {
  /** Adds an account, and an identity with it where one is given. @returns what is taken; `null` when it was added */
  abstract create(account: StoredAccount, identity?: StoredIdentity): Promise<AccountConflict | 'identity' | null>;

  abstract find(id: string): Promise<FoundAccount | null>;

  /** Those of the accounts that there are, in any order. At most 200 ids are asked for. */
  abstract findMany(ids: readonly string[]): Promise<readonly FoundAccount[]>;

  abstract findByEmail(emailKey: string): Promise<FoundAccount | null>;

  abstract findByUsername(usernameKey: string): Promise<FoundAccount | null>;

  abstract findByIdentity(provider: string, subject: string): Promise<FoundAccount | null>;

  /** The newest first: in the descending order of their ids. */
  abstract list(query: AccountQuery): Promise<readonly FoundAccount[]>;

  /**
   * Changes an account in one atomic step: no other change happens between what `decide` is given and what it returns.
   *
   * @param decide makes the account that is stored from the one that is there. It may be called several times, and has no effect
   *   by itself. Where it throws, nothing is changed, and the method rejects with what it threw.
   * @returns the account as it is then; what is taken; `null` where there is no such account
   */
  abstract change(
    id: string,
    decide: (account: FoundAccount) => StoredAccount,
  ): Promise<FoundAccount | AccountConflict | null>;

  /** Sets `lastSignInAt`, unless it is later already. */
  abstract noteSignIn(id: string, at: Date): Promise<void>;

  /** Deletes an account with its identities and its memberships. @returns whether this call did */
  abstract delete(id: string): Promise<boolean>;

  /** The identities of an account, in the order of their linking. */
  abstract listIdentities(accountId: string): Promise<readonly StoredIdentity[]>;

  /** @returns `'identity'` when it belongs to an account already, `'account'` when there is no such account; `null` when it was added */
  abstract addIdentity(accountId: string, identity: StoredIdentity): Promise<'identity' | 'account' | null>;

  /** @returns whether the account had it */
  abstract removeIdentity(accountId: string, provider: string, subject: string): Promise<boolean>;
}
