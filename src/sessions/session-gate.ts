import { RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import { RouteGate, type RouteGateParts } from './route-gate.js';
import type { SessionCaller, SessionUser } from './session-caller.js';
import type { SessionLifecycle } from './session-lifecycle.js';

export interface SessionGateParts extends RouteGateParts {
  readonly caller: SessionCaller;
  /** The user of a session that has neither ended nor expired; `null` where there is none. */
  readonly findUserId: (sessionId: string) => Promise<string | null>;
  readonly endOfLogin: SessionLifecycle['endOfLogin'];
  readonly reissue: SessionLifecycle['reissue'];
  /** `user` of an answer, as it is known now. */
  readonly presentUser: (session: { readonly id: string; readonly userId: string }) => Promise<object>;
}

/** How long ago the sign-in may be where a way to sign in is added or removed. */
const recentSeconds = 300;

/** `RouteGate` for sessions of the app's own. `SessionsModule` provides it to the other modules of the package. */
export class SessionGate extends RouteGate<SessionGateParts> {
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
