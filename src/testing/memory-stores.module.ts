import { type DynamicModule, Module } from '@nestjs/common';

import { AccountStore } from '../accounts/account-store.js';
import { AttemptStore } from '../issuing/attempt-store.js';
import { GroupStore } from '../accounts/group-store.js';
import { MemoryAccountStore, MemoryGroupStore } from '../accounts/memory-account-store.js';
import { MemoryAttemptStore } from '../issuing/memory-attempt-store.js';
import { MemoryOneTimeCodeStore } from '../issuing/memory-one-time-code-store.js';
import { MemoryPasskeyStore } from '../accounts/memory-passkey-store.js';
import { MemoryProviderTokenStore } from '../login/memory-provider-token-store.js';
import { ProviderTokenStore } from '../login/provider-token-store.js';
import { OneTimeCodeStore } from '../issuing/one-time-code-store.js';
import { PasskeyStore } from '../accounts/passkey-store.js';
import { ApiKeyStore } from '../api-keys/api-key-store.js';
import { MemoryApiKeyStore } from '../api-keys/memory-api-key-store.js';
import { type Clock, SystemClock } from '../clock/clock.js';
import { DpopReplayStore } from '../dpop/dpop-replay-store.js';
import { MemoryDpopReplayStore } from '../dpop/memory-dpop-replay-store.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { MemorySigningKeyStore } from '../issuing/memory-signing-key-store.js';
import { SigningKeyStore } from '../issuing/signing-key-store.js';
import { MemoryRevocationStore } from '../revocation/memory-revocation-store.js';
import { RevocationStore } from '../revocation/revocation-store.js';
import { MemorySessionStore } from '../sessions/memory-session-store.js';
import { SessionStore } from '../sessions/session-store.js';

/** What `memoryStores` takes. */
export interface MemoryStoresOptions {
  /** The clock of the apps, by which revocations expire. @defaultValue the machine's clock */
  readonly clock?: Clock;
  /** What encrypts private keys. @defaultValue a random key */
  readonly encryptionKeys?: EncryptionKeys;
}

@Module({})
class MemoryStoresModule {}

/**
 * A global module with all stores in memory: for tests, in the place of `SqlStoresModule`. Import what one call gives in
 * several apps of one process, and they share their sessions, keys and revocations as instances of one app share a
 * database.
 */
export function memoryStores(options: MemoryStoresOptions = {}): DynamicModule {
  const { clock = new SystemClock(), encryptionKeys = EncryptionKeys.random() } = options;
  const accounts = new MemoryAccountStore();
  const providers = [
    { provide: SessionStore, useValue: new MemorySessionStore() },
    { provide: SigningKeyStore, useValue: new MemorySigningKeyStore() },
    { provide: RevocationStore, useValue: new MemoryRevocationStore(clock) },
    { provide: ApiKeyStore, useValue: new MemoryApiKeyStore() },
    { provide: AccountStore, useValue: accounts },
    { provide: GroupStore, useValue: new MemoryGroupStore(accounts) },
    { provide: OneTimeCodeStore, useValue: new MemoryOneTimeCodeStore() },
    { provide: AttemptStore, useValue: new MemoryAttemptStore() },
    { provide: DpopReplayStore, useValue: new MemoryDpopReplayStore() },
    { provide: PasskeyStore, useValue: new MemoryPasskeyStore() },
    { provide: ProviderTokenStore, useValue: new MemoryProviderTokenStore() },
    { provide: EncryptionKeys, useValue: encryptionKeys },
  ];
  return { module: MemoryStoresModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
}
