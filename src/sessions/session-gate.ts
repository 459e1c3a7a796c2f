import type { HeaderLines } from '../challenge/error-answers.js';
import { RefusalError } from '../errors/auth-error.js';
import { limitUnreadBody } from '../issuing/unread-body.js';
import type { OriginCheck } from '../request/request-origin.js';
import { type RequestView, viewHttpRequest } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import {
  type OwnCookie,
  ownCookieLines,
  ownCookieNames,
  readOwnCookie,
  sessionCookieSources,
} from './session-cookies.js';
import type { SessionCaller, SessionUser } from './session-caller.js';
import { readDeliveryChoice } from './session-delivery.js';
import type { SessionLifecycle } from './session-lifecycle.js';
import type { SessionTerms } from './session-options.js';

export interface SessionGateParts {
  readonly caller: SessionCaller;
  readonly originCheck: OriginCheck;
  readonly terms: Pick<SessionTerms, 'delivery' | 'cookies'>;
  /** The user of a session that has neither ended nor expired; `null` where there is none. */
  readonly findUserId: (sessionId: string) => Promise<string | null>;
  readonly endOfLogin: SessionLifecycle['endOfLogin'];
  readonly reissue: SessionLifecycle['reissue'];
  /** `user` of an answer, as it is known now. */
  readonly presentUser: (session: { readonly id: string; readonly userId: string }) => Promise<object>;
  /** Forbids every cache to keep the response. */
  readonly forbidCaching: (response: object) => void;
  readonly addHeaders: (response: object, lines: HeaderLines) => void;
}

/** How long ago the sign-in may be where a way to sign in is added or removed. */
const recentSeconds = 300;

/** What every route that begins, changes or ends a session does first. `SessionsModule` provides it to the modules beside it. */
export class SessionGate {
  /** The cookies of sessions; empty where the app delivers none. */
  private readonly cookies: readonly TokenSource[];

  constructor(private readonly parts: SessionGateParts) {
    this.cookies = sessionCookieSources(parts.terms);
  }

  /**
   * Starts a request: forbids caching, limits a body that nobody reads, and checks where the request comes from.
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

  /** `user` of an answer. @throws {RefusalError} when the app knows no such user any more; the session ends. */
  present({ id: userId, sessionId: id }: SessionUser): Promise<object> {
    return this.parts.presentUser({ id, userId });
  }

  /** The user of the session that a request belongs to. @throws {RefusalError} as `SessionCaller.require` does */
  require(view: RequestView): Promise<SessionUser> {
    return this.parts.caller.require(view);
  }

  /** The id of the session whose access token a request carries, expired or not; `null` where there is none. It may have ended. */
  findSessionId(view: RequestView): Promise<string | null> {
    return this.parts.caller.findSessionId(view);
  }

  /** The id of the user of the session that a request belongs to, whose access token may have expired; `null` where there is none. */
  async findUserId(view: RequestView): Promise<string | null> {
    const sessionId = await this.findSessionId(view);
    return sessionId === null ? null : await this.parts.findUserId(sessionId);
  }

  /** Ends the sessions that began by logins of a provider, which the provider has ended. */
  endOfLogin(...login: Parameters<SessionLifecycle['endOfLogin']>): Promise<void> {
    return this.parts.endOfLogin(...login);
  }

  /**
   * A new access token of a session, with its current refresh token, to be delivered again. `null` for a session that has ended or expired, and
   * for one whose user the app does not know any more.
   */
  reissue(sessionId: string): ReturnType<SessionLifecycle['reissue']> {
    return this.parts.reissue(sessionId);
  }

  /** The id of the user of a session; `null` for one that has ended or expired. */
  findUserIdOf(sessionId: string): Promise<string | null> {
    return this.parts.findUserId(sessionId);
  }

  /**
   * The user of the session, and what is read of the request. The session is looked at again afterwards: it may have ended while the client
   * took its time to send the body.
   *
   * @param now milliseconds since 1970: the user must have signed in lately; `null`: any session does
   */
  async requireWith<Body>(
    view: RequestView,
    read: () => Promise<Body>,
    now: number | null = null,
  ): Promise<{ readonly user: SessionUser; readonly body: Body }> {
    const check = (): Promise<SessionUser> => (now === null ? this.require(view) : this.requireRecent(view, now));
    await check();
    const body = await read();
    return { user: await check(), body };
  }

  /**
   * The user of the session, who has signed in within the last 5 minutes. A refresh is no sign-in.
   *
   * @param now milliseconds since 1970
   * @throws {RefusalError} also `STEP_UP_REQUIRED` (RFC 9470).
   */
  async requireRecent(view: RequestView, now: number): Promise<SessionUser> {
    const user = await this.require(view);
    const signedInAt = user.claims['auth_time'];
    if (typeof signedInAt === 'number' && now - signedInAt * 1_000 <= recentSeconds * 1_000) return user;
    throw RefusalError.tooOld(recentSeconds, `The sign-in is more than ${recentSeconds} s ago`);
  }
}
