import { createHash } from 'node:crypto';

import { readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, isAuthError, RefusalError } from '../errors/auth-error.js';
import { readStackAuthClaims } from '../issuers/stack-auth/stack-auth-claims.js';
import type { StackAuthTokens } from '../issuers/stack-auth/stack-auth-session-api.js';
import { readLoginError } from '../issuers/stack-auth/stack-auth-session-verdict.js';
import { fromQuery, readQuery, toLoginErrorCode, withOutcome } from '../login/login-answers.js';
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

/** What the routes of logins by other providers do with a request. */
export class StackAuthLoginRequests {
  constructor(private readonly parts: StackAuthLoginRequestsParts) {}

  /** `GET /auth/login/:provider` */
  async start(request: object, response: object, provider: string): Promise<void> {
    const { gate, terms, attempts, signIn, callbackUrl, redirect } = this.parts;
    const view = gate.begin(request, response);
    this.checkProvider(provider);
    if (!gate.hasCookies) throw RefusalError.of('NOT_FOUND', 'The app delivers no cookies, so it cannot end a login');
    const [given, ...others] = readQuery(view).getAll('returnTo');
    const returnTo = terms.addresses.resolvePage(others.length > 0 ? others : given);
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
  async callback(request: object, response: object, provider: string): Promise<void> {
    const { gate, terms, attempts, responses, redirect } = this.parts;
    const view = gate.begin(request, response);
    this.checkProvider(provider);
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
      if (page === null || !isAuthError(error)) throw error;
      const { code, reason, explanation } = error;
      const handler = `The callback of ${provider}`;
      this.parts.report({ type: 'refused', code, reason, explanation, handler, anonymous: false });
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

  private checkProvider(provider: string): void {
    if (this.parts.terms.providers.includes(provider)) return;
    throw RefusalError.of('NOT_FOUND', 'StackAuthModule.forRoot({ providers }) has no provider of this id');
  }
}

/** The code for the second factor is in the fragment, which browsers send to no server. */
function pageOfError(page: string, error: unknown): string {
  const attemptCode = isAuthError(error) && 'attemptCode' in error ? error.attemptCode : null;
  if (typeof attemptCode !== 'string') return withOutcome(page, { error: toLoginErrorCode(error) });
  const url = new URL(withOutcome(page, { error: 'mfa_required' }));
  url.hash = new URLSearchParams({ attemptCode }).toString();
  return url.href;
}
