import { describe, expect, it } from 'vitest';
import {
  fromStored,
  type ProfileKey,
  type ProfileRecord,
  toStored,
  toStoreKey,
} from '../../../src/profiles/profile-record.js';
import { toUserProfile, type UserProfile } from '../../../src/profiles/user-profile.js';

const key: ProfileKey = { issuer: 'joe', access: 'server', userId: 'alice' };
const profile = toUserProfile('alice', {
  displayName: 'Alice "☃" \u2028',
  signedUpAt: new Date('2025-06-07T08:09:10.111Z'),
  oauthProviders: [{ id: 'github', accountId: '7', email: null }],
  raw: { deep: [{ date: '2025-06-07T08:09:10.111Z' }] },
}) as UserProfile;
const record: ProfileRecord = { profile, askedAt: 1_700_000_000_000 };
const stored = toStored(key, record);

describe('a stored record', () => {
  it('is read back unchanged, with its dates and frozen', () => {
    const back = fromStored(key, stored);

    expect({ ...back?.profile }).toEqual({ ...profile });
    expect(back?.profile?.signedUpAt).toEqual(new Date('2025-06-07T08:09:10.111Z'));
    expect(back?.profile?.lastActiveAt).toBeNull();
    expect(back?.askedAt).toBe(record.askedAt);
    expect(Object.isFrozen(back?.profile)).toBe(true);
  });

  it('may state that a user does not exist', () => {
    expect(fromStored(key, toStored(key, { profile: null, askedAt: 7 }))).toEqual({ profile: null, askedAt: 7 });
  });

  it('has a different key for each issuer, access and user, of characters that every store accepts', () => {
    const keys = [
      key,
      { ...key, issuer: 'jim' },
      { ...key, access: 'client' },
      { ...key, userId: 'bob' },
      { ...key, access: 'server","alice', userId: '' },
      { ...key, userId: '\ud800' },
      { ...key, userId: '\udfff' },
      { ...key, userId: '' },
    ].map(toStoreKey);

    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every((name) => /^gatehouse-profile-[\w-]{43}$/.test(name))).toBe(true);
  });
});

describe('a stored record is ignored', () => {
  const change = (change: object): string => JSON.stringify({ ...(JSON.parse(stored) as object), ...change });
  const field = (value: object): string =>
    change({ profile: { ...(JSON.parse(stored) as ProfileRecord).profile, ...value } });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an object', JSON.parse(stored)],
    ['a number', 7],
    ['half of it', stored.slice(0, -10)],
    ['other JSON', '[]'],
    ['JSON null', 'null'],
    ['another issuer', change({ issuer: 'jim' })],
    ['another access', change({ access: 'client' })],
    ['another user', change({ userId: 'bob' })],
    ["another user's profile", field({ id: 'bob' })],
    ['another version', change({ version: 2 })],
    ['no version', change({ version: undefined })],
    ['no time', change({ askedAt: null })],
    ['a time that is not a number', change({ askedAt: '2025' })],
    ['no profile', change({ profile: undefined })],
    ['a profile that is a text', change({ profile: 'alice' })],
    ['a field of another type', field({ primaryEmail: { toString: 'x' } })],
    ['an invalid date', field({ signedUpAt: 'soon' })],
    ['a date as a number', field({ signedUpAt: 7 })],
    ['invalid accounts', field({ oauthProviders: [{}] })],
    ['an invalid raw', field({ raw: 'x' })],
  ])('%s', (_, given) => {
    expect(fromStored(key, given)).toBeUndefined();
  });
});
