import { IndexedKeySet, type KeySet } from './key-set.js';
import type { LoadedKeys } from './jwks-loader.js';

const minuteMs = 60_000;

/** How long keys are kept when the server does not say. */
const usualLifeMs = 10 * minuteMs;
const shortestLifeMs = minuteMs;
const longestLifeMs = 24 * 60 * minuteMs;
/** The part of their life after which keys are fetched anew behind the requests' backs. */
const refreshAhead = 0.8;

/** One call to the key server. The same object for all who shared it. */
export interface KeyFetch {
  /** When it began, in milliseconds since 1970. */
  readonly askedAt: number;
}

/** A key set with the times that count for it, in milliseconds since 1970. */
export interface HeldKeys {
  readonly set: KeySet;
  /** What brought it. */
  readonly fetch: KeyFetch;
  readonly fetchedAt: number;
  /** From when on it is fetched anew, while it still serves. */
  readonly refreshAt: number;
  /** The end of its life. */
  readonly freshUntil: number;
  /** The end of its use, even while the server does not answer. */
  readonly usableUntil: number;
}

/** When an answer came, by which call, and how long it serves past its life. */
export interface Holding {
  readonly fetch: KeyFetch;
  readonly now: number;
  readonly staleMs: number;
}

/** Holds what was loaded. A key that was held before stays the same object, so that what it has verified stays verified. */
export function holdKeys(loaded: LoadedKeys, before: KeySet | undefined, authority: Holding): HeldKeys {
  const { fetch, now, staleMs } = authority;
  const known = new Map((before?.keys ?? []).map((key) => [key.identity, key]));
  const life = loaded.maxAgeSeconds === null ? usualLifeMs : loaded.maxAgeSeconds * 1_000;
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
 * The same keys after the clock was put back to before they came: as if they had come now, to be fetched anew at once.
 * They would else serve for as long as the clock was wrong.
 */
export function putBack(held: HeldKeys, now: number): HeldKeys {
  const { fetchedAt, freshUntil, usableUntil } = held;
  return {
    ...held,
    fetchedAt: now,
    refreshAt: now,
    freshUntil: now + (freshUntil - fetchedAt),
    usableUntil: now + (usableUntil - fetchedAt),
  };
}
