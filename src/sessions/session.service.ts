import type { Page } from '../configuration/list-page.js';
import { RefusalError } from '../errors/auth-error.js';
import type { OriginCheck } from '../request/request-origin.js';
import { type RequestView, viewHttpRequest } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import { IssuedSession, type Session, type SessionItem, type TokenAnswer } from './session.js';
import type { SessionCaller } from './session-caller.js';
import { sessionCookieSources } from './session-cookies.js';
import { deliveryFault, readDeliveryChoice } from './session-delivery.js';
import type { ListOptions, SessionLifecycle } from './session-lifecycle.js';
import type { SessionTerms } from './session-options.js';
import type { TokenDelivery } from './session-store.js';
import { checkSubject, describeUnknown, type SessionSubject } from './session-subject.js';
import { readSignInDetails, type StartOptions } from './sign-in-details.js';
import type { TokenResponses } from './token-responses.js';

export interface SessionServiceParts {
  readonly terms: SessionTerms;
  readonly lifecycle: SessionLifecycle;
  readonly caller: SessionCaller;
  readonly originCheck: OriginCheck;
  readonly responses: TokenResponses;
}

/**
 * Starts, refreshes, lists and ends the sessions of the app's users, and delivers their tokens. `SessionsModule` provides it.
 *
 * Methods that need the database reject with `AuthUnavailableError` (503) while it does not answer. Nothing is lost by that:
 * a session stays as it was.
 *
 * @example
 * @Post('sign-in')
 * async signIn(@Body() body: SignIn, @Req() request: object, @Res({ passthrough: true }) response: object) {
 *   const user = await this.users.check(body.name, body.password);
 *   const session = await this.sessions.start(user.id, { request, amr: ['pwd'] });
 *   return this.sessions.deliver(session, request, response);
 * }
 */
export class SessionService {
  /** Where browsers send the app's own credentials by themselves. */
  private readonly cookies: readonly TokenSource[];

  constructor(private readonly parts: SessionServiceParts) {
    this.cookies = sessionCookieSources(parts.terms);
  }

  /**
   * Begins a session. The session that the request carries already, by its access token, ends.
   *
   * @param subject the user; of an id, `findSubject` looks the user up
   * @throws {RefusalError} when `findSubject` gives `null`, or the request chooses a delivery that the app does not offer;
   *   `INVALID_INPUT` for a wrong `amr`, `login`, `remember` or `isNewUser`;
   *   `ACCESS_DENIED` when a page of another origin made the request, and the session is delivered in cookies.
   */
  async start(subject: string | SessionSubject, options: StartOptions = {}): Promise<Session> {
    const { lifecycle, caller, terms } = this.parts;
    const view = options.request === undefined ? null : viewHttpRequest(options.request);
    const delivery = this.readStartDelivery(view, options.delivery);
    if (view !== null && options.checkOrigin !== false) this.checkOrigin(view, delivery);
    const details = readSignInDetails(view, options);
    const user = await this.resolveSubject(subject);
    // Otherwise the client would leave that session behind, and nobody could end it but by the list of sessions.
    const replacedId = view === null ? null : await caller.findSessionId(view);
    // Without a request it is unknown how the app hands the tokens over.
    const deliversBy = delivery ?? (view === null ? null : terms.delivery[0]);
    return lifecycle.start(user, { ...details, delivery, deliversBy, replacedId });
  }

  /**
   * Replaces a refresh token by the next one, and issues an access token.
   *
   * @throws {RefusalError} 401 `INVALID_TOKEN`: reason `malformed` for a text that is not a refresh token of this app,
   *   `expired` for a session that has expired, `revoked` for one that has ended. A token that was replaced longer than
   *   `graceSeconds` ago ends its session.
   */
  refresh(refreshToken: string): Promise<Session> {
    return this.parts.lifecycle.refresh(refreshToken, { place: null, choice: null });
  }

  /** Ends a session, and revokes its access tokens. One that has ended, or that does not exist, is no error. */
  async end(sessionId: string): Promise<void> {
    await this.parts.lifecycle.end(sessionId, 'ended');
  }

  /** Ends all sessions of a user, except one, and revokes their access tokens. */
  async endAll(userId: string, { except }: { readonly except?: string } = {}): Promise<void> {
    await this.parts.lifecycle.endAll(userId, except ?? null);
  }

  /**
   * The sessions of a user that have neither ended nor expired, the newest first.
   *
   * @throws {RefusalError} `INVALID_INPUT` for a wrong `limit` or `cursor`.
   */
  list(userId: string, options: ListOptions = {}): Promise<Page<SessionItem>> {
    return this.parts.lifecycle.list(userId, options);
  }

  /**
   * Adds the cookies and headers of a session to a response, and returns the body for the handler to return. The response is
   * not ended. The client's choice by `X-Token-Delivery` decides between cookies and body, otherwise the first of `delivery`.
   *
   * @throws {RefusalError} `INVALID_REQUEST` for a choice that the app does not offer, or that contradicts the session.
   */
  deliver(session: Session, request: object, response: object): TokenAnswer {
    const offered = this.parts.terms.delivery;
    const choice = readDeliveryChoice(viewHttpRequest(request), offered);
    const { delivery } = IssuedSession.detailsOf(session);
    if (choice !== null && delivery !== null && choice !== delivery) throw deliveryFault(delivery);
    return this.deliverBy(choice ?? delivery ?? offered[0], session, response);
  }

  /** Removes the cookies of a session from the browser. */
  clear(_request: object, response: object): void {
    this.parts.responses.clear(response);
  }

  private deliverBy(delivery: TokenDelivery, session: Session, response: object): TokenAnswer {
    const { user, idleExpiresAt, remember, isNewUser } = IssuedSession.detailsOf(session);
    const { accessToken, refreshToken, expiresAt } = session;
    const keptUntil = remember ? idleExpiresAt : null;
    const tokens = { accessToken, refreshToken, expiresAt, keptUntil, user, isNewUser };
    return this.parts.responses.deliver(delivery, tokens, response);
  }

  private async resolveSubject(subject: string | SessionSubject): Promise<SessionSubject> {
    if (typeof subject !== 'string') {
      checkSubject('SessionService.start(subject)', subject);
      return subject;
    }
    const found = await this.parts.lifecycle.findSubject(subject);
    if (found === null || found === undefined) {
      throw RefusalError.session('revoked', describeUnknown(found), 'The user is unknown, or must not sign in');
    }
    return found;
  }

  /** Where neither cookies are set nor a session in a cookie ends, a page of another origin gains nothing. */
  private checkOrigin(view: RequestView, delivery: TokenDelivery | null): void {
    const { terms, originCheck } = this.parts;
    const setsCookies = (delivery ?? terms.delivery[0]) === 'cookies';
    if (setsCookies || this.cookies.some((source) => source.read(view).length > 0)) {
      originCheck.checkSessionRequest(view, this.cookies);
    }
  }

  private readStartDelivery(view: RequestView | null, given: TokenDelivery | undefined): TokenDelivery | null {
    const offered = this.parts.terms.delivery;
    if (given === undefined) return view === null ? null : readDeliveryChoice(view, offered);
    if (offered.includes(given)) return given;
    throw deliveryFault(offered[0]);
  }
}
