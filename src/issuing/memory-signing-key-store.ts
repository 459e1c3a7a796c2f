import { SigningKeyStore, type StoredSigningKey } from './signing-key-store.js';

/** A `SigningKeyStore` in memory, for tests and for several apps in one process. Its keys end with the process. */
export class MemorySigningKeyStore extends SigningKeyStore {
  private keys: readonly StoredSigningKey[] = [];

  override list(): Promise<readonly StoredSigningKey[]> {
    return Promise.resolve(this.keys.map(copyOf));
  }

  override add(key: StoredSigningKey): Promise<boolean> {
    const isTaken = this.keys.some(({ kid, sequence }) => kid === key.kid || sequence === key.sequence);
    if (!isTaken) this.keys = [...this.keys, copyOf(key)].sort((a, b) => a.sequence - b.sequence);
    return Promise.resolve(!isTaken);
  }

  override remove(kids: readonly string[]): Promise<void> {
    this.keys = this.keys.filter(({ kid }) => !kids.includes(kid));
    return Promise.resolve();
  }
}

/** A copy, as a database gives one: the caller may go on to use its dates and bytes. */
function copyOf(key: StoredSigningKey): StoredSigningKey {
  return {
    ...key,
    sealedPrivateKey: Uint8Array.from(key.sealedPrivateKey),
    createdAt: new Date(key.createdAt),
    signsFrom: new Date(key.signsFrom),
  };
}
