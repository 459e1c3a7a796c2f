import { createHash } from 'node:crypto';

import { readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, isAuthError, RefusalError } from '../errors/auth-error.js';
import { readStackAuthClaims } from '../issuers/stack-auth/stack-auth-claims.js';
import type { StackAuthTokens } from '../issuers/stack-auth/stack-auth-session-api.js';
import { readLoginError } from '../issuers/stack-auth/stack-auth-session-verdict.js';
import { fromQuery, readQuery, reportLoginFailure, toLoginErrorCode, withOutcome } from '../login/login-answers.js';
import type { LoginAttempts } from '../login/login-attempts.js';
import type { RequestView } from '../request/request-view.js';
import type { RouteGate } from '../sessions/route-gate.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { GivenAccessTokens } from './given-access-tokens.js';
import type { StackAuthTerms } from './stack-auth-options.js';
import type { StackAuthResponses } from './stack-auth-responses.js';
import type { StackAuthSignIn } from './stack-auth-sign-in.service.js';

export interface StackAuthLoginRequestsParts {
  readonly terms: StackAuthTerms;
  readonly gate: RouteGate;
  readonly signIn: StackAuthSignIn;
  readonly responses: StackAuthResponses;
  readonly attempts: LoginAttempts;
  readonly accessTokens: GivenAccessTokens;
  readonly report: ReportEvent;
  /** The address that Stack Auth sends the browser back to. */
  readonly callbackUrl: (provider: string) => string;
  /** Sends the browser to another address. */
  readonly redirect: (response: object, url: string) => void;
}

const quietMs = 60_000;

/** What the routes of logins by other providers do with a request. */
export class StackAuthLoginRequests {
  /** When each problem of the configuration was reported. They have few texts. */
  private readonly reportedAt = new Map<string, number>();

  constructor(private readonly parts: StackAuthLoginRequestsParts) {}

  /** `GET /auth/login/:provider` */
  async start(request: object, response: object, given: string): Promise<void> {
    const { gate, terms, attempts, signIn, callbackUrl, redirect } = this.parts;
    const view = gate.begin(request, response);
    const provider = this.getProvider(given);
    if (!gate.hasCookies) throw RefusalError.of('NOT_FOUND', 'The app delivers no cookies, so it cannot end a login');
    const [page, ...others] = readQuery(view).getAll('returnTo');
    const returnTo = terms.addresses.resolvePage(others.length > 0 ? others : page);
    const redirectUri = callbackUrl(provider);
    const plan = { provider, redirectUri, returnTo, session: null, link: false };
    const { attempt } = attempts.begin(plan, { in: 'cookie', view, response, sameSite: 'Lax' });
    const url = signIn.oauthUrl({
      provider,
      redirectUri,
      state: attempt.state,
      codeChallenge: createHash('sha256').update(attempt.codeVerifier).digest('base64url'),
      accessToken: this.findGuest(view),
      // Stack Auth adds its error to this address, and not the state.
      errorRedirectUri: `${redirectUri}?${new URLSearchParams({ state: attempt.state }).toString()}`,
    });
    redirect(response, url);
    return Promise.resolve();
  }

  /** `GET /auth/callback/:provider` */
  async callback(request: object, response: object, given: string): Promise<void> {
    const { gate, terms, attempts, responses, redirect } = this.parts;
    const view = gate.begin(request, response);
    const provider = this.getProvider(given);
    const query = readQuery(view);
    const answer = fromQuery(query);
    let page = terms.addresses.first;
    try {
      const attempt = attempts.find({ provider, state: answer.state, view, sealed: null });
      page = attempt.returnTo ?? page;
      await attempts.use(attempt, response);
      const session = await this.exchange({ ...answer, errorCode: query.get('errorCode') }, attempt);
      responses.deliverInCookies(session, request, response);
      redirect(response, withOutcome(page ?? '', session.isNewUser ? { new: '1' } : {}));
    } catch (error) {
      if (page === null) throw error;
      reportLoginFailure(this.report, `The callback of ${provider}`, error);
      redirect(response, pageOfError(page, error));
    }
  }

  private async exchange(
    { code, error, errorCode }: { readonly [Name in 'code' | 'error' | 'errorCode']: string | null },
    { redirectUri, codeVerifier }: { readonly redirectUri: string; readonly codeVerifier: string },
  ): Promise<StackAuthTokens> {
    if (errorCode !== null && errorCode !== '') throw readLoginError(errorCode);
    if (error === 'access_denied') throw RefusalError.of('LOGIN_REFUSED', 'The person, or the provider, has declined');
    if (error !== null) throw new AuthUnavailableError('Stack Auth, or the provider, could not end the login');
    if (code === null || code === '') throw RefusalError.of('LOGIN_REFUSED', 'The answer of Stack Auth has no code');
    try {
      return await this.parts.signIn.withOAuthCode({ code, redirectUri, codeVerifier });
    } catch (thrown) {
      if (!isAuthError(thrown) || thrown.code !== 'INVALID_CODE') throw thrown;
      throw RefusalError.of('LOGIN_STATE', thrown.explanation);
    }
  }

  /** The token of the anonymous user who signs in. Stack Auth takes none that has expired, and would not say so to this app. */
  private findGuest(view: RequestView): string | null {
    const token = this.parts.accessTokens.findGuest(view);
    const expiresAt = token === null ? 0 : (readStackAuthClaims(token)?.expiresAt.getTime() ?? 0);
    return expiresAt > readMilliseconds(this.parts.terms.clock) ? token : null;
  }

  /** The id of a provider as the app writes it. People do not write addresses exactly. */
  private getProvider(given: string): string {
    const provider = this.parts.terms.providers.find((id) => id.toLowerCase() === given.toLowerCase());
    if (provider !== undefined) return provider;
    throw RefusalError.of('NOT_FOUND', 'StackAuthModule.forRoot({ providers }) has no provider of this id');
  }

  /** Anybody can come back with an error of the configuration, so each is reported once a minute. */
  private readonly report: ReportEvent = (event) => {
    if (event.type === 'misconfigured') {
      const now = readMilliseconds(this.parts.terms.clock);
      const before = this.reportedAt.get(event.problem) ?? Number.NEGATIVE_INFINITY;
      if (Math.abs(now - before) < quietMs) return;
      this.reportedAt.set(event.problem, now);
    }
    this.parts.report(event);
  };
}

/** The code for the second factor is in the fragment, which browsers send to no server. */
function pageOfError(page: string, error: unknown): string {
  const attemptCode = isAuthError(error) && 'attemptCode' in error ? error.attemptCode : null;
  if (typeof attemptCode !== 'string') return withOutcome(page, { error: toLoginErrorCode(error) });
  const url = new URL(withOutcome(page, { error: 'mfa_required' }));
  url.hash = new URLSearchParams({ attemptCode }).toString();
  return url.href;
}
