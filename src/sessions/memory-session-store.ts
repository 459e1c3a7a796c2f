import {
  type LoginReference,
  type NewSession,
  type SessionEnding,
  type SessionQuery,
  type SessionRotation,
  SessionStore,
  type StoredSession,
} from './session-store.js';

/**
 * A `SessionStore` in memory, for tests and for several apps in one process. Its sessions end with the process. It does not
 * record revocations: the caller does.
 */
export class MemorySessionStore extends SessionStore {
  private readonly sessions = new Map<string, StoredSession>();

  override create(
    session: NewSession,
    replaced?: { readonly id: string; readonly ending: SessionEnding },
  ): Promise<void> {
    if (this.sessions.has(session.id)) return Promise.reject(new Error('There is a session with this id already'));
    if (replaced !== undefined) this.endNow(replaced.id, replaced.ending);
    this.keep({
      ...session,
      generation: 0,
      replacements: [],
      lastUsedAt: session.createdAt,
      endedAt: null,
      endReason: null,
    });
    return Promise.resolve();
  }

  override find(id: string): Promise<StoredSession | null> {
    const session = this.sessions.get(id);
    return Promise.resolve(session === undefined ? null : copyOf(session));
  }

  override rotate(id: string, { generation, ...changes }: SessionRotation): Promise<boolean> {
    const session = this.sessions.get(id);
    const isCurrent = session?.generation === generation && session.endedAt === null;
    if (isCurrent) this.keep({ ...session, ...changes, generation: generation + 1 });
    return Promise.resolve(isCurrent);
  }

  override end(id: string, ending: SessionEnding): Promise<boolean> {
    return Promise.resolve(this.endNow(id, ending));
  }

  override endAll(
    userId: string,
    ending: SessionEnding,
    exceptId: string | null,
    limit: number,
  ): Promise<readonly string[]> {
    const ids = [...this.sessions.values()]
      .filter((session) => session.userId === userId && session.endedAt === null && session.id !== exceptId)
      .map(({ id }) => id)
      .slice(-limit);
    return Promise.resolve(ids.filter((id) => this.endNow(id, ending)));
  }

  override deleteEnded(userId: string, limit: number): Promise<number> {
    const ended = [...this.sessions.values()].filter(
      (session) => session.userId === userId && session.endedAt !== null,
    );
    for (const { id } of ended.slice(0, limit)) this.sessions.delete(id);
    return Promise.resolve(Math.min(ended.length, limit));
  }

  override list(userId: string, { now, beforeId, limit }: SessionQuery): Promise<readonly StoredSession[]> {
    const found = [...this.sessions.values()]
      .filter((session) => session.userId === userId && session.endedAt === null)
      .filter(({ idleExpiresAt, absoluteExpiresAt }) => idleExpiresAt > now && absoluteExpiresAt > now)
      .filter(({ id }) => beforeId === null || id < beforeId)
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit);
    return Promise.resolve(found.map(copyOf));
  }

  override listByLogin(provider: string, by: LoginReference, limit: number): Promise<readonly string[]> {
    const found = [...this.sessions.values()].filter(({ login, endedAt }) => {
      if (endedAt !== null || login?.provider !== provider) return false;
      return 'subject' in by ? login.subject === by.subject : login.sessionId === by.sessionId;
    });
    return Promise.resolve(found.slice(0, limit).map(({ id }) => id));
  }

  override purge(now: Date, limit: number): Promise<number> {
    const ids = [...this.sessions.values()].filter(({ removeAfter }) => removeAfter <= now).map(({ id }) => id);
    const removed = ids.slice(0, limit);
    for (const id of removed) this.sessions.delete(id);
    return Promise.resolve(removed.length);
  }

  private endNow(id: string, { endedAt, reason }: SessionEnding): boolean {
    const session = this.sessions.get(id);
    if (session === undefined || session.endedAt !== null) return false;
    this.keep({ ...session, endedAt, endReason: reason });
    return true;
  }

  /** Keeps a copy, as a database does: the caller may go on to use its dates and bytes. */
  private keep(session: StoredSession): void {
    this.sessions.set(session.id, copyOf(session));
  }
}

function copyOf(session: StoredSession): StoredSession {
  return {
    ...session,
    seed: Uint8Array.from(session.seed),
    replacements: session.replacements.map(({ generation, at }) => ({ generation, at: new Date(at) })),
    createdAt: new Date(session.createdAt),
    authTime: new Date(session.authTime),
    amr: [...session.amr],
    login: session.login === null ? null : { ...session.login },
    lastUsedAt: new Date(session.lastUsedAt),
    idleExpiresAt: new Date(session.idleExpiresAt),
    absoluteExpiresAt: new Date(session.absoluteExpiresAt),
    removeAfter: new Date(session.removeAfter),
    endedAt: session.endedAt === null ? null : new Date(session.endedAt),
  };
}
