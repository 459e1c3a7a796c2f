import { isRefusal } from '../errors/auth-error.js';
import { deepFreeze } from '../token/json-object.js';
import { isThenable } from '../token/maybe-promise.js';
import type { TokenStatusCheck } from '../token/token-status-check.js';
import { toVerifiedToken } from '../token/verified-token.js';

/** An API key as revocations name it: its id is the client id of its tokens. */
interface KeyOfUser {
  readonly id: string | null;
  readonly userId: string;
}

/** Tells whether a key may have ended since it was read: in another process, or at its issuer. */
export interface EndedKeys {
  /** Changes whenever something may have ended. */
  readonly version: number;
  mayHaveEnded(key: KeyOfUser, readAt: number): boolean;
}

const header = deepFreeze({ alg: 'none' });

/**
 * Notices by the revocations that a key may have ended: its client id or its user was revoked after it was read. It is asked as if
 * a token had been issued when the key was read; the key is then read again.
 */
export class RevokedKeys implements EndedKeys {
  constructor(
    private readonly check: TokenStatusCheck,
    private readonly issuer: string,
  ) {}

  get version(): number {
    return this.check.version;
  }

  mayHaveEnded({ id, userId }: KeyOfUser, readAt: number): boolean {
    const iat = Math.floor(readAt / 1_000);
    const claims = deepFreeze({ ...(id !== null && { client_id: id }), sub: userId, iat, exp: iat });
    try {
      const checked = this.check.check(toVerifiedToken(this.issuer, header, claims));
      if (isThenable(checked)) checked.then(undefined, () => undefined);
      return false;
    } catch (error) {
      // An outage of the revocations is none of the keys.
      return isRefusal(error);
    }
  }
}
