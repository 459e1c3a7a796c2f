import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { IssuerRegistry } from './issuer-registry.js';
import type { JsonObject } from './json-object.js';
import { chain, isThenable, type MaybePromise } from './maybe-promise.js';
import type { TokenStatusCheck } from './token-status-check.js';
import type { SessionStatusSource } from './trusted-issuer.js';
import type { VerifiedToken } from './verified-token.js';

export interface SessionExtensionsParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  readonly statusCheck?: TokenStatusCheck | null;
}

/**
 * Finds out until when connections may stay open that were opened with tokens which have expired since: as long as the
 * issuer says that the session of the token is active, and the token was not revoked.
 */
export class SessionExtensions {
  /**
   * Until when the session of a token is believed to be active, in milliseconds since 1970, or the pending call; by the
   * claims of the token, which are one object for as long as any user of the token is kept.
   */
  private readonly known = new WeakMap<JsonObject, number | Promise<Date | null>>();

  constructor(private readonly parts: SessionExtensionsParts) {}

  /**
   * Until when connections that were opened with the token may stay open; `null` when they end with the token. The
   * issuer is asked when its last answer is over; the status check runs each time.
   *
   * @param token a token that was verified before it expired
   * @throws {RefusalError} when the token was revoked, or the issuer is not trusted.
   * @throws {AuthUnavailableError} when the issuer or the status check does not answer.
   */
  extend(token: VerifiedToken): MaybePromise<Date | null> {
    const { sessions = null } = this.parts.issuers.get(token.issuer);
    if (sessions === null) return null;
    return chain(this.parts.statusCheck?.check(token), () => this.ask(token, sessions));
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
