export { SqlStoresModule } from './sql-stores.module.js';
export type {
  SqlStoresAsyncOptions,
  SqlStoresExtras,
  SqlStoresOptions,
  SqlStoresOptionsFactory,
} from './sql-stores-options.js';
export type { StoreToken } from './sql-stores.js';
export type { DatabaseSource } from './database-source.js';
export { postgres, type PostgresOptions } from './postgres.js';
export type { PostgresClient, PostgresPool, PostgresStatement } from './postgres-database.js';
export { embeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.js';

// The stores, for `except` and for stores of the app's own
export {
  type ApiKeyChanges,
  type ApiKeyQuery,
  ApiKeyStore,
  type ApiKeyUse,
  type ReplacedSecret,
  type StoredApiKey,
} from '../api-keys/api-key-store.js';
export { EncryptionKeys } from '../issuing/encryption-keys.js';
export { type SigningAlgorithm, SigningKeyStore, type StoredSigningKey } from '../issuing/signing-key-store.js';
export {
  type RevocationEntry,
  type RevocationKind,
  type RevocationPage,
  RevocationStore,
} from '../revocation/revocation-store.js';
export {
  type LoginReference,
  type NewSession,
  type RefreshReplacement,
  type SessionEnding,
  type SessionEndReason,
  type SessionLogin,
  type SessionQuery,
  type SessionRotation,
  SessionStore,
  type StoredSession,
  type TokenDelivery,
} from '../sessions/session-store.js';
export {
  type AccountConflict,
  type AccountCredentials,
  type AccountQuery,
  AccountStore,
  type FoundAccount,
  type StoredAccount,
  type StoredIdentity,
} from '../accounts/account-store.js';
export { type AttemptCounter, AttemptStore } from '../issuing/attempt-store.js';
export { OneTimeCodeStore, type StoredOneTimeCode, type TypedCode } from '../issuing/one-time-code-store.js';
export { ProviderTokenStore, type StoredProviderTokens } from '../login/provider-token-store.js';
export { PasskeyStore, type PasskeyUse, type StoredPasskey } from '../accounts/passkey-store.js';
export { type GroupQuery, GroupStore, type StoredGroup } from '../accounts/group-store.js';
