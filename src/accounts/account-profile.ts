import type { JsonObject } from '../token/json-object.js';
import { AccountError } from './account-error.js';
import { toAccountKey, withoutUndefined } from './account-input.js';
import type { StoredAccount } from './account-store.js';

/** What is known of a person, apart from how they sign in. */
export interface AccountProfile {
  /** Compared without regard to case; no two accounts have the same. At most 254 characters. */
  readonly email?: string | null;
  /** Whether it is known that the address is the person's own. @defaultValue false, also for an address that is new */
  readonly emailVerified?: boolean;
  /** Compared as `email` is; at most 100 characters, without `@`. */
  readonly username?: string | null;
  readonly name?: string | null;
  readonly givenName?: string | null;
  readonly familyName?: string | null;
  /** A web address (`https:` or `http:`). */
  readonly pictureUrl?: string | null;
  /** JSON of at most 64 KiB. It replaces what is there; `patchCustomData` changes parts. */
  readonly customData?: JsonObject;
}

/** An account of which nothing is known. */
export function createStoredAccount(id: string, at: Date): StoredAccount {
  return {
    id,
    email: null,
    emailKey: null,
    emailVerified: false,
    username: null,
    usernameKey: null,
    name: null,
    nameKey: null,
    givenName: null,
    familyName: null,
    pictureUrl: null,
    status: 'enabled',
    isAnonymous: false,
    credentials: {},
    customData: {},
    createdAt: at,
    updatedAt: at,
    lastSignInAt: null,
  };
}

/** Sets what is given. A new address counts as not verified, unless that is given as well. */
export function withProfile(account: StoredAccount, given: AccountProfile): StoredAccount {
  const set: Partial<StoredAccount> = withoutUndefined(given);
  const { email, username, name, emailVerified } = { ...account, ...set };
  const isSameAddress = keyOrNull(email) === account.emailKey;
  return {
    ...account,
    ...set,
    emailKey: keyOrNull(email),
    usernameKey: keyOrNull(username),
    nameKey: keyOrNull(name),
    emailVerified: email !== null && (given.emailVerified ?? (isSameAddress && emailVerified)),
  };
}

const keyOrNull = (text: string | null): string | null => (text === null ? null : toAccountKey(text));

/** The rule of each member of a profile. */
export const profileRules = {
  email: 'email',
  emailVerified: 'emailVerified',
  username: 'username',
  name: 'name',
  givenName: 'name',
  familyName: 'name',
  pictureUrl: 'pictureUrl',
  customData: 'customData',
} as const;

/** The error for what another account has already. */
export function takenError(taken: 'email' | 'username' | 'identity'): AccountError {
  const code = ({ email: 'EMAIL_TAKEN', username: 'USERNAME_TAKEN', identity: 'IDENTITY_TAKEN' } as const)[taken];
  return AccountError.because(code, `Another account has the same ${taken}`);
}
