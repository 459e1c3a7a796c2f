import { readMilliseconds } from '../../clock/clock.js';
import { AuthUnavailableError, isAuthError, RefusalError } from '../../errors/auth-error.js';
import type { JsonObject } from '../../token/json-object.js';
import type { AuthContext, Capability } from '../../upstream/auth-context.js';
import { ProviderCalls } from '../../upstream/provider-calls.js';
import { isUpstreamFailure } from '../../upstream/upstream-failure.js';
import type { ProviderSessionApi } from '../identity-provider.js';
import { readAnswer, readAnswers, secondsToRecover } from '../provider-answer.js';
import {
  type StackAuthSessionRow,
  stackAuthNonce,
  stackAuthPasskeyOptions,
  stackAuthRefreshed,
  stackAuthSession,
  stackAuthTokens,
} from './stack-auth-answers.js';
import { headersOfProject, readWholeList, stackAuthId, type StackAuthProject } from './stack-auth-api.js';
import { findParsed, mapStackAuthClaims, readStackAuthClaims } from './stack-auth-claims.js';
import { readSessionVerdict } from './stack-auth-session-verdict.js';
import { named } from './stack-auth-verdict.js';

/** The tokens of a session at Stack Auth. The refresh token alone gives access to the session, so keep it out of logs. */
export interface StackAuthTokens {
  readonly accessToken: string;
  /** It stays the same for as long as the session lives, a year unless the session was created with another lifetime. */
  readonly refreshToken: string;
  readonly userId: string;
  readonly isNewUser: boolean;
  /** When the access token expires. */
  readonly expiresAt: Date;
}

/** What is sent in a call. */
interface SentParts {
  readonly accessToken?: string | null;
  readonly refreshToken?: string;
  readonly json?: JsonObject;
  readonly form?: Readonly<Record<string, string>>;
  /** What the members of the body are called by those who gave them. */
  readonly members?: Readonly<Record<string, string>>;
  /** Whether the call changes nothing that would be changed twice. */
  readonly repeatable?: boolean;
}

type Method = 'GET' | 'POST' | 'DELETE';

/** The capability of a project: signing in, and sessions. */
export function stackAuthSessionApi(project: StackAuthProject): Capability<StackAuthSessionApi> {
  return { create: (context) => new StackAuthSessionApi(project, context) };
}

/**
 * The part of Stack Auth's REST API that signs people in and keeps their sessions. A call is never repeated, except the refresh, which
 * changes nothing. Methods throw a `RefusalError` when the caller is refused, and an `AuthUnavailableError` when Stack Auth does not
 * answer, or refuses this app. Refresh tokens are sent to `baseUrl` alone.
 */
export class StackAuthSessionApi implements ProviderSessionApi {
  readonly kind = 'stack-auth';
  private readonly calls: ProviderCalls;

  constructor(
    readonly project: StackAuthProject,
    private readonly context: AuthContext,
  ) {
    this.calls = new ProviderCalls({
      what: `an answer of ${new URL(project.baseUrl).origin} about sign-in and sessions`,
      consequence:
        'Sign-in and refresh are answered with 503, and sessions stay as they are, also those of a sign-out in the meantime',
      clock: context.clock,
      report: context.report,
    });
  }

  /** Signs in by any of the calls that answer with tokens. */
  async signIn(path: string, parts: SentParts): Promise<StackAuthTokens> {
    const what = `POST ${path}`;
    const body = await this.call('POST', path, { what, isAboutSession: false }, parts);
    const answer = readAnswer(`The answer of Stack Auth to ${what}`, stackAuthTokens, body);
    return toTokens(what, answer.access_token, answer.refresh_token, answer.is_new_user ?? false);
  }

  /** Exchanges the code of a login by OAuth. The address has no other authentication than the parameters of the form. */
  exchangeCode(form: Readonly<Record<string, string>>): Promise<StackAuthTokens> {
    const client = { client_id: this.project.projectId, client_secret: this.publicClient };
    return this.signIn('/auth/oauth/token', { form: { grant_type: 'authorization_code', ...form, ...client } });
  }

