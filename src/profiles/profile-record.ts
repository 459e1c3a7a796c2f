import { createHash } from 'node:crypto';
import { toUserProfile, type UserProfile } from './user-profile.js';

/** Identifies a profile: its user, and the access with which it was read. */
export interface ProfileKey {
  readonly issuer: string;
  /** The access of the source: `client`, `server`. */
  readonly access: string;
  readonly userId: string;
}

/** The result of a look-up, with its time. */
export interface ProfileRecord {
  /** `null` where the user does not exist. */
  readonly profile: UserProfile | null;
  /** When the provider was called, in milliseconds since 1970. */
  readonly askedAt: number;
}

/** Writes a key as a text, unambiguously. */
export function toText({ issuer, access, userId }: ProfileKey): string {
  return JSON.stringify([issuer, access, userId]);
}

/** The key in the store: short, and of characters that every store accepts. */
export function toStoreKey(key: ProfileKey): string {
  return `gatehouse-profile-${createHash('sha256').update(toText(key)).digest('base64url')}`;
}

/** The version of the stored format. Every change of the format increments it, because instances may share a store. */
const version = 1;

export function toStored(key: ProfileKey, { profile, askedAt }: ProfileRecord): string {
  return JSON.stringify({ version, ...key, askedAt, profile });
}

/**
 * Reads a stored record. It is `undefined` unless the record has this version, names this very key and contains a
 * valid profile.
 */
export function fromStored(key: ProfileKey, stored: unknown): ProfileRecord | undefined {
  const found = parse(stored);
  if (found?.['version'] !== version || !isOf(key, found)) return undefined;
  const { askedAt, profile } = found;
  if (typeof askedAt !== 'number' || !Number.isFinite(askedAt)) return undefined;
  if (profile === null) return { profile, askedAt };
  if (typeof profile !== 'object') return undefined;
  const made = toUserProfile(key.userId, withDates(profile as Readonly<Record<string, unknown>>));
  return 'wrong' in made ? undefined : { profile: made, askedAt };
}

function isOf(key: ProfileKey, found: Readonly<Record<string, unknown>>): boolean {
  return found['issuer'] === key.issuer && found['access'] === key.access && found['userId'] === key.userId;
}

/** Restores the dates, which JSON has as texts. A text that is not a date becomes an invalid one, which is refused later. */
function withDates(profile: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const toDate = (value: unknown): unknown => (typeof value === 'string' ? new Date(value) : value);
  return { ...profile, signedUpAt: toDate(profile['signedUpAt']), lastActiveAt: toDate(profile['lastActiveAt']) };
}

function parse(stored: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof stored !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(stored);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** Counts what `UserProfileService` has done since the app started. */
export interface ProfileCounters {
  /** Look-ups by `get` and `find`, and one for each user of `getMany`. */
  readonly lookUps: number;
  /** Look-ups that memory or the store answered with a fresh profile. */
  readonly hits: number;
  /** Look-ups that were answered with a stale profile, because it was being refreshed or the provider was down. */
  readonly stale: number;
  /** Look-ups that waited for a call which another look-up had started. */
  readonly coalesced: number;
  /** Look-ups of users who do not exist. */
  readonly notFound: number;
  /** Calls to the profile sources, refreshes included. A call for several users counts once. */
  readonly calls: number;
  /** Calls that failed. The answer that a user does not exist is not a failure. */
  readonly failures: number;
}

/** The counters in their writable form. */
export type ProfileTally = { -readonly [Name in keyof ProfileCounters]: number };

export function newTally(): ProfileTally {
  return { lookUps: 0, hits: 0, stale: 0, coalesced: 0, notFound: 0, calls: 0, failures: 0 };
}
