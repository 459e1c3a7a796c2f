import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import type { KeySet, VerificationKey } from '../keys/key-set.js';
import type { IssuerRegistry } from './issuer-registry.js';
import type { JsonObject } from './json-object.js';
import { chain, isThenable, type MaybePromise } from './maybe-promise.js';
import type { TokenStatusCheck } from './token-status-check.js';
import type { SessionStatusSource, TrustedIssuer } from './trusted-issuer.js';
import type { VerifiedToken } from './verified-token.js';

export interface SessionExtensionsParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  readonly statusCheck?: TokenStatusCheck | null;
}

/** The key that verified a token, and whose key it is. */
interface KeyOfToken {
  readonly issuer: TrustedIssuer;
  readonly key: VerificationKey;
}

/**
 * Finds out until when connections may stay open that were opened with tokens which have expired since: as long as the
 * issuer says that the session of the token is active, the token was not revoked, and its key was not removed.
 */
export class SessionExtensions {
  /**
   * Until when the session of a token is believed to be active, in milliseconds since 1970, or the pending call; by the
   * claims of the token, which are one object for as long as any user of the token is kept.
   */
  private readonly known = new WeakMap<JsonObject, number | Promise<Date | null>>();
  /** The keys that verified tokens, by the claims of these. A token that only its issuer has confirmed has none. */
  private readonly keys = new WeakMap<JsonObject, KeyOfToken>();

  constructor(private readonly parts: SessionExtensionsParts) {}

  /** Notes the key of a token that was verified, where connections of its issuer may outlive their tokens. */
  noteKey(token: VerifiedToken, { issuer, key }: KeyOfToken): void {
    if ((issuer.sessions ?? null) !== null) this.keys.set(token.claims, { issuer, key });
  }

  /**
   * Until when connections that were opened with the token may stay open; `null` when they end with the token. The
   * issuer is asked when its last answer is over; the status and the key of the token are checked each time.
   *
   * @param token a token that was verified before it expired
   * @throws {RefusalError} when the token was revoked, its issuer has removed its key, or the issuer is not trusted.
   * @throws {AuthUnavailableError} when the issuer or the status check does not answer, or the keys are missing.
   */
  extend(token: VerifiedToken): MaybePromise<Date | null> {
    const { sessions = null } = this.parts.issuers.get(token.issuer);
    if (sessions === null) return null;
    const checked = chain(this.parts.statusCheck?.check(token), () => this.checkKey(token));
    return chain(checked, () => this.ask(token, sessions));
  }

  /** A key is removed when it has leaked, and whoever has it may have opened the connection. */
  private checkKey(token: VerifiedToken): MaybePromise<void> {
    const known = this.keys.get(token.claims);
    if (known === undefined) return undefined;
    const { issuer, key } = known;
    const current = issuer.keys.current(readMilliseconds(this.parts.clock));
    // Keys are too old where nobody has sent a token for long, because only connections are open.
    const keys = current ?? issuer.keys.obtain((newer) => contains(newer, key));
    return chain(keys, (found) => {
      if (!contains(found, key)) throw RefusalError.token('key', 'The issuer has removed the key of the token');
    });
  }

  private ask(token: VerifiedToken, sessions: SessionStatusSource): MaybePromise<Date | null> {
    const known = this.known.get(token.claims);
    if (typeof known === 'object') return known;
    if (known !== undefined && known > readMilliseconds(this.parts.clock)) return new Date(known);
    const answer = sessions.stillActive(token);
    if (!isThenable(answer)) return this.note(token, answer);
    const call = answer.then(
      (until) => this.note(token, until),
      (error: unknown) => {
        this.known.delete(token.claims);
        throw error;
      },
    );
    this.known.set(token.claims, call);
    return call;
  }

  private note(token: VerifiedToken, until: Date | null): Date | null {
    if (until === null) this.known.delete(token.claims);
    else this.known.set(token.claims, until.getTime());
    return until;
  }
}

/** Keys that were fetched again after all were dropped are other objects with the same identity. */
function contains(keys: KeySet, key: VerificationKey): boolean {
  return keys.has(key) || keys.keys.some(({ identity }) => identity === key.identity);
}
