import { AuthUnavailableError, isRefusal } from '../errors/auth-error.js';
import type { StackAuthTokens } from '../issuers/stack-auth/stack-auth-session-api.js';
import { readBody, readEmptyBody } from '../issuing/body-class.js';
import { readJsonBody } from '../issuing/request-body.js';
import { GivenRefreshTokens } from '../sessions/given-refresh-tokens.js';
import type { RouteGate } from '../sessions/route-gate.js';
import { deliveryFault, readDeliveryChoice } from '../sessions/session-delivery.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { GivenAccessTokens } from './given-access-tokens.js';
import { MagicLinkBody, MagicLinkCodeBody, PasswordBody, SecondFactorBody, SignUpBody } from './stack-auth-bodies.js';
import type { StackAuthTerms } from './stack-auth-options.js';
import type { StackAuthResponses } from './stack-auth-responses.js';
import type { SignOutTokens, StackAuthSessions } from './stack-auth-sessions.service.js';
import type { StackAuthSignIn } from './stack-auth-sign-in.service.js';

export interface StackAuthRequestsParts {
  readonly terms: StackAuthTerms;
  readonly gate: RouteGate;
  readonly sessions: StackAuthSessions;
  readonly signIn: StackAuthSignIn;
  readonly responses: StackAuthResponses;
  readonly accessTokens: GivenAccessTokens;
}

/** What the routes of sign-in and sessions do with a request. */
export class StackAuthRequests {
  private readonly refreshTokens: GivenRefreshTokens;

  constructor(private readonly parts: StackAuthRequestsParts) {
    this.refreshTokens = new GivenRefreshTokens(parts.terms);
  }

  async signIn(request: object, response: object): Promise<TokenAnswer> {
    this.parts.gate.beginSignIn(request, response);
    const { email, password, remember } = await readBody(PasswordBody, request);
    const session = await this.parts.signIn.withPassword({ email, password });
    return this.deliver(session, request, response, remember);
  }

  async confirmTotp(request: object, response: object): Promise<TokenAnswer> {
    this.parts.gate.beginSignIn(request, response);
    const { attemptCode, code, remember } = await readBody(SecondFactorBody, request);
    const session = await this.parts.signIn.withTotp({ attemptCode, code });
    return this.deliver(session, request, response, remember);
  }

  async signUp(request: object, response: object): Promise<TokenAnswer> {
    const { gate, signIn, terms, accessTokens } = this.parts;
    const view = gate.beginSignIn(request, response);
    const { email, password, remember, callbackUrl: given } = await readBody(SignUpBody, request);
    const callbackUrl = this.readCallback(given) ?? terms.verifyEmailLink;
    const accessToken = accessTokens.findGuest(view);
    const session = await signIn.signUpWithPassword({ email, password, callbackUrl, accessToken });
    return this.deliver(session, request, response, remember);
  }

  async anonymous(request: object, response: object): Promise<TokenAnswer> {
    this.parts.gate.beginSignIn(request, response);
    await readEmptyBody(request);
    return this.deliver(await this.parts.signIn.anonymously(), request, response);
  }

  async magicLink(request: object, response: object): Promise<object> {
    const { gate, signIn, terms } = this.parts;
    gate.begin(request, response);
    const { email, callbackUrl } = await readBody(MagicLinkBody, request);
    return await signIn.sendMagicLink({ email, callbackUrl: this.readCallback(callbackUrl) ?? terms.magicLink });
  }

  async confirmMagicLink(request: object, response: object): Promise<TokenAnswer> {
    const { gate, signIn, accessTokens } = this.parts;
    const view = gate.beginSignIn(request, response);
    const { code, nonce, remember } = await readBody(MagicLinkCodeBody, request);
    const session = await signIn.withMagicLink({
      code,
      nonce: nonce ?? null,
      accessToken: accessTokens.findGuest(view),
    });
    return this.deliver(session, request, response, remember);
  }

  async refresh(request: object, response: object): Promise<TokenAnswer> {
    const { gate, sessions, responses, terms } = this.parts;
    const view = gate.begin(request, response);
    const choice = readDeliveryChoice(view, terms.delivery);
    const { text, place } = this.refreshTokens.require(view, await readJsonBody(request));
    // Where the token comes from is how the session is delivered: a script of the page must not get out what is in a cookie.
    if (choice !== null && choice !== place) throw deliveryFault(place);
    return responses.redeliver(place, await sessions.refresh(text), request, response);
  }

  /** Succeeds also without a session. @throws where the session may live on, and the client has to try again: the cookies stay. */
  async signOut(request: object, response: object): Promise<void> {
    const { gate, responses } = this.parts;
    const view = gate.begin(request, response);
    const refreshTokens = this.refreshTokens.texts(view, await readJsonBody(request));
    // A fault leaves the cookies: the session lives on, and the client may try again.
    await this.endSessions(refreshTokens, this.parts.accessTokens.all(view));
    responses.clear(request, response);
  }

  /** One token of each kind is of one session as a rule. Of several it is not known which belong together, so each ends its own. */
  private async endSessions(refreshTokens: readonly string[], accessTokens: readonly string[]): Promise<void> {
    const [refreshToken = null] = refreshTokens;
    const [accessToken = null] = accessTokens;
    const isOne = refreshTokens.length <= 1 && accessTokens.length <= 1;
    const pairs = isOne
      ? [{ refreshToken, accessToken }]
      : [...refreshTokens.map((one) => ({ refreshToken: one })), ...accessTokens.map((one) => ({ accessToken: one }))];
    // All of them are tried, whatever becomes of one.
    const outcomes = await Promise.allSettled(pairs.map((each) => this.endOne(each)));
    const fault = outcomes.find((outcome) => outcome.status === 'rejected');
    if (fault !== undefined) throw fault.reason as Error;
  }

  /** @throws where the session may live on. One that has ended before is no reason to refuse a sign-out. */
  private async endOne(tokens: SignOutTokens): Promise<void> {
    try {
      await this.parts.sessions.signOut(tokens);
    } catch (error) {
      if (!isRefusal(error) || error.code === 'TOO_MANY_ATTEMPTS') throw error;
      if (error.code === 'INVALID_TOKEN') return;
      throw new AuthUnavailableError('Stack Auth has not ended the session', undefined, { cause: error });
    }
  }

  private deliver(session: StackAuthTokens, request: object, response: object, remember?: boolean | null): TokenAnswer {
    return this.parts.responses.deliver(session, { request, response, remember: remember ?? true });
  }

  /** @throws {RefusalError} for a page that a link of a mail must not lead to */
  private readCallback(given: string | null | undefined): string | null {
    return given === null || given === undefined
      ? null
      : this.parts.terms.addresses.resolveCallback(given, 'callbackUrl');
  }
}
