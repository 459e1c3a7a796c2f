import { OneTimeCodeStore, type StoredOneTimeCode } from './one-time-code-store.js';

/** A `OneTimeCodeStore` in memory, for tests and for several apps in one process. Its codes end with the process. */
export class MemoryOneTimeCodeStore extends OneTimeCodeStore {
  private readonly codes = new Map<string, StoredOneTimeCode>();
  /** How many tries were taken of a code. */
  private readonly tries = new Map<string, number>();

  override create(code: StoredOneTimeCode): Promise<void> {
    if (this.codes.has(code.id)) return Promise.reject(new Error('There is a code with this id already'));
    // Nothing else removes them.
    this.endWhere(({ expiresAt }) => expiresAt <= code.createdAt);
    this.endWhere(({ purpose, subject }) => purpose === code.purpose && subject === code.subject);
    this.codes.set(code.id, structuredClone(code));
    return Promise.resolve();
  }

  override findByLink(linkHash: Uint8Array, now: Date): Promise<StoredOneTimeCode | null> {
    const given = Buffer.from(linkHash);
    return this.findWhere((code) => code.linkHash !== null && given.equals(code.linkHash), now);
  }

  override findBySubject(purpose: string, subject: string, now: Date): Promise<StoredOneTimeCode | null> {
    return this.findWhere((code) => code.purpose === purpose && code.subject === subject, now);
  }

  override takeTry(id: string, limit: number): Promise<boolean> {
    const taken = this.tries.get(id) ?? 0;
    const isLeft = this.codes.has(id) && taken < limit;
    if (isLeft) this.tries.set(id, taken + 1);
    return Promise.resolve(isLeft);
  }

  override returnTry(id: string): Promise<void> {
    const taken = this.tries.get(id) ?? 0;
    if (taken > 0) this.tries.set(id, taken - 1);
    return Promise.resolve();
  }

  override use(id: string, now: Date): Promise<boolean> {
    const code = this.codes.get(id);
    const isUsable = code !== undefined && code.expiresAt > now;
    if (isUsable) this.end(id);
    return Promise.resolve(isUsable);
  }

  override endOfAccount(accountId: string): Promise<void> {
    this.endWhere((code) => code.accountId === accountId);
    return Promise.resolve();
  }

  override purge(now: Date, limit: number): Promise<number> {
    return Promise.resolve(this.endWhere(({ expiresAt }) => expiresAt <= now, limit));
  }

  private findWhere(matches: (code: StoredOneTimeCode) => boolean, now: Date): Promise<StoredOneTimeCode | null> {
    const found = [...this.codes.values()].find((code) => matches(code) && code.expiresAt > now);
    return Promise.resolve(found === undefined ? null : structuredClone(found));
  }

  private endWhere(matches: (code: StoredOneTimeCode) => boolean, limit = Number.POSITIVE_INFINITY): number {
    const ended = [...this.codes.values()].filter(matches).slice(0, limit);
    for (const { id } of ended) this.end(id);
    return ended.length;
  }

  private end(id: string): void {
    this.codes.delete(id);
    this.tries.delete(id);
  }
}
