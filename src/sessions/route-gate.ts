import { limitUnreadBody } from '../issuing/unread-body.js';
import type { OriginCheck } from '../request/request-origin.js';
import { type RequestView, viewHttpRequest } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import type { ResponseChanges } from '../transports/http.transport.js';
import {
  type OwnCookie,
  ownCookieLines,
  ownCookieNames,
  readOwnCookie,
  sessionCookieSources,
} from './session-cookies.js';
import { readDeliveryChoice } from './session-delivery.js';
import type { SessionTerms } from './session-options.js';

export interface RouteGateParts extends Omit<ResponseChanges, 'redirect'> {
  readonly originCheck: OriginCheck;
  readonly terms: Pick<SessionTerms, 'delivery' | 'cookies'>;
}

/** What every route that begins, changes or ends a session does first, for own sessions and for those of a provider. */
export class RouteGate<Parts extends RouteGateParts = RouteGateParts> {
  /** The cookies of sessions; empty where the app delivers none. */
  private readonly cookies: readonly TokenSource[];

  constructor(protected readonly parts: Parts) {
    this.cookies = sessionCookieSources(parts.terms);
  }

  /**
   * Starts a request: forbids caching, limits a body that is not read, and checks where the request comes from.
   *
   * @throws {RefusalError} when a page of another site made the request, with or without a credential.
   */
  begin(request: object, response: object): RequestView {
    const view = this.beginFromAnywhere(request, response);
    this.parts.originCheck.checkSessionRequest(view, this.cookies);
    return view;
  }

  /** The same for a request that pages of other sites make by design: a form of a provider, or its notice of a logout. */
  beginFromAnywhere(request: object, response: object): RequestView {
    this.parts.forbidCaching(response);
    limitUnreadBody(request, response);
    return viewHttpRequest(request);
  }

  /**
   * Starts a request that begins a session: as `begin`, and checks the choice of delivery.
   *
   * @throws {RefusalError} also for a choice of delivery that the app does not offer: before anything has been done.
   */
  beginSignIn(request: object, response: object): RequestView {
    const view = this.begin(request, response);
    readDeliveryChoice(view, this.parts.terms.delivery);
    return view;
  }

  /** Whether the app delivers sessions in cookies at all. */
  get hasCookies(): boolean {
    return this.cookies.length > 0;
  }

  /** Whether what binds a step of signing in to its client is put in a cookie; otherwise it is returned in the body. */
  deliversCookies(view: RequestView): boolean {
    const { delivery } = this.parts.terms;
    return (readDeliveryChoice(view, delivery) ?? delivery[0]) === 'cookies';
  }

  /** The values of a cookie of the app that is no session's; empty where the app delivers none. Its name gets the prefix of all. */
  readCookie(view: RequestView, name: string): readonly string[] {
    const { delivery, cookies } = this.parts.terms;
    return delivery.includes('cookies') ? readOwnCookie(cookies, view, name) : [];
  }

  /**
   * The names of such cookies in a request that begin so, without the prefix of all, in the order of the request: browsers send the oldest
   * first. Empty where the app delivers none.
   */
  cookieNames(view: RequestView, startsWith: string): readonly string[] {
    const { delivery, cookies } = this.parts.terms;
    return delivery.includes('cookies') ? ownCookieNames(cookies, view, startsWith) : [];
  }

  /** Sets such a cookie. An age of 0 seconds removes it. */
  setCookie(response: object, cookie: OwnCookie): void {
    this.parts.addHeaders(response, ownCookieLines(this.parts.terms.cookies, cookie));
  }
}