  /** The address at Stack Auth that a browser is sent to, to sign in by another provider. */
  authorizationUrl(provider: string, parameters: Readonly<Record<string, string>>): string {
    const { baseUrl, projectId } = this.project;
    const query = new URLSearchParams({
      client_id: projectId,
      client_secret: this.publicClient,
      response_type: 'code',
      grant_type: 'authorization_code',
      // The only one that there is.
      scope: 'legacy',
      code_challenge_method: 'S256',
      ...parameters,
    });
    return `${baseUrl}/api/v1/auth/oauth/authorize/${encodeURIComponent(provider)}?${query.toString()}`;
  }

  /** @returns the nonce, which completes the code for typing */
  async sendCode(email: string, callbackUrl: string): Promise<string> {
    const what = 'POST /auth/otp/send-sign-in-code';
    const json = { email, callback_url: callbackUrl };
    const body = await this.call(
      'POST',
      '/auth/otp/send-sign-in-code',
      { what, isAboutSession: false },
      {
        json,
        members: { email: 'email' },
      },
    );
    return readAnswer(`The answer of Stack Auth to ${what}`, stackAuthNonce, body).nonce;
  }

  async passkeyOptions(): Promise<{ readonly options: JsonObject; readonly code: string }> {
    const path = '/auth/passkey/initiate-passkey-authentication';
    const what = `POST ${path}`;
    const body = await this.call('POST', path, { what, isAboutSession: false }, { json: {} });
    const answer = readAnswer(`The answer of Stack Auth to ${what}`, stackAuthPasskeyOptions, body);
    return { options: answer.options_json, code: answer.code };
  }

  /** @throws {RefusalError} `INVALID_TOKEN` for a session that has ended, and for a text that is no refresh token. */
  async refresh(refreshToken: string): Promise<StackAuthTokens> {
    checkRefreshToken(refreshToken);
    const path = '/auth/sessions/current/refresh';
    const what = `POST ${path}`;
    // The expired access token must not be sent along: the API would refuse that one.
    const body = await this.call('POST', path, { what, isAboutSession: true }, { refreshToken, repeatable: true });
    const answer = readAnswer(`The answer of Stack Auth to ${what}`, stackAuthRefreshed, body);
    return toTokens(what, answer.access_token, refreshToken, false);
  }

  /**
   * Ends the session of an access token. One that has ended already is no error.
   *
   * @throws {RefusalError} when the token is not accepted, such as an expired one.
   */
  async end(accessToken: string): Promise<void> {
    const question = { what: 'DELETE /auth/sessions/current', isAboutSession: true };
    try {
      await this.call('DELETE', '/auth/sessions/current', question, { accessToken });
    } catch (error) {
      if (isEnded(error)) return;
      // Versions of the API fail with 500 where the session has ended already.
      if (statusOfFailure(error) !== 500 || (await this.isListed(accessToken))) throw error;
    }
  }

  /** Ends another session of a user, whose owner has been checked. */
  async endById(asker: SessionAsker, sessionId: string): Promise<void> {
    const query = new URLSearchParams({ user_id: userIdOf(asker) });
    const path = `/auth/sessions/${sessionId}?${query.toString()}`;
    const question = { what: 'DELETE /auth/sessions/{id}', isAboutSession: true };
    await this.call('DELETE', path, question, tokenPart(asker));
  }

  /** The sessions of a user, the newest first. */
  async list(asker: SessionAsker): Promise<readonly StackAuthSessionRow[]> {
    const query = new URLSearchParams({ user_id: userIdOf(asker) });
    const what = 'GET /auth/sessions';
    const question = { what, isAboutSession: true };
    const body = await this.call('GET', `/auth/sessions?${query.toString()}`, question, tokenPart(asker));
    const items = readWholeList(`The answer of Stack Auth to ${what}`, body);
    return readAnswers('The sessions that Stack Auth lists', stackAuthSession, items);
  }

  /** @throws {ConfigurationError} without the secret server key. */
  async create(userId: string, options: JsonObject): Promise<StackAuthTokens> {
    if (!stackAuthId.test(userId)) throw RefusalError.of('NOT_FOUND', 'Stack Auth has no user with such an id');
    return this.signIn('/auth/sessions', { json: { user_id: userId, ...options } });
  }

