import type { ApiKeyUse, StoredApiKey } from '../../src/api-keys/api-key-store.js';
import { MemoryApiKeyStore } from '../../src/api-keys/memory-api-key-store.js';

/** A store that counts what is asked of it, and may be down. */
export class WatchedStore extends MemoryApiKeyStore {
  isDown = false;
  finds = 0;
  readonly writes: string[] = [];
  /** Finds wait for it. */
  gate: Promise<void> = Promise.resolve();

  override async find(id: string): Promise<StoredApiKey | null> {
    this.finds += 1;
    if (this.isDown) throw new Error('connect ECONNREFUSED postgres://user:password@db');
    const found = await super.find(id);
    await this.gate;
    return found;
  }

  override noteUses(uses: readonly ApiKeyUse[]): Promise<void> {
    if (this.isDown) return Promise.reject(new Error('down'));
    this.writes.push('uses');
    return super.noteUses(uses);
  }
}
