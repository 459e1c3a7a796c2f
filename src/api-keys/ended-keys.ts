import { isRefusal } from '../errors/auth-error.js';
import { deepFreeze } from '../token/json-object.js';
import { isThenable } from '../token/maybe-promise.js';
import type { TokenStatusCheck } from '../token/token-status-check.js';
import { toVerifiedToken } from '../token/verified-token.js';
import type { StoredApiKey } from './api-key-store.js';
import type { EndedKeys } from './api-key-verifier.js';

const header = deepFreeze({ alg: 'none' });

/**
 * Notices in this process that a key was revoked in another one: its tokens are revoked with it, and revocations arrive within
 * seconds. It is asked as if a token had been issued when the key was read; the key is then read again.
 */
export class RevokedKeys implements EndedKeys {
  constructor(
    private readonly check: TokenStatusCheck,
    private readonly issuer: string,
  ) {}

  get version(): number {
    return this.check.version;
  }

  mayHaveEnded({ id, userId }: StoredApiKey, readAt: number): boolean {
    const iat = Math.floor(readAt / 1_000);
    const claims = deepFreeze({ client_id: id, sub: userId, iat, exp: iat });
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
