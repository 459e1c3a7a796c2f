import assert from 'node:assert/strict';

import type {
  NewSession,
  SessionEnding,
  SessionRotation,
  SessionStore,
  StoredSession,
} from '../sessions/session-store.js';

const startMs = Date.parse('2030-01-01T00:00:00.123Z');
export const at = (seconds: number): Date => new Date(startMs + seconds * 1_000);

/** A UUID of version 7, in the order of `number`. */
export function idOf(number: number): string {
  return `01950000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function newSession(number: number, parts: Partial<NewSession> = {}): NewSession {
  return {
    id: idOf(number),
    userId: 'user-1',
    seed: Uint8Array.from({ length: 16 }, (_, index) => (index * 17 + number) % 256),
    createdAt: at(0),
    authTime: at(-60),
    amr: ['pwd', 'otp'],
    login: null,
    delivery: 'cookies',
    remember: true,
    userAgent: 'Mozilla/5.0 (ä "quoted" \'text\' \\ %_ 🐈)',
    ipAddress: '2001:db8::1',
    idleExpiresAt: at(1_000),
    absoluteExpiresAt: at(10_000),
    removeAfter: at(20_000),
    ...parts,
  };
}

export function storedOf(session: NewSession, parts: Partial<StoredSession> = {}): StoredSession {
  const { createdAt: lastUsedAt } = session;
  return { ...session, generation: 0, replacements: [], lastUsedAt, endedAt: null, endReason: null, ...parts };
}

export const rotationOf = (generation: number): SessionRotation => ({
  generation,
  replacements: [{ generation, at: at(100) }],
  lastUsedAt: at(100),
  idleExpiresAt: at(1_100),
  removeAfter: at(20_000),
});

export const ending = (reason: SessionEnding['reason'] = 'signed-out', seconds = 200): SessionEnding => ({
  endedAt: at(seconds),
  reason,
  revocation: { issuer: 'https://api.example.com', expiresAtSeconds: Math.ceil(startMs / 1_000) + 1_000 },
});

/** In a form that can be compared: bytes of any class as text. */
export function plain(session: StoredSession | null): unknown {
  if (session === null) return null;
  assert.ok(session.createdAt instanceof Date, 'times are given as Date');
  return JSON.parse(JSON.stringify({ ...session, seed: Buffer.from(session.seed).toString('hex') }));
}

export async function assertStored(store: SessionStore, expected: StoredSession): Promise<void> {
  assert.deepEqual(plain(await store.find(expected.id)), plain(expected));
}
