import { type Clock, readMilliseconds } from '../clock/clock.js';
import { readStackAuthClaims } from '../issuers/stack-auth/stack-auth-claims.js';
import type { StackAuthTokens } from '../issuers/stack-auth/stack-auth-session-api.js';
import { viewHttpRequest } from '../request/request-view.js';
import type { RouteGate } from '../sessions/route-gate.js';
import { readDeliveryChoice } from '../sessions/session-delivery.js';
import { presentUser } from '../sessions/session-subject.js';
import type { TokenDelivery } from '../sessions/session-store.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { TokenResponses } from '../sessions/token-responses.js';
import type { StackAuthTerms } from './stack-auth-options.js';

export interface StackAuthResponsesParts {
  readonly terms: StackAuthTerms;
  readonly clock: Clock;
  readonly gate: RouteGate;
  readonly responses: TokenResponses;
}

/** A request that gets the tokens of a session. */
export interface DeliveryRequest {
  readonly request: object;
  readonly response: object;
  /** Whether browsers keep the cookies when they are closed. */
  readonly remember: boolean;
}

/** Remembers that the cookies of a session end with the browser: only the browser can remember it until the next refresh. */
const sessionOnly = 'session-only';

/** Delivers the tokens of sessions at Stack Auth. */
export class StackAuthResponses {
  constructor(private readonly parts: StackAuthResponsesParts) {}

  /** For a session that begins: the client chooses how its tokens are delivered. */
  deliver(session: StackAuthTokens, { request, response, remember }: DeliveryRequest): TokenAnswer {
    const { delivery: offered } = this.parts.terms;
    const delivery = readDeliveryChoice(viewHttpRequest(request), offered) ?? offered[0];
    if (delivery === 'cookies') this.noteRemember(request, response, remember);
    return this.send(delivery, session, response, remember);
  }

  /** For a session that begins in a browser which was redirected here. */
  deliverInCookies(session: StackAuthTokens, request: object, response: object): void {
    this.noteRemember(request, response, true);
    this.send('cookies', session, response, true);
  }

  /** For a session that goes on: its tokens are delivered to where the refresh token came from. */
  redeliver(delivery: TokenDelivery, session: StackAuthTokens, request: object, response: object): TokenAnswer {
    return this.send(delivery, session, response, !this.endsWithBrowser(request));
  }

  /** Removes the cookies of a session. */
  clear(request: object, response: object): void {
    this.parts.responses.clear(response);
    this.noteRemember(request, response, true);
  }

  private send(delivery: TokenDelivery, session: StackAuthTokens, response: object, remember: boolean): TokenAnswer {
    const { terms, clock, responses } = this.parts;
    const { accessToken, refreshToken, expiresAt, isNewUser } = session;
    const keptUntil = remember ? new Date(readMilliseconds(clock) + terms.cookieSeconds * 1_000) : null;
    const tokens = { accessToken, refreshToken, expiresAt, keptUntil, isNewUser, user: toUser(accessToken) };
    return responses.deliver(delivery, tokens, response);
  }

  private endsWithBrowser(request: object): boolean {
    return this.parts.gate.readCookie(viewHttpRequest(request), sessionOnly).length > 0;
  }

  private noteRemember(request: object, response: object, remember: boolean): void {
    const { gate } = this.parts;
    if (!remember) gate.setCookie(response, { name: sessionOnly, value: '1', maxAgeSeconds: null });
    else if (this.endsWithBrowser(request))
      gate.setCookie(response, { name: sessionOnly, value: '', maxAgeSeconds: 0 });
  }
}

/** `user` of an answer: what the token states. Whether there is a password is not in it. */
function toUser(accessToken: string): object {
  const claims = readStackAuthClaims(accessToken);
  if (claims === null) return {};
  const { id, email, emailVerified, name, isAnonymous } = claims;
  return { ...presentUser({ id, email, emailVerified, name, isAnonymous }), hasPassword: null };
}
