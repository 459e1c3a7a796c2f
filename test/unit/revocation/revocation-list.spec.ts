import { describe, expect, it } from 'vitest';
import { RevocationList, type TokenIdentity } from '../../../src/revocation/revocation-list.js';
import type { RevocationEntry } from '../../../src/revocation/revocation-store.js';

const issuer = 'https://issuer.example';
const now = 1_000_000;

const entry = (parts: Partial<RevocationEntry>): RevocationEntry => ({
  kind: 'token',
  issuer,
  value: 'x',
  issuedUntilSeconds: null,
  expiresAtSeconds: now + 600,
  ...parts,
});

const token = (parts: Partial<TokenIdentity>): TokenIdentity => ({
  id: 'jti',
  sessionId: 'sid',
  userId: 'alice',
  clientId: 'web',
  issuedAt: now - 10,
  ...parts,
});

const find = (entries: readonly RevocationEntry[], parts: Partial<TokenIdentity> = {}, of = issuer) => {
  const list = new RevocationList();
  list.add(entries, now);
  return list.find(of, token(parts), now);
};

describe('RevocationList', () => {
  it.each([
    ['token', 'jti'],
    ['session', 'sid'],
    ['user', 'alice'],
    ['client', 'web'],
  ] as const)('finds a %s by its own id, and by no other', (kind, value) => {
    const own = entry({ kind, value });
    expect(find([own])).toBe(kind);
    expect(find([own], { id: 'other', sessionId: 'other', userId: 'other', clientId: 'other' })).toBeUndefined();
    expect(find([own], { id: null, sessionId: null, userId: null, clientId: null })).toBeUndefined();
    expect(find([own], {}, 'https://other.example')).toBeUndefined();
    for (const other of ['token', 'session', 'user', 'client'] as const) {
      if (other !== kind) expect(find([entry({ kind: other, value })])).toBeUndefined();
    }
  });

  it.each([
    ['a second before', now - 1, 'user'],
    ['in the same second', now, 'user'],
    ['in the same second, with a fraction', now + 0.9, 'user'],
    ['a second later', now + 1, undefined],
    ['at no time that it says', null, 'user'],
  ])('compares the time of issue in whole seconds: %s', (_, issuedAt, expected) => {
    expect(find([entry({ kind: 'user', value: 'alice', issuedUntilSeconds: now })], { issuedAt })).toBe(expected);
  });

  it('refuses by any entry that matches, whatever the others say', () => {
    const early = entry({ kind: 'user', value: 'alice', issuedUntilSeconds: now - 100 });
    const late = entry({ kind: 'user', value: 'alice', issuedUntilSeconds: now });
    expect(find([late, early])).toBe('user');
    expect(find([early, late])).toBe('user');
    expect(find([early, entry({ kind: 'client', value: 'web', issuedUntilSeconds: now })])).toBe('client');
    expect(find([early])).toBeUndefined();
  });

  it('does not mix up an issuer and an id that are divided elsewhere', () => {
    expect(find([entry({ issuer: 'https://a', value: 'bc' })], { id: 'c' }, 'https://ab')).toBeUndefined();
  });

  it('says whether a token may have become revoked', () => {
    const list = new RevocationList();
    expect(list.add([entry({})], now)).toBe(true);
    expect(list.add([entry({})], now)).toBe(false);
    expect(list.add([entry({}), entry({ value: 'y' })], now)).toBe(true);
    expect(list.add([entry({ expiresAtSeconds: now })], now)).toBe(false);
    expect(list.size).toBe(2);
  });

  it('drops an entry when it has expired', () => {
    const list = new RevocationList();
    list.add([entry({ value: 'jti' })], now);
    expect(list.find(issuer, token({}), now + 599)).toBe('token');
    expect(list.find(issuer, token({}), now + 600)).toBeUndefined();
    list.sweep(now + 600);
    expect(list.size).toBe(0);
  });
});
