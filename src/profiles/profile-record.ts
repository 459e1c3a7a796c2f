import { createHash } from 'node:crypto';
import { toUserProfile, type UserProfile } from './user-profile.js';

/** Whose profile, and which side of it. What differs in one of them is another profile. */
export interface ProfileKey {
  readonly issuer: string;
  /** What the source may see: `client`, `server`. */
  readonly access: string;
  readonly userId: string;
}

/** What is known of a user. */
export interface ProfileRecord {
  /** `null`: there is no such user. */
  readonly profile: UserProfile | null;
  /** When the provider was asked, in milliseconds. */
  readonly askedAt: number;
}

/** A key as one text; no two keys have the same. */
export function toText({ issuer, access, userId }: ProfileKey): string {
  return JSON.stringify([issuer, access, userId]);
}

/** Under which name a store keeps it: short, and of characters that every store takes. */
export function toStoreKey(key: ProfileKey): string {
  return `gatehouse-profile-${createHash('sha256').update(toText(key)).digest('base64url')}`;
}

/** A change of what is below is a new version: instances of two versions may share a store. */
const version = 1;

export function toStored(key: ProfileKey, { profile, askedAt }: ProfileRecord): string {
  return JSON.stringify({ version, ...key, askedAt, profile });
}

/**
 * Reads what a store gave. Only what says that it is of this very key, and is a profile to its last field, is
 * believed; `undefined` for all else.
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

/** JSON has no dates. What is no date becomes one that is refused. */
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

/** What `UserProfileService` has done since the app started. */
export interface ProfileCounters {
  /** Profiles that were asked for: by `get`, by `find`, each one of `getMany`. */
  readonly lookUps: number;
  /** … and were known, and fresh: from memory, or from the store. */
  readonly hits: number;
  /** … and were known from before, and given while they were refreshed, or the provider was down. */
  readonly stale: number;
  /** … and waited for a call that somebody else had made. */
  readonly coalesced: number;
  /** … and were of anonymousCaller. */
  readonly notFound: number;
  /** Questions to the issuers' sources, refreshes included; one that names several users is one. */
  readonly calls: number;
  /** Those of them that brought neither a profile nor that there is none. */
  readonly failures: number;
}

/** The counters, for whoever counts. */
export type ProfileTally = { -readonly [Name in keyof ProfileCounters]: number };

export function newTally(): ProfileTally {
  return { lookUps: 0, hits: 0, stale: 0, coalesced: 0, notFound: 0, calls: 0, failures: 0 };
}
