import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { RefreshTokens } from '../../../src/sessions/refresh-tokens.js';
import type { StoredSession } from '../../../src/sessions/session-store.js';
import { newSession } from '../../support/session-stand.js';
import { ManualClock } from '../../support/manual-clock.js';

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const tokens = new RefreshTokens(new EncryptionKeys([oldKey]));
const session: StoredSession = {
  ...newSession(new ManualClock()),
  generation: 0,
  replacements: [],
  lastUsedAt: new Date(0),
  endedAt: null,
  endReason: null,
};
const stored = (parts: Partial<StoredSession>): StoredSession => ({ ...session, ...parts });

/** The token with one bit of its bytes changed. */
function withChangedBit(token: string, bit: number): string {
  const bytes = Buffer.from(token.slice('grt_'.length), 'base64url');
  bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return `grt_${bytes.toString('base64url')}`;
}

const belongs = (by: RefreshTokens, token: string, to = session): boolean => {
  const parsed = by.parse(token);
  return parsed !== null && by.belongsTo(parsed, to);
};

describe('refresh tokens', () => {
  it('begin with grt_, are opaque, and state session and generation', () => {
    const token = tokens.create(session, 7);
    expect(token).toMatch(/^grt_[\w-]{70}$/);
    expect(tokens.parse(token)).toMatchObject({ sessionId: session.id, generation: 7 });
    expect(belongs(tokens, token)).toBe(true);
  });

  it('are the same each time for one generation, and differ between generations and sessions', () => {
    const other = stored({ id: '01950000-0000-7000-8000-000000000001' });
    const all = [tokens.create(session, 0), tokens.create(session, 1), tokens.create(other, 0)];
    expect(tokens.create(session, 0)).toBe(all[0]);
    expect(new Set(all).size).toBe(3);
  });

  it('cannot be changed in any bit', () => {
    const token = tokens.create(session, 3);
    for (let bit = 0; bit < 52 * 8; bit += 1) expect(tokens.parse(withChangedBit(token, bit))).toBeNull();
  });

  it('cannot be shortened, prolonged, or written in another way', () => {
    const token = tokens.create(session, 3);
    for (let length = 0; length < token.length; length += 1) expect(tokens.parse(token.slice(0, length))).toBeNull();
    const others = [
      `${token}A`,
      `${token}=`,
      ` ${token}`,
      `${token} `,
      `GRT_${token.slice(4)}`,
      `art_${token.slice(4)}`,
    ];
    const padded = token.slice(0, -1);
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/') {
      if (!token.endsWith(last)) others.push(`${padded}${last}`);
    }
    for (const text of others) expect(tokens.parse(text)).toBeNull();
  });

  it('are not accepted when another key made them', () => {
    expect(tokens.parse(new RefreshTokens(new EncryptionKeys([newKey])).create(session, 0))).toBeNull();
  });

  it('stay valid when a key is put before theirs, and end when theirs is removed', () => {
    const token = tokens.create(session, 0);
    const both = new RefreshTokens(new EncryptionKeys([newKey, oldKey]));
    const onlyNew = new RefreshTokens(new EncryptionKeys([newKey]));
    expect(belongs(both, token)).toBe(true);
    expect(belongs(onlyNew, token)).toBe(false);
    const newer = both.create(session, 1);
    expect([belongs(onlyNew, newer), belongs(both, newer), belongs(tokens, newer)]).toEqual([true, true, false]);
  });

  it('belong to the session with their seed alone', () => {
    const token = tokens.create(session, 0);
    expect(belongs(tokens, token, stored({ seed: Buffer.alloc(16, 'other') }))).toBe(false);
    expect(belongs(tokens, token, stored({ id: '01950000-0000-7000-8000-000000000001' }))).toBe(false);
    // Whatever generation the session has: how old a token may be is decided elsewhere.
    expect(belongs(tokens, token, stored({ generation: 90 }))).toBe(true);
  });

  it('are not made by whoever has the database, nor by whoever has the key', () => {
    const withoutKey = new RefreshTokens(EncryptionKeys.random());
    expect(belongs(tokens, withoutKey.create(session, 0))).toBe(false);
    expect(belongs(tokens, tokens.create({ id: session.id, seed: randomBytes(16) }, 0))).toBe(false);
  });

  it('count generations up to 2^32 - 1', () => {
    expect(tokens.parse(tokens.create(session, 4_294_967_295))?.generation).toBe(4_294_967_295);
    expect(() => tokens.create(session, 4_294_967_296)).toThrow(RangeError);
  });
});
