import type { Adapter, StoredModel } from 'oidc-provider';

const keptEntries = 2_000;

/**
 * Stores the provider's sessions and grants. It outlives the Provider object, which is replaced when keys are rotated, so
 * that users stay signed in.
 */
export class MemoryStore {
  private readonly entries = new Map<string, StoredModel>();

  /** Creates one adapter per model. The provider checks expiry itself, so the store only removes the oldest entries. */
  readonly adapterFor = (model: string): Adapter => {
    const key = (id: string): string => `${model}:${id}`;
    const findBy = async (name: string, value: string): Promise<StoredModel | undefined> =>
      [...this.entries].find(([entry, payload]) => entry.startsWith(`${model}:`) && payload[name] === value)?.[1];

    return {
      upsert: async (id, payload) => {
        this.entries.set(key(id), payload);
        this.forgetOldest();
      },
      find: async (id) => this.entries.get(key(id)),
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (userCode) => findBy('userCode', userCode),
      consume: async (id) => {
        const payload = this.entries.get(key(id));
        if (payload) payload['consumed'] = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => {
        this.entries.delete(key(id));
      },
      revokeByGrantId: async (grantId) => {
        for (const [entry, payload] of this.entries) {
          if (payload['grantId'] === grantId) this.entries.delete(entry);
        }
      },
    };
  };

  private forgetOldest(): void {
    for (const entry of this.entries.keys()) {
      if (this.entries.size <= keptEntries) return;
      this.entries.delete(entry);
    }
  }
}
