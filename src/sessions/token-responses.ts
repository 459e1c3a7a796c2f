import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { RouteGateParts } from './route-gate.js';
import type { TokenAnswer } from './session.js';
import { clearingLines, cookieLines } from './session-cookies.js';
import type { TokenDelivery } from './session-store.js';

export interface TokenResponsesParts extends Omit<RouteGateParts, 'originCheck'> {
  readonly clock: Clock;
}

/** The tokens of a session, and what an answer states about it. */
export interface DeliveredTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token expires. */
  readonly expiresAt: Date;
  /** When browsers drop the cookies; `null`: when they are closed. */
  readonly keptUntil: Date | null;
  /** `user` of the answer. */
  readonly user: object;
  readonly isNewUser: boolean;
}

/** Puts tokens into responses: in cookies, or in the body. */
export class TokenResponses {
  constructor(private readonly parts: TokenResponsesParts) {}

  /** Adds headers and cookies to a response. @returns its body */
  deliver(delivery: TokenDelivery, tokens: DeliveredTokens, response: object): TokenAnswer {
    const { terms, clock, forbidCaching, addHeaders } = this.parts;
    const { user, isNewUser, keptUntil, expiresAt, accessToken, refreshToken } = tokens;
    const now = readMilliseconds(clock);
    const answer = { user, expires_in: secondsUntil(expiresAt, now), is_new_user: isNewUser };
    forbidCaching(response);
    if (delivery === 'body') {
      return { access_token: accessToken, token_type: 'Bearer', refresh_token: refreshToken, ...answer };
    }
    const maxAgeSeconds = keptUntil === null ? null : secondsUntil(keptUntil, now);
    addHeaders(response, cookieLines(terms.cookies, { accessToken, refreshToken, maxAgeSeconds }));
    return answer;
  }

  /** Removes the cookies of a session from the browser. */
  clear(response: object): void {
    const { terms, addHeaders } = this.parts;
    if (terms.delivery.includes('cookies')) addHeaders(response, clearingLines(terms.cookies));
  }
}

function secondsUntil(time: Date, now: number): number {
  return Math.max(0, Math.floor((time.getTime() - now) / 1_000));
}