  get hasServerAccess(): boolean {
    return this.project.secretServerKey !== null;
  }

  /** How the option is written that server access needs. */
  readonly serverAccessOption = 'stackAuth({ secretServerKey })';

  private get publicClient(): string {
    return this.project.publishableClientKey ?? '__stack_public_client__';
  }

  /** Whether the session of an access token still exists. The API accepts the token of an ended session until it expires. */
  private async isListed(accessToken: string): Promise<boolean> {
    const sessionId = readStackAuthClaims(accessToken)?.sessionId ?? null;
    const rows = await this.list({ accessToken });
    return sessionId === null || rows.some(({ id }) => id === sessionId);
  }

  private call(
    method: Method,
    path: string,
    { what, isAboutSession }: { readonly what: string; readonly isAboutSession: boolean },
    { accessToken = null, refreshToken, json, form, members = {}, repeatable }: SentParts,
  ): Promise<unknown> {
    const { project, context } = this;
    return this.calls.run(async () => {
      const answer = await context.providerClient(project.baseUrl).call({
        method,
        url: `${project.baseUrl}/api/v1${path}`,
        headers: {
          ...headersOfProject(project),
          ...(accessToken !== null && headersOfUser(accessToken)),
          ...(refreshToken !== undefined && { 'x-stack-refresh-token': refreshToken }),
        },
        ...(json !== undefined && { json }),
        ...(form !== undefined && { form }),
        ...(repeatable !== undefined && { repeatable }),
        // Versions of the API fail with 500 on sessions that have ended. One guest could open the circuit for all users otherwise.
        isDecision: (doubtful) => doubtful.status === 429 || named(doubtful, 'request-id') !== null,
      });
      const now = new Date(readMilliseconds(context.clock));
      return readSessionVerdict(answer, { what, accessToken, isAboutSession, members }, now);
    });
  }
}

/** Who asks about sessions: a user with their token, or the app about a user. */
export type SessionAsker = { readonly accessToken: string } | { readonly userId: string };

function userIdOf(asker: SessionAsker): string {
  return 'userId' in asker ? asker.userId : 'me';
}

function tokenPart(asker: SessionAsker): Pick<SentParts, 'accessToken'> {
  return 'accessToken' in asker ? { accessToken: asker.accessToken } : {};
}

/** The kinds of users are refused unless the call names them. The token is verified by the API. */
function headersOfUser(accessToken: string): Readonly<Record<string, string>> {
  const parsed = findParsed(accessToken);
  const isAnonymous = parsed !== null && mapStackAuthClaims(parsed.claims).isAnonymous;
  return {
    'x-stack-access-token': accessToken,
    ...(isAnonymous && { 'x-stack-allow-anonymous-user': 'true' }),
    ...(!isAnonymous && parsed?.claims['is_restricted'] === true && { 'x-stack-allow-restricted-user': 'true' }),
  };
}

/** @throws {RefusalError} for a text that no header can contain, because the platform's error would repeat it. */
function checkRefreshToken(text: string): void {
  if (/^[\x21-\x7e]{1,1024}$/.test(text)) return;
  throw RefusalError.session(
    'malformed',
    'It holds characters that no refresh token of Stack Auth has, or is too long',
  );
}

/** @throws {AuthUnavailableError} for an answer whose token is none. */
function toTokens(what: string, accessToken: string, refreshToken: string, isNewUser: boolean): StackAuthTokens {
  const claims = readStackAuthClaims(accessToken);
  if (claims === null) {
    throw new AuthUnavailableError(
      `The answer of Stack Auth to ${what} has no access token of a user`,
      secondsToRecover,
    );
  }
  return { accessToken, refreshToken, userId: claims.id, isNewUser, expiresAt: claims.expiresAt };
}

/** Whether the session or its user is gone. */
function isEnded(error: unknown): boolean {
  return isAuthError(error) && error.reason === 'revoked';
}

/** The status of the answer that an error was made of; `null` where there was none. */
export function statusOfFailure(error: unknown): number | null {
  const cause = isAuthError(error) ? error.cause : null;
  return isUpstreamFailure(cause) ? cause.status : null;
}
