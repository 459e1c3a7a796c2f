import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { Session } from '../sessions/session.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { SessionService } from '../sessions/session.service.js';
import type { TokenDelivery } from '../sessions/session-store.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { BoundedMap } from '../upstream/bounded-map.js';
import type { EndedLogins } from './ended-logins.js';
import type { KeptTokens } from './kept-tokens.js';
import type { LoginAccounts } from './login-accounts.js';
import type { LoginAnswer } from './login-answers.js';
import type { AttemptPlace, LoginAttempt, LoginAttempts, LoginPlan } from './login-attempts.js';
import type { ProvenIdentity, ProviderClient } from './provider-client.js';
import { configurationHints } from './token-answer.js';

export interface LoginFlowParts {
  readonly gate: SessionGate;
  readonly sessions: SessionService;
  readonly attempts: LoginAttempts;
  readonly endedLogins: EndedLogins;
  /** `null` where the app does not keep the tokens of providers. */
  readonly keptTokens: KeptTokens | null;
  /** The accounts of the app, or its option `signIn`. */
  readonly getAccounts: () => LoginAccounts;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** The request that has brought an answer. */
export interface AnsweredRequest {
  readonly request: object;
  readonly view: RequestView;
  /** Left out: what the request chooses. */
  readonly delivery?: TokenDelivery;
  /** Whether the page of a provider has sent it, so that it comes without the cookies of a session. */
  readonly isForm?: boolean;
}

/** A session that a login has begun, or whose user has linked an identity. */
export interface CompletedLogin {
  readonly session: Session;
  readonly isNewUser: boolean;
}

/** The sessions that a login has to do with. */
interface LoginSession {
  /** The id of the one that the request carries; `null` where it carries none. */
  readonly carriedId: string | null;
  /** The one in which the login began; `null` where there was none, or it is not there any more. */
  readonly bound: LoginPlan['session'];
}

/** Errors of a provider that are no decision: it asks to try again later (RFC 6749 §4.1.2.1). */
const temporaryErrors: readonly string[] = ['server_error', 'temporarily_unavailable'];
/** Anybody can make a provider answer with an error, so that one kind is reported once in this time. */
const quietMs = 60_000;

/** Leads people to their providers, and verifies what these send back. */
export class LoginFlow {
  private readonly reportedAt = new BoundedMap<string, number>(100);

  constructor(private readonly parts: LoginFlowParts) {}

  /** @returns the address at the provider, and what the client has to keep where no cookie does */
  async begin(
    client: ProviderClient,
    plan: Omit<LoginPlan, 'provider'>,
    place: AttemptPlace,
  ): Promise<{ readonly url: string; readonly sealed: string | null }> {
    const { attempt, sealed } = this.parts.attempts.begin({ ...plan, provider: client.id }, place);
    return { url: await client.authorizationUrl(attempt), sealed };
  }

  /**
   * Exchanges the code of an answer, and begins the session of the person.
   *
   * @param attempt the login that the answer belongs to, which was used up
   * @throws {RefusalError} `LOGIN_STATE` for an answer that belongs to another login, `LOGIN_REFUSED`, `EMAIL_TAKEN`, `IDENTITY_TAKEN`
   * @throws {AuthUnavailableError} where the provider, or the store, does not answer
   */
  async complete(
    client: ProviderClient,
    attempt: LoginAttempt,
    answer: LoginAnswer,
    answered: AnsweredRequest,
  ): Promise<CompletedLogin> {
    const { getAccounts, sessions } = this.parts;
    await client.checkIssuer(answer.issuer);
    const code = this.readCode(client, answer);
    const { redirectUri, nonce, codeVerifier } = attempt;
    const proven = await client.exchange({ code, redirectUri, nonce, codeVerifier });
    // After the provider was asked, which may take seconds: a session that was ended meanwhile must link nothing.
    const { carriedId, bound } = await this.findSession(attempt, answered);
    const { identity, vouchesForEmail } = proven;
    const began = { isNewUser: false };
    // A guest who has become a user by linking has a new session, as after any other way to become one.
    const goesOn = (): boolean => attempt.link && !began.isNewUser;
    const session = await getAccounts().signIn(
      {
        identity,
        vouchesForEmail,
        linkTo: attempt.link ? (bound?.userId ?? null) : null,
        guestId: bound?.userId ?? null,
        network: networkOf(answered.view),
        request: answered.request,
      },
      async (user, how) => {
        began.isNewUser = how.isNewUser;
        if (goesOn() && bound !== null) return await this.goOn(bound, typeof user === 'string' ? user : user.id);
        return await this.start(user, how.isNewUser, proven, answered);
      },
    );
    const { isNewUser } = began;
    if (!goesOn()) {
      // A form that the provider's page has sent comes without the cookies of the session that it replaces.
      if (bound !== null && carriedId === null) await sessions.end(bound.id);
      await this.checkHasNotEnded(session, client, proven);
    }
    await this.keepTokens(session, client, proven, goesOn());
    return { session, isNewUser };
  }

