import type { JsonObject } from '../token/json-object.js';

/** A one-time code as it is stored. None of its codes is readable. */
export interface StoredOneTimeCode {
  /** A UUID of version 7. */
  readonly id: string;
  /** What the code is good for. */
  readonly purpose: string;
  /** Whom the code is for. Of one purpose, a subject has one code at most. */
  readonly subject: string;
  /** The account that the code belongs to, so that it ends with it; `null` where there is none. */
  readonly accountId: string | null;
  /** The SHA-256 of the code in a link; `null` where there is none. No two codes have the same. */
  readonly linkHash: Uint8Array | null;
  /** The code for typing, which may end before that of the link; `null` where there is none. */
  readonly typed: TypedCode | null;
  /** What the code is bound to. The store keeps it as JSON, and reads nothing in it. */
  readonly payload: JsonObject;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** A code for typing. It has few digits, so that it is hashed with a key, and tried a few times at most. */
export interface TypedCode {
  readonly hash: Uint8Array;
  readonly expiresAt: Date;
}

/**
 * Where the instances of an app share the codes that are used once: those in mails, and those of attempts to sign in.
 * `SqlStoresModule` provides one; an app that provides its own under this token, in a global module, replaces it.
 * `describeOneTimeCodeStore` of `nest-gatehouse/testing` tests an implementation.
 *
 * A code that was used or replaced is gone. Texts are compared exactly; any text may be asked for. Times are those of the app's
 * clock, in milliseconds. All methods reject when the store does not answer; the caller is then answered with 503.
 */
export abstract class OneTimeCodeStore {
  /** Adds a code with no tries taken. One of the same purpose and subject ends in the same atomic step. */
  abstract create(code: StoredOneTimeCode): Promise<void>;

  /** The code with this hash of its link; `null` for one that has expired. It is not used up. */
  abstract findByLink(linkHash: Uint8Array, now: Date): Promise<StoredOneTimeCode | null>;

  /** The code of a subject; `null` for one that has expired. It is not used up. */
  abstract findBySubject(purpose: string, subject: string, now: Date): Promise<StoredOneTimeCode | null>;

  /**
   * Takes one of `limit` tries, in one atomic step, before what was given is compared: of 100 calls at once, so many give `true`.
   *
   * @returns `false` when there is none left, or no such code
   */
  abstract takeTry(id: string, limit: number): Promise<boolean>;

  /** Returns a try that was not needed, because what was given was right. */
  abstract returnTry(id: string): Promise<void>;

  /** Uses a code up, in one atomic step. @returns `true` for one caller alone; `false` for one that has expired, too */
  abstract use(id: string, now: Date): Promise<boolean>;

  /** Ends all codes of an account. */
  abstract endOfAccount(accountId: string): Promise<void>;

  /** Deletes codes that have expired, at most `limit` of them. Several instances may call it at once. @returns how many */
  abstract purge(now: Date, limit: number): Promise<number>;
}
