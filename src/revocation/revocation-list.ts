import { hash, randomBytes } from 'node:crypto';

import { always, type Fingerprint, FingerprintTable } from './fingerprint-table.js';
import { type RevocationEntry, type RevocationKind, revocationKinds } from './revocation-store.js';

/** What a token is known by. `null` for what it does not say. */
export interface TokenIdentity {
  /** Its `jti`. */
  readonly id: string | null;
  readonly sessionId: string | null;
  readonly userId: string | null;
  readonly clientId: string | null;
  /** Its `iat`, in seconds since 1970. */
  readonly issuedAt: number | null;
}

/** Later times do not fit into 32 bits, and mean a mistake of the unit. */
export const latestSeconds = always - 1;

/**
 * The revocations that this process knows, in memory. Ids are not kept as text: each is a fingerprint of 64 bits out of
 * SHA-256 with a random key of this process, so that an id cannot be constructed to collide with the fingerprint of another.
 * With a million entries, a token collides with one of them by chance once in 10^13 checks.
 */
export class RevocationList {
  private readonly table = new FingerprintTable();
  private readonly key = randomBytes(16).toString('hex');
  /** Kinds of which there are none cost no look-up. */
  private readonly present = new Set<RevocationKind>();

  /** How many entries there are. Those that have expired count until the next `sweep`. */
  get size(): number {
    return this.table.size;
  }

  get byteLength(): number {
    return this.table.byteLength;
  }

  /**
   * Adds what has not expired.
   *
   * @returns whether a token may now be revoked that was not before
   */
  add(entries: readonly RevocationEntry[], nowSeconds: number): boolean {
    let changed = false;
    for (const { kind, issuer, value, issuedUntilSeconds, expiresAtSeconds } of entries) {
      if (expiresAtSeconds <= nowSeconds) continue;
      this.present.add(kind);
      const expiresAt = Math.min(Math.ceil(expiresAtSeconds), latestSeconds);
      const issuedUntil = issuedUntilSeconds === null ? always : Math.floor(issuedUntilSeconds);
      changed = this.table.add(this.fingerprintOf(kind, issuer, value), issuedUntil, expiresAt) || changed;
    }
    return changed;
  }

  /** The kind of an entry that revokes the token; `undefined` when none does. */
  find(issuer: string, identity: TokenIdentity, nowSeconds: number): RevocationKind | undefined {
    return revocationKinds.find((kind) => {
      const value = this.present.has(kind) ? valueOf(kind, identity) : null;
      if (value === null) return false;
      const issuedUntil = this.table.get(this.fingerprintOf(kind, issuer, value), nowSeconds);
      if (issuedUntil === undefined) return false;
      return issuedUntil === always || identity.issuedAt === null || Math.floor(identity.issuedAt) <= issuedUntil;
    });
  }

  /** Drops what has expired. */
  sweep(nowSeconds: number): void {
    this.table.sweep(nowSeconds);
    if (this.table.size === 0) this.present.clear();
  }

  private fingerprintOf(kind: RevocationKind, issuer: string, value: string): Fingerprint {
    // With the length, as an issuer and a value could be divided in two ways.
    const digest = hash('sha256', `${this.key}${kind}${issuer.length}:${issuer}${value}`, 'binary');
    return { high: wordAt(digest, 0), low: wordAt(digest, 4) };
  }
}

function valueOf(kind: RevocationKind, identity: TokenIdentity): string | null {
  switch (kind) {
    case 'token':
      return identity.id;
    case 'session':
      return identity.sessionId;
    case 'user':
      return identity.userId;
    case 'client':
      return identity.clientId;
  }
}

/** Four bytes of a text that has one in each character, as an unsigned number. */
function wordAt(bytes: string, at: number): number {
  return (
    ((bytes.charCodeAt(at) << 24) |
      (bytes.charCodeAt(at + 1) << 16) |
      (bytes.charCodeAt(at + 2) << 8) |
      bytes.charCodeAt(at + 3)) >>>
    0
  );
}
