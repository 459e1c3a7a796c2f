import { PasskeyStore, type PasskeyUse, type StoredPasskey } from './passkey-store.js';

/** A `PasskeyStore` in memory, for tests and for several apps in one process. Its passkeys end with the process. */
export class MemoryPasskeyStore extends PasskeyStore {
  private readonly passkeys = new Map<string, StoredPasskey>();

  override create(passkey: StoredPasskey): Promise<boolean> {
    const isNew = !this.passkeys.has(passkey.credentialId);
    if (isNew) this.passkeys.set(passkey.credentialId, structuredClone(passkey));
    return Promise.resolve(isNew);
  }

  override find(credentialId: string): Promise<StoredPasskey | null> {
    return Promise.resolve(structuredClone(this.passkeys.get(credentialId)) ?? null);
  }

  override listOfAccount(accountId: string): Promise<readonly StoredPasskey[]> {
    const found = [...this.passkeys.values()].filter((passkey) => passkey.accountId === accountId);
    found.sort(
      (one, other) =>
        one.createdAt.getTime() - other.createdAt.getTime() || (one.credentialId < other.credentialId ? -1 : 1),
    );
    return Promise.resolve(structuredClone(found));
  }

  override noteUse(credentialId: string, use: PasskeyUse, expectedCounter: number | null): Promise<boolean> {
    const passkey = this.passkeys.get(credentialId);
    const isAsExpected = passkey !== undefined && [null, passkey.counter].includes(expectedCounter);
    if (isAsExpected) this.passkeys.set(credentialId, { ...passkey, ...structuredClone(use) });
    return Promise.resolve(isAsExpected);
  }

  override remove(accountId: string, credentialId: string): Promise<boolean> {
    const isTheirs = this.passkeys.get(credentialId)?.accountId === accountId;
    return Promise.resolve(isTheirs && this.passkeys.delete(credentialId));
  }

  override removeOfAccount(accountId: string): Promise<void> {
    for (const [id, passkey] of this.passkeys) if (passkey.accountId === accountId) this.passkeys.delete(id);
    return Promise.resolve();
  }
}
