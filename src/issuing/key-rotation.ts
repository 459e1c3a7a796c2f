import type { SigningAlgorithm } from './signing-key-store.js';

/** How keys are rotated, in milliseconds. */
export interface RotationTerms {
  /** The algorithm of new keys. */
  readonly algorithm: SigningAlgorithm;
  readonly rotateEveryMs: number;
  /** How long a key is published before it signs. */
  readonly publishAheadMs: number;
  /** How long the longest token lives. */
  readonly longestTokenMs: number;
}

/** What the state of a key is derived from. */
export interface KeyTimes {
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  readonly signsFromMs: number;
  /** When a later key begins to sign; infinity where there is none yet. */
  readonly retiredAtMs: number;
}

/**
 * How long an instance may still sign with a retired key: its clock may be slow, it may not have read the new key yet, or it
 * cannot decrypt it. Retired keys are published for this time and that of the longest token, so that such tokens verify.
 */
const lateSigningMs = 60 * 60_000;

/** When a key is retired: as soon as a key with a higher sequence begins to sign. */
export function retirementOf(sequence: number, keys: readonly Pick<KeyTimes, 'sequence' | 'signsFromMs'>[]): number {
  const later = keys.filter((key) => key.sequence > sequence).map(({ signsFromMs }) => signsFromMs);
  return Math.min(Number.POSITIVE_INFINITY, ...later);
}

/** Whether a key may sign. Of several, the one with the highest sequence signs. */
export function maySign({ signsFromMs, retiredAtMs }: KeyTimes, now: number): boolean {
  return signsFromMs <= now && now < retiredAtMs + lateSigningMs;
}

/** Whether no token of a key can be valid any more: it is neither published nor kept. */
export function isOver({ retiredAtMs }: KeyTimes, now: number, { longestTokenMs }: RotationTerms): boolean {
  return now >= retiredAtMs + longestTokenMs + lateSigningMs;
}

/**
 * When the next key is to begin to sign, in milliseconds; `null` while there is one already, or none is due.
 *
 * @param keys in the order of `sequence`
 */
export function planNextKey(keys: readonly KeyTimes[], now: number, terms: RotationTerms): number | null {
  const newest = keys.at(-1);
  if (newest === undefined || newest.signsFromMs > now) return null;
  const earliest = now + terms.publishAheadMs;
  // Only the algorithm of the key that signs is compared. Instances with the old and with the new option, which run beside
  // each other while the app is deployed, would otherwise add keys in turns.
  const isDue = newest.algorithm !== terms.algorithm || earliest >= newest.signsFromMs + terms.rotateEveryMs;
  return isDue ? earliest : null;
}
