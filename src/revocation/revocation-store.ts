/** What a revocation names: one token by its `jti`, a session by its `sid`, a user by their id, an application by its client id. */
export type RevocationKind = (typeof revocationKinds)[number];

/** All of them. */
export const revocationKinds = ['token', 'session', 'user', 'client'] as const;

/** One revocation, as stores keep it. */
export interface RevocationEntry {
  readonly kind: RevocationKind;
  /** The exact `iss` of the tokens: ids of another issuer are other ids. */
  readonly issuer: string;
  /** The id of the token, session, user or client. Compared exactly; any Unicode text that is not empty. */
  readonly value: string;
  /**
   * Tokens whose `iat` is this second or an earlier one are revoked, and tokens without `iat`; whole seconds since 1970.
   * `null`: all tokens, whenever they were issued.
   */
  readonly issuedUntilSeconds: number | null;
  /** When the store may delete the entry, because every token that it concerns has expired; whole seconds since 1970. */
  readonly expiresAtSeconds: number;
}

/** A part of what a store holds. */
export interface RevocationPage {
  readonly entries: readonly RevocationEntry[];
  /** What `changesSince` takes to continue after this page. Only the store that made it reads it. */
  readonly cursor: string;
  /** Whether there is more to read right now. */
  readonly hasMore: boolean;
}

/**
 * Where the processes of an app share their revocations. Extend it and provide your class under this token in a global
 * module, and `AuthModule.forRoot({ revocation: true })` uses it: `{ provide: RevocationStore, useClass: … }`. Without a
 * store each process knows only its own revocations and forgets them when it ends.
 *
 * Every process reads the whole store once with `snapshot()`, and what was added since with `changesSince()`, every
 * `refreshSeconds`. Nothing is read when a token is checked. Write access to the store allows signing out your users, and
 * delete access allows undoing a revocation before the processes have read it.
 *
 * `describeRevocationStore` of `nest-gatehouse/testing` tests an implementation.
 */
export abstract class RevocationStore {
  /**
   * Stores entries, and resolves when other processes can read them. The same entry may be added again. Rejects when they
   * are not stored, or when that is unknown; the answer to the caller is then a 503.
   */
  abstract add(entries: readonly RevocationEntry[]): Promise<void>;

  /** The first page of everything that has not expired. Further pages come from `changesSince` with its cursor. */
  abstract snapshot(): Promise<RevocationPage>;

  /**
   * What was added since a page was read; `null` when the cursor is unknown or too old, and a snapshot has to be read.
   *
   * An entry may be given more than once, but none may be left out. Mind transactions that commit late: a number from a
   * sequence can become visible after a higher one. Start a little before the last read, or compare transaction ids.
   */
  abstract changesSince(cursor: string): Promise<RevocationPage | null>;
}
