import { ProviderTokenStore, type StoredProviderTokens } from './provider-token-store.js';

interface KeptEntry extends StoredProviderTokens {
  readonly claimedUntil: Date | null;
}

/** A `ProviderTokenStore` in memory, for tests and for several apps in one process. Its entries end with the process. */
export class MemoryProviderTokenStore extends ProviderTokenStore {
  private readonly entries = new Map<string, KeptEntry>();
  private versions = 0;

  override find(userId: string, provider: string): Promise<StoredProviderTokens | null> {
    const entry = this.entries.get(keyOf(userId, provider));
    if (entry === undefined) return Promise.resolve(null);
    const { sealed, version, updatedAt } = entry;
    return Promise.resolve(structuredClone({ userId, provider, sealed, version, updatedAt }));
  }

  override save(userId: string, provider: string, sealed: Uint8Array, updatedAt: Date): Promise<void> {
    this.versions += 1;
    const entry = { userId, provider, sealed: Uint8Array.from(sealed), version: this.versions, claimedUntil: null };
    this.entries.set(keyOf(userId, provider), { ...entry, updatedAt: new Date(updatedAt) });
    return Promise.resolve();
  }

  override claim(userId: string, provider: string, version: number, now: Date, until: Date): Promise<boolean> {
    const entry = this.findVersion(userId, provider, version);
    const isFree = entry !== null && (entry.claimedUntil === null || entry.claimedUntil <= now);
    if (isFree) this.entries.set(keyOf(userId, provider), { ...entry, claimedUntil: new Date(until) });
    return Promise.resolve(isFree);
  }

  override async replace(
    userId: string,
    provider: string,
    version: number,
    sealed: Uint8Array,
    updatedAt: Date,
  ): Promise<boolean> {
    if (this.findVersion(userId, provider, version) === null) return false;
    await this.save(userId, provider, sealed, updatedAt);
    return true;
  }

  override release(userId: string, provider: string, version: number): Promise<void> {
    const entry = this.findVersion(userId, provider, version);
    if (entry !== null) this.entries.set(keyOf(userId, provider), { ...entry, claimedUntil: null });
    return Promise.resolve();
  }

  override discard(userId: string, provider: string, version: number): Promise<boolean> {
    const isThere = this.findVersion(userId, provider, version) !== null;
    return Promise.resolve(isThere && this.entries.delete(keyOf(userId, provider)));
  }

  override remove(userId: string, provider: string | null): Promise<void> {
    for (const [key, entry] of this.entries) {
      if (entry.userId === userId && (provider === null || entry.provider === provider)) this.entries.delete(key);
    }
    return Promise.resolve();
  }

  private findVersion(userId: string, provider: string, version: number): KeptEntry | null {
    const entry = this.entries.get(keyOf(userId, provider));
    return entry?.version === version ? entry : null;
  }
}

function keyOf(userId: string, provider: string): string {
  return JSON.stringify([userId, provider]);
}
