import { IndexedKeySet, type KeySet } from './key-set.js';
import type { LoadedKeys } from './jwks-loader.js';

const minuteMs = 60_000;

/** The lifetime of keys when the server states none. */
const defaultLifeMs = 10 * minuteMs;
const shortestLifeMs = minuteMs;
const longestLifeMs = 24 * 60 * minuteMs;
/** The fraction of their lifetime after which keys are refreshed in the background. */
const refreshAhead = 0.8;

/** One call to the key server. Every request that shared the call gets the same object. */
export interface KeyFetch {
  /** The start of the call, in milliseconds since 1970. */
  readonly askedAt: number;
}

/** A cached key set with its times, in milliseconds since 1970. */
export interface HeldKeys {
  readonly set: KeySet;
  /** The call that fetched it. */
  readonly fetch: KeyFetch;
  readonly fetchedAt: number;
  /** The time from which it is refreshed in the background while it is still used. */
  readonly refreshAt: number;
  /** The end of its lifetime. */
  readonly freshUntil: number;
  /** The time after which it is no longer used, even during an outage of the server. */
  readonly usableUntil: number;
}

/** The call that fetched a key set, when its response arrived, and for how long it may be used past its lifetime. */
export interface KeyRetention {
  readonly fetch: KeyFetch;
  readonly now: number;
  readonly staleMs: number;
}

/**
 * Caches loaded keys. A key that was in the previous set stays the same object, so that tokens which it has verified
 * stay in the cache of verified tokens.
 */
export function holdKeys(loaded: LoadedKeys, before: KeySet | undefined, retention: KeyRetention): HeldKeys {
  const { fetch, now, staleMs } = retention;
  const known = new Map((before?.keys ?? []).map((key) => [key.identity, key]));
  const life = loaded.maxAgeSeconds === null ? defaultLifeMs : loaded.maxAgeSeconds * 1_000;
  const lifeMs = Math.min(Math.max(life, shortestLifeMs), longestLifeMs);
  return {
    set: new IndexedKeySet(loaded.keys.map((key) => known.get(key.identity) ?? key)),
    fetch,
    fetchedAt: now,
    refreshAt: now + lifeMs * refreshAhead,
    freshUntil: now + lifeMs,
    usableUntil: now + lifeMs + staleMs,
  };
}

/**
 * Moves the times of cached keys after the clock was set back to before their fetch: they count as fetched now, and are
 * refreshed at once. Otherwise they would be used for as long as the clock had been wrong.
 */
export function rebaseTimes(held: HeldKeys, now: number): HeldKeys {
  const { fetchedAt, freshUntil, usableUntil } = held;
  return {
    ...held,
    fetchedAt: now,
    refreshAt: now,
    freshUntil: now + (freshUntil - fetchedAt),
    usableUntil: now + (usableUntil - fetchedAt),
  };
}
