/** Sessions with their store in memory, without an app: what unit tests of rotation need. */
import { EncryptionKeys } from '../../src/issuing/encryption-keys.js';
import { createUuidV7 } from '../../src/issuing/uuid-v7.js';
import { MemorySessionStore } from '../../src/sessions/memory-session-store.js';
import { RefreshTokens } from '../../src/sessions/refresh-tokens.js';
import { type RotatedSession, SessionRotation } from '../../src/sessions/session-rotation.js';
import type { NewSession, SessionEndReason, SessionStore, StoredSession } from '../../src/sessions/session-store.js';
import { ManualClock } from './manual-clock.js';

const graceMs = 10_000;
const idleMs = 1_000_000_000;

export function newSession(clock: ManualClock, parts: Partial<NewSession> = {}): NewSession {
  const createdAt = clock.now();
  const later = (ms: number): Date => new Date(createdAt.getTime() + ms);
  return {
    id: createUuidV7(createdAt.getTime()),
    userId: 'alice',
    seed: Buffer.alloc(16, 'a seed'),
    createdAt,
    authTime: createdAt,
    amr: ['pwd'],
    login: null,
    delivery: null,
    remember: true,
    userAgent: null,
    ipAddress: null,
    idleExpiresAt: later(idleMs),
    absoluteExpiresAt: later(6 * idleMs),
    removeAfter: later(7 * idleMs),
    ...parts,
  };
}

export interface SessionStand {
  readonly clock: ManualClock;
  readonly store: MemorySessionStore;
  readonly tokens: RefreshTokens;
  readonly session: NewSession;
  /** The first refresh token of the session. */
  readonly first: string;
  readonly reused: string[];
  /** The ends that were asked for, with their reasons. */
  readonly ends: SessionEndReason[];
  refresh(token: string, steps?: Partial<RefreshSteps>): Promise<string>;
  rotate(token: string, steps?: Partial<RefreshSteps>): Promise<RotatedSession<string>>;
  stored(): Promise<StoredSession>;
}

interface RefreshSteps {
  readonly check: (session: StoredSession) => void;
  readonly prepare: (session: StoredSession) => Promise<string>;
}

export interface StandParts {
  readonly graceMs?: number;
  readonly session?: Partial<NewSession>;
  /** What the rotation sees of the store. */
  readonly around?: (store: MemorySessionStore) => SessionStore;
}

export async function openSessionStand(parts: StandParts = {}): Promise<SessionStand> {
  const clock = new ManualClock();
  const store = new MemorySessionStore();
  const tokens = new RefreshTokens(EncryptionKeys.random());
  const session = newSession(clock, parts.session);
  await store.create(session);
  const [reused, ends]: [string[], SessionEndReason[]] = [[], []];
  const rotation = new SessionRotation({
    terms: { graceMs: parts.graceMs ?? graceMs, idleMs },
    store: parts.around?.(store) ?? store,
    tokens,
    clock,
    end: (id, reason) => {
      ends.push(reason);
      return store.end(id, { endedAt: clock.now(), reason, revocation: { issuer: 'joe', expiresAtSeconds: 0 } });
    },
    onReuse: ({ id }) => reused.push(id),
  });
  const rotate: SessionStand['rotate'] = (token, { check = () => undefined, prepare = async () => 'prepared' } = {}) =>
    rotation.rotate(token, check, prepare);
  return {
    ...{ clock, store, tokens, session, reused, ends, rotate },
    first: tokens.create(session, 0),
    refresh: async (token, steps) => (await rotate(token, steps)).refreshToken,
    stored: async () => {
      const found = await store.find(session.id);
      if (found === null) throw new Error('The session is gone');
      return found;
    },
  };
}
