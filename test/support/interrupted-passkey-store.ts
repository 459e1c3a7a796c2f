import { MemoryPasskeyStore } from '../../src/accounts/memory-passkey-store.js';
import type { PasskeyUse, StoredPasskey } from '../../src/accounts/passkey-store.js';

/** A store that calls a function between two steps of a request. */
export class InterruptedPasskeyStore extends MemoryPasskeyStore {
  beforeCreate: (() => Promise<unknown>) | undefined;
  afterUse: (() => Promise<unknown>) | undefined;
  beforeRemove: (() => Promise<unknown>) | undefined;

  override async create(passkey: StoredPasskey): Promise<boolean> {
    await this.beforeCreate?.();
    return super.create(passkey);
  }

  override async noteUse(id: string, use: PasskeyUse, expectedCounter: number | null): Promise<boolean> {
    const isNoted = await super.noteUse(id, use, expectedCounter);
    await this.afterUse?.();
    return isNoted;
  }

  override async remove(accountId: string, id: string): Promise<boolean> {
    const { beforeRemove } = this;
    this.beforeRemove = undefined;
    await beforeRemove?.();
    return super.remove(accountId, id);
  }
}