  /** Tokens that are kept just when somebody else takes the account over would be used for its owner. */
  private async keepTokens(
    { id, userId }: Session,
    client: ProviderClient,
    { tokens }: ProvenIdentity,
    isGoingOn: boolean,
  ): Promise<void> {
    const { keptTokens, gate, sessions } = this.parts;
    if (keptTokens === null) return;
    try {
      await keptTokens.save(userId, client.id, tokens);
    } catch (error) {
      if (!isGoingOn) await sessions.end(id);
      throw error;
    }
    // A takeover ends the sessions before it removes the kept tokens.
    if ((await gate.findUserIdOf(id)) === userId) return;
    await keptTokens.remove(userId, client.id);
    throw new AuthUnavailableError('The session was ended while it began: another login has changed the account', 1);
  }

  private async checkHasNotEnded({ id }: Session, client: ProviderClient, proven: ProvenIdentity): Promise<void> {
    const { endedLogins, sessions } = this.parts;
    let hasEnded = true;
    try {
      hasEnded = await endedLogins.has(client.id, proven);
    } finally {
      if (hasEnded) await sessions.end(id);
    }
    if (hasEnded) throw RefusalError.of('LOGIN_REFUSED', 'The provider has ended the login meanwhile');
  }

  private start(
    user: Parameters<SessionService['start']>[0],
    isNewUser: boolean,
    { identity: { provider, subject }, sessionId }: ProvenIdentity,
    { request, delivery }: AnsweredRequest,
  ): Promise<Session> {
    return this.parts.sessions.start(user, {
      request,
      amr: ['fed'],
      isNewUser,
      login: { provider, subject, sessionId },
      // The state of the login is what a page of another origin cannot have.
      checkOrigin: false,
      ...(delivery !== undefined && { delivery }),
    });
  }

  /** Linking is no sign-in: the session goes on, with new tokens. */
  private async goOn({ id, userId }: { readonly id: string; readonly userId: string }, linkedId: string) {
    if (linkedId !== userId) throw RefusalError.of('IDENTITY_TAKEN', 'The app has linked it to another user');
    const session = await this.parts.gate.reissue(id);
    if (session === null) throw RefusalError.of('LOGIN_STATE', 'The session in which the login began has ended');
    return session;
  }

  /**
   * The session that the request carries, and the one in which the login began, as far as it is still there and no other one has taken its
   * place in the client. A form that the provider's page has sent comes without cookies, and so carries none. Any other answer that links has
   * to carry the session: what is kept of a login must not stand for the session of its user.
   *
   * @throws {RefusalError} `LOGIN_STATE` where an identity is to be linked to the user of a session that is not there any more
   */
  private async findSession(
    { session, link }: LoginAttempt,
    { view, isForm = false }: AnsweredRequest,
  ): Promise<LoginSession> {
    const { gate } = this.parts;
    const carriedId = await gate.findSessionId(view);
    const mayCarryNone = isForm || !link;
    const isSame = session !== null && (carriedId === session.id || (carriedId === null && mayCarryNone));
    const bound = isSame && (await gate.findUserIdOf(session.id)) === session.userId ? session : null;
    if (!link || bound !== null) return { carriedId, bound };
    throw RefusalError.of(
      'LOGIN_STATE',
      'The session in which the login began has ended, or the client has another one',
    );
  }

  /** @throws {RefusalError} `LOGIN_REFUSED` where the provider or the person has declined */
  private readCode({ id }: ProviderClient, { code, error }: LoginAnswer): string {
    if (error !== null) throw this.toError(id, error);
    // RFC 6749 Appendix A.11.
    if (code !== null && /^[\x20-\x7e]+$/.test(code)) return code;
    throw RefusalError.of('LOGIN_REFUSED', `The answer of ${id} has no code`);
  }

  private toError(provider: string, error: string): AuthUnavailableError | RefusalError {
    if (temporaryErrors.includes(error)) {
      return new AuthUnavailableError(`The provider ${provider} cannot log anybody in at the moment: ${error}`);
    }
    const fix = configurationHints.get(error);
    if (fix !== undefined) {
      const problem = `The provider ${provider} does not accept how this app is registered there: ${error}`;
      this.reportOnce(problem, fix);
      return new AuthUnavailableError(problem);
    }
    // Only a word is repeated, because anybody can send anything here.
    const word = /^[\w.-]{1,60}$/.test(error) ? `: ${error}` : '';
    return RefusalError.of('LOGIN_REFUSED', `The provider ${provider} or the person has declined${word}`);
  }

  private reportOnce(problem: string, fix: string): void {
    const now = readMilliseconds(this.parts.clock);
    if (Math.abs(now - (this.reportedAt.get(problem) ?? Number.NEGATIVE_INFINITY)) < quietMs) return;
    this.reportedAt.set(problem, now);
    this.parts.report({ type: 'misconfigured', problem, fix: `${fix.charAt(0).toUpperCase()}${fix.slice(1)}` });
  }
}
