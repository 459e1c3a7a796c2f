import { hash, timingSafeEqual } from 'node:crypto';

import type { StoredApiKey } from './api-key-store.js';

/** The version of the hash that new keys have. A later one leaves the stored ones valid. */
export const currentHashVersion = 1;

/**
 * The hash of a secret as it is stored, 32 bytes. SHA-256 is right here, because the secret has 256 random bits: nobody can try
 * them, so nothing is gained by a slow hash. The id is a part of it, so that the hash of one key is of no use for another one.
 */
export function hashApiKey(id: string, secret: string): Buffer {
  // `hash` takes no list of parts, and needs no object. By way of a string it takes two thirds of the time.
  return Buffer.from(hash('sha256', `gatehouse:key:${currentHashVersion}\0${id}\0${secret}`, 'binary'), 'binary');
}

/** Compared for keys that do not exist, so that these take as long as those that do. */
const nobody: Pick<StoredApiKey, 'hash' | 'previous'> = { hash: Buffer.alloc(32), previous: null };

/**
 * Which of the hashes of a key a secret has: that of its current secret, or that of the one before, which a rotation has replaced
 * and which may still be used; `null` for a wrong secret, and for a key that does not exist. Both are compared each time, in
 * constant time.
 *
 * @param now milliseconds since 1970
 */
export function findMatch(key: StoredApiKey | null, given: Buffer, now: number): 'current' | 'previous' | null {
  const { hash, previous } = key ?? nobody;
  const isCurrent = isEqual(hash, given);
  const isPrevious = isEqual(previous?.hash ?? nobody.hash, given);
  if (key === null) return null;
  if (isCurrent) return 'current';
  return previous !== null && isPrevious && previous.validUntil.getTime() > now ? 'previous' : null;
}

function isEqual(stored: Uint8Array, given: Buffer): boolean {
  return stored.byteLength === given.byteLength && timingSafeEqual(stored, given);
}
