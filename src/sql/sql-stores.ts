import { AccountStore } from '../accounts/account-store.js';
import { AttemptStore } from '../issuing/attempt-store.js';
import { GroupStore } from '../accounts/group-store.js';
import { OneTimeCodeStore } from '../issuing/one-time-code-store.js';
import { PasskeyStore } from '../accounts/passkey-store.js';
import { ApiKeyStore } from '../api-keys/api-key-store.js';
import { ProviderTokenStore } from '../login/provider-token-store.js';
import type { Clock } from '../clock/clock.js';
import { SigningKeyStore } from '../issuing/signing-key-store.js';
import { RevocationStore } from '../revocation/revocation-store.js';
import { SessionStore } from '../sessions/session-store.js';
import { SqlAccountStore } from './sql-account-store.js';
import { SqlApiKeyStore } from './sql-api-key-store.js';
import { SqlAttemptStore } from './sql-attempt-store.js';
import { SqlGroupStore } from './sql-group-store.js';
import { SqlOneTimeCodeStore } from './sql-one-time-code-store.js';
import { SqlPasskeyStore } from './sql-passkey-store.js';
import { SqlProviderTokenStore } from './sql-provider-token-store.js';
import { SqlRevocationStore } from './sql-revocation-store.js';
import { SqlSessionStore } from './sql-session-store.js';
import { SqlSigningKeyStore } from './sql-signing-key-store.js';
import type { StoreDatabase } from './store-database.js';

/** The tokens of the stores. */
export type StoreToken =
  | typeof SessionStore
  | typeof SigningKeyStore
  | typeof RevocationStore
  | typeof ApiKeyStore
  | typeof AccountStore
  | typeof GroupStore
  | typeof OneTimeCodeStore
  | typeof AttemptStore
  | typeof PasskeyStore
  | typeof ProviderTokenStore;

/** What a store is made from. */
interface SqlStoreParts {
  readonly database: StoreDatabase;
  readonly clock: Clock;
  /** Whether the same registration provides this store as well. */
  readonly provides: (token: StoreToken) => boolean;
}

/** A store of the module. A new one is a line in the list below, and its tables are a migration in `schema.ts`. */
interface SqlStore {
  readonly token: StoreToken;
  readonly create: (parts: SqlStoreParts) => object;
}

/** All stores that the module provides. Those with a method `purge` are cleaned up in this order. */
export const sqlStores: readonly SqlStore[] = [
  {
    token: SessionStore,
    create: ({ database, provides }) => new SqlSessionStore(database, provides(RevocationStore)),
  },
  { token: SigningKeyStore, create: ({ database }) => new SqlSigningKeyStore(database) },
  { token: RevocationStore, create: ({ database, clock }) => new SqlRevocationStore(database, clock) },
  { token: ApiKeyStore, create: ({ database }) => new SqlApiKeyStore(database) },
  { token: AccountStore, create: ({ database }) => new SqlAccountStore(database) },
  { token: GroupStore, create: ({ database }) => new SqlGroupStore(database) },
  { token: OneTimeCodeStore, create: ({ database }) => new SqlOneTimeCodeStore(database) },
  { token: AttemptStore, create: ({ database }) => new SqlAttemptStore(database) },
  { token: PasskeyStore, create: ({ database }) => new SqlPasskeyStore(database) },
  { token: ProviderTokenStore, create: ({ database }) => new SqlProviderTokenStore(database) },
];

export const storeTokens: readonly StoreToken[] = sqlStores.map(({ token }) => token);
