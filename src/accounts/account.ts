import type { SessionSubject } from '../sessions/session-subject.js';
import type { JsonObject } from '../token/json-object.js';
import type { FoundAccount } from './account-store.js';

/** A person, or a guest, whom the app keeps itself. */
export interface Account {
  /** A UUID of version 7: the `sub` of the access tokens. */
  readonly id: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly username: string | null;
  readonly name: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly pictureUrl: string | null;
  /** A disabled account can neither sign in nor be used by an API key. */
  readonly status: 'enabled' | 'disabled';
  /** A guest. */
  readonly isAnonymous: boolean;
  readonly hasPassword: boolean;
  /** The names of its groups, in their order: the roles of the user. */
  readonly groups: readonly string[];
  /** What the app keeps with it. */
  readonly customData: JsonObject;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastSignInAt: Date | null;
}

/** A person as a provider knows them, who signs in to an account by it. */
export interface AccountIdentity {
  /** The id of the provider, such as `google`. */
  readonly provider: string;
  /** The provider's id of the person. */
  readonly subject: string;
  readonly email: string | null;
  readonly linkedAt: Date;
}

/** What happened to an account, after it was stored. */
export interface AccountEvent {
  readonly type:
    | 'account-created'
    | 'account-upgraded'
    | 'account-verified'
    | 'account-disabled'
    | 'account-deleted'
    | 'signed-in'
    | 'password-changed';
  readonly accountId: string;
  readonly at: Date;
}

/** What of an account is not secret. */
export function toAccount(found: FoundAccount): Account {
  return {
    id: found.id,
    email: found.email,
    emailVerified: found.emailVerified,
    username: found.username,
    name: found.name,
    givenName: found.givenName,
    familyName: found.familyName,
    pictureUrl: found.pictureUrl,
    status: found.status,
    isAnonymous: found.isAnonymous,
    hasPassword: found.credentials.passwordHash !== undefined,
    groups: found.groups,
    customData: found.customData,
    createdAt: found.createdAt,
    updatedAt: found.updatedAt,
    lastSignInAt: found.lastSignInAt,
  };
}

/** The user of a session or an API key that belongs to an account. */
export function toSubject(found: FoundAccount): SessionSubject {
  const { id, email, emailVerified, username, name, givenName, familyName, pictureUrl, isAnonymous, groups } = found;
  return {
    id,
    email,
    emailVerified: email === null ? null : emailVerified,
    username,
    name,
    givenName,
    familyName,
    pictureUrl,
    isAnonymous,
    hasPassword: found.credentials.passwordHash !== undefined,
    roles: groups,
  };
}
