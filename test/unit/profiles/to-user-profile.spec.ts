import { describe, expect, it } from 'vitest';
import { toUserProfile, type UserProfile } from '../../../src/profiles/user-profile.js';

const whole = {
  displayName: 'Alice',
  primaryEmail: 'alice@example.org',
  primaryEmailVerified: true,
  profileImageUrl: 'https://example.org/alice.png',
  signedUpAt: new Date('2025-01-01T00:00:00Z'),
  lastActiveAt: new Date('2026-01-01T00:00:00Z'),
  hasPassword: false,
  isAnonymous: false,
  oauthProviders: [{ id: 'github', accountId: '7', email: null }],
  raw: { plan: { name: 'pro' } },
};

function profileOf(given: object): UserProfile {
  const made = toUserProfile('alice', given as Record<string, unknown>);
  if ('wrong' in made) throw new Error(`wrong: ${made.wrong}`);
  return made;
}

describe('a profile', () => {
  it('has all properties of the contract, and no others', () => {
    expect({ ...profileOf({ ...whole, more: 'things' }) }).toEqual({ id: 'alice', ...whole });
  });

  it('has null for every unknown property', () => {
    expect({ ...profileOf({ displayName: undefined }) }).toEqual({
      id: 'alice',
      displayName: null,
      primaryEmail: null,
      primaryEmailVerified: null,
      profileImageUrl: null,
      signedUpAt: null,
      lastActiveAt: null,
      hasPassword: null,
      isAnonymous: null,
      oauthProviders: null,
      raw: {},
    });
  });

  it.each([[[{ displayName: 'Alice' }]], ['Alice'], [7], [true]])('is not created from %j', (given) => {
    expect(toUserProfile('alice', given as unknown as Record<string, unknown>)).toEqual({ wrong: 'form' });
  });

  it('is deeply frozen, including its dates', () => {
    const profile = profileOf(whole);
    const parts = [profile, profile.oauthProviders, profile.oauthProviders?.[0], profile.raw, profile.raw['plan']];
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
    profile.signedUpAt?.setFullYear(1999);

    expect(profile.signedUpAt).toEqual(whole.signedUpAt);
    expect(() => Object.assign(profile, { signedUpAt: null })).toThrow(TypeError);
  });

  it('shares no object with its input, which stays unchanged', () => {
    const given = { raw: { row: { name: 'Alice' } } };
    const profile = profileOf(given);
    given.raw.row.name = 'Mallory';

    expect(profile.raw).toEqual({ row: { name: 'Alice' } });
  });

  it('survives JSON and structuredClone unchanged', () => {
    expect(JSON.parse(JSON.stringify(profileOf(whole)))).toEqual(JSON.parse(JSON.stringify({ id: 'alice', ...whole })));
    expect(structuredClone(profileOf(whole))).toEqual({ id: 'alice', ...whole });
  });

  it('has plain JSON in raw, also for an instance of a class', () => {
    class Row {
      readonly at = new Date(0);
      readonly hidden = undefined;
    }

    expect(profileOf({ raw: new Row() }).raw).toEqual({ at: '1970-01-01T00:00:00.000Z' });
  });
});

describe('an invalid field is named', () => {
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;

  it.each([
    ['id', 'bob'],
    ['id', null],
    ['displayName', 7],
    ['primaryEmail', {}],
    ['profileImageUrl', ['x']],
    ['primaryEmailVerified', 'true'],
    ['hasPassword', 1],
    ['isAnonymous', 'no'],
    ['signedUpAt', '2025-01-01'],
    ['signedUpAt', 1_700_000_000_000],
    ['lastActiveAt', new Date(Number.NaN)],
    ['oauthProviders', 'github'],
    ['oauthProviders', ['github']],
    ['oauthProviders', [{ id: 'github' }]],
    ['oauthProviders', [{ id: 'github', accountId: 7 }]],
    ['oauthProviders', [null]],
    ['raw', 'text'],
    ['raw', []],
    ['raw', loop],
    ['raw', { big: 7n }],
  ])('%s: %o', (field, value) => {
    expect(toUserProfile('alice', { [field]: value })).toEqual({ wrong: field });
  });
});
