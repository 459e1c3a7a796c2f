import {
  type ApiKeyChanges,
  type ApiKeyQuery,
  ApiKeyStore,
  type ApiKeyUse,
  type StoredApiKey,
} from './api-key-store.js';

/** An `ApiKeyStore` in memory, for tests and for several apps in one process. Its keys end with the process. */
export class MemoryApiKeyStore extends ApiKeyStore {
  private readonly keys = new Map<string, StoredApiKey>();

  override create(key: StoredApiKey): Promise<void> {
    if (this.keys.has(key.id)) return Promise.reject(new Error('There is a key with this id already'));
    this.keep(key);
    return Promise.resolve();
  }

  override find(id: string): Promise<StoredApiKey | null> {
    const key = this.keys.get(id);
    return Promise.resolve(key === undefined ? null : copyOf(key));
  }

  override list(userId: string, { after, limit }: ApiKeyQuery): Promise<readonly StoredApiKey[]> {
    const found = [...this.keys.values()]
      .filter((key) => key.userId === userId && (after === null || compare(after, key) < 0))
      .sort(compare)
      .slice(0, limit);
    return Promise.resolve(found.map(copyOf));
  }

  override update(id: string, changes: ApiKeyChanges): Promise<StoredApiKey | null> {
    return Promise.resolve(this.change(id, changes));
  }

  override rotate(
    id: string,
    secret: Pick<StoredApiKey, 'hash' | 'hashVersion'>,
    previousValidUntil: Date | null,
  ): Promise<StoredApiKey | null> {
    const hash = this.keys.get(id)?.hash;
    const previous =
      hash === undefined || previousValidUntil === null ? null : { hash, validUntil: previousValidUntil };
    return Promise.resolve(this.change(id, { ...secret, previous }));
  }

  override revoke(id: string, revokedAt: Date): Promise<boolean> {
    return Promise.resolve(this.change(id, { revokedAt }) !== null);
  }

  override revokeAll(userId: string, revokedAt: Date): Promise<readonly string[]> {
    const ids = [...this.keys.values()].filter((key) => key.userId === userId).map(({ id }) => id);
    return Promise.resolve(ids.filter((id) => this.change(id, { revokedAt }) !== null));
  }

  override deleteRevoked(userId: string): Promise<void> {
    for (const key of [...this.keys.values()]) {
      if (key.userId === userId && key.revokedAt !== null) this.keys.delete(key.id);
    }
    return Promise.resolve();
  }

  override noteUses(uses: readonly ApiKeyUse[]): Promise<void> {
    for (const { id, at } of uses) {
      const key = this.keys.get(id);
      if (key !== undefined && (key.lastUsedAt === null || key.lastUsedAt < at)) this.keep({ ...key, lastUsedAt: at });
    }
    return Promise.resolve();
  }

  private change(id: string, changes: Partial<StoredApiKey>): StoredApiKey | null {
    const key = this.keys.get(id);
    if (key === undefined || key.revokedAt !== null) return null;
    const changed = { ...key, ...changes };
    this.keep(changed);
    return copyOf(changed);
  }

  /** Keeps a copy, as a database does: the caller may go on to use its dates and bytes. */
  private keep(key: StoredApiKey): void {
    this.keys.set(key.id, copyOf(key));
  }
}

type ListPlace = Pick<StoredApiKey, 'createdAt' | 'id'>;

/** Newest first. */
function compare(one: ListPlace, other: ListPlace): number {
  const age = other.createdAt.getTime() - one.createdAt.getTime();
  if (age !== 0) return age;
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1;
}

function copyOf(key: StoredApiKey): StoredApiKey {
  return {
    ...key,
    scopes: [...key.scopes],
    roles: [...key.roles],
    createdAt: new Date(key.createdAt),
    expiresAt: copyDate(key.expiresAt),
    revokedAt: copyDate(key.revokedAt),
    lastUsedAt: copyDate(key.lastUsedAt),
    hash: Uint8Array.from(key.hash),
    previous: key.previous && {
      hash: Uint8Array.from(key.previous.hash),
      validUntil: new Date(key.previous.validUntil),
    },
  };
}

function copyDate(date: Date | null): Date | null {
  return date && new Date(date);
}
