import { createHash } from 'node:crypto';

import { AuthUnavailableError, isRefusal, RefusalError } from '../errors/auth-error.js';
import { secondsToRecover } from '../issuers/provider-answer.js';
import type { KeySource } from '../keys/key-source.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import type { AuthContext } from '../upstream/auth-context.js';
import { ProviderCalls } from '../upstream/provider-calls.js';
import { readTextClaim } from '../user/claim-map.js';
import { type IdTokenParts, verifyIdToken, verifyLogoutToken } from './id-token.js';
import type { ClientAuthentication, IdTokenTerms, LoginProvider } from './login-provider.js';
import {
  type AuthorizationRequest,
  type CodeExchange,
  ProviderClient,
  type ProviderTokens,
  type ProvenIdentity,
  type VerifiedLogout,
} from './provider-client.js';
import { ProviderEndpoints } from './provider-endpoints.js';
import { readIdentity } from './read-identity.js';
import { readTokenAnswer, type TokenAnswer } from './token-answer.js';
import { UserinfoEndpoint } from './userinfo-endpoint.js';

/** The client of a provider, and how its work in the background ends. */
export interface OpenedProvider extends ProviderClient {
  /** Stops refreshing keys. */
  close(): void;
}

/** Creates the client of a provider in an app. Calls nothing yet. */
export function openProvider(provider: LoginProvider, context: AuthContext): OpenedProvider {
  return new LoginProviderClient(provider, context);
}

/** What ID tokens of the provider are verified with. */
interface IdTokenVerification {
  readonly terms: IdTokenTerms;
  readonly keys: KeySource;
}

class LoginProviderClient extends ProviderClient implements OpenedProvider {
  readonly id: string;
  readonly responseMode: 'query' | 'form_post';
  private readonly endpoints: ProviderEndpoints;
  private readonly userinfo: UserinfoEndpoint;
  private readonly calls: ProviderCalls;
  private readonly idTokens: IdTokenVerification | null;

  constructor(
    private readonly provider: LoginProvider,
    private readonly context: AuthContext,
  ) {
    super();
    const { id, responseMode, idToken: terms } = provider;
    this.id = id;
    this.responseMode = responseMode;
    this.endpoints = new ProviderEndpoints(provider, context);
    this.userinfo = new UserinfoEndpoint(provider, this.endpoints, context);
    const keys = this.endpoints.keys();
    this.idTokens = terms === null || keys === null ? null : { terms, keys };
    const { clock, report } = context;
    const consequence = 'Until it is over, people who sign in by it are answered with 503';
    this.calls = new ProviderCalls({ what: `sign-ins by ${id}`, consequence, clock, report });
  }

  override authorizationUrl(request: AuthorizationRequest): Promise<string> {
    return this.calls.run(async () => {
      const url = new URL(await this.endpoints.addressOf('authorization_endpoint'));
      for (const [name, value] of Object.entries(this.parametersFor(request))) url.searchParams.set(name, value);
      return url.href;
    });
  }

  override checkIssuer(issuer: string | null): Promise<void> {
    return this.calls.run(async () => {
      const members = await this.endpoints.members();
      if (issuer === null) {
        if (members['authorization_response_iss_parameter_supported'] !== true) return;
        throw RefusalError.of('LOGIN_STATE', `The answer has no "iss", which ${this.provider.preset} always sends`);
      }
      const { isIssuer = (name: string) => typeof members['issuer'] !== 'string' || name === members['issuer'] } =
        this.provider;
      if (isIssuer(issuer)) return;
      const problem = `The answer is of another provider than ${this.provider.preset}: its "iss" is ${logText(issuer)}`;
      throw RefusalError.of('LOGIN_STATE', problem);
    });
  }

  override exchange({ code, redirectUri, nonce, codeVerifier }: CodeExchange): Promise<ProvenIdentity> {
    return this.calls.run(async () => {
      const form = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        ...(this.provider.pkce && { code_verifier: codeVerifier }),
      };
      const secret = await this.secret();
      const { tokens, idToken } = await this.requestTokens(form, secret);
      const claims = await this.verified(idToken, nonce, tokens.accessToken);
      const userinfo = await this.userinfo.complete(claims, tokens.accessToken, secret);
      const read = readIdentity(this.provider, { claims: claims ?? {}, userinfo });
      return { ...read, sessionId: sessionIdOf(claims), tokens };
    });
  }

  override refresh(refreshToken: string): Promise<ProviderTokens> {
    return this.calls.run(async () => {
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
      const { tokens } = await this.requestTokens(form, await this.secret());
      return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
    });
  }

  override verifyLogout(logoutToken: string): Promise<VerifiedLogout> {
    return this.calls.run(async () => {
      const { idTokens } = this;
      if (idTokens === null) {
        throw RefusalError.of('NOT_FOUND', `${this.provider.preset} issues no ID tokens, and so no logout tokens`);
      }
      return verifyLogoutToken(logoutToken, await this.idTokenParts(idTokens));
    });
  }

  close(): void {
    this.idTokens?.keys.close();
  }

  private parametersFor(request: AuthorizationRequest): Readonly<Record<string, string>> {
    const { authorizationParameters, clientId, scopes, responseMode, pkce, idToken } = this.provider;
    return {
      ...authorizationParameters,
      response_type: 'code',
      client_id: clientId,
      redirect_uri: request.redirectUri,
      state: request.state,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      ...(responseMode === 'form_post' && { response_mode: responseMode }),
      ...(idToken?.nonce === 'require' && { nonce: request.nonce }),
      ...(pkce && { code_challenge: challengeOf(request.codeVerifier), code_challenge_method: 'S256' }),
    };
  }

  /** Sent once: a code or a refresh token that was used twice may end everything that was issued for it (RFC 6749 §4.1.2). */
  private async requestTokens(form: Readonly<Record<string, string>>, secret: string): Promise<TokenAnswer> {
    const { clientId, preset, scopes, refusedErrors } = this.provider;
    const authentication = await this.clientAuthentication();
    const isBasic = authentication === 'client_secret_basic';
    const answer = await this.endpoints.call('token_endpoint', {
      method: 'POST',
      headers: isBasic ? { authorization: basicCredentials(clientId, secret) } : {},
      form: {
        ...form,
        ...(!isBasic && { client_id: clientId }),
        ...(authentication === 'client_secret_post' && { client_secret: secret }),
      },
      readsForm: true,
      // A call that is answered with 429 would be repeated otherwise. A 500 may be about one code, so it is no outage for all logins.
      isDecision: () => true,
    });
    if (answer === null) throw this.endpoints.missing('token_endpoint');
    return readTokenAnswer(answer, { preset, scopes, refusedErrors, now: this.context.clock.now() });
  }

  private async clientAuthentication(): Promise<ClientAuthentication> {
    const { clientAuthentication, clientSecret } = this.provider;
    if (clientSecret === null) return 'none';
    if (clientAuthentication !== null) return clientAuthentication;
    const { token_endpoint_auth_methods_supported: supported } = await this.endpoints.members();
    // RFC 8414 §2: left out, it is Basic.
    const methods: readonly unknown[] = Array.isArray(supported) ? supported : [];
    const isPostOnly = methods.includes('client_secret_post') && !methods.includes('client_secret_basic');
    return isPostOnly ? 'client_secret_post' : 'client_secret_basic';
  }

  /** The client secret; '' for a public client. */
  private async secret(): Promise<string> {
    const { clientSecret, preset } = this.provider;
    if (clientSecret === null) return '';
    const secret: unknown = await clientSecret();
    if (typeof secret === 'string' && secret !== '') return secret;
    throw new AuthUnavailableError(`${preset}({ clientSecret }) gave no text`, secondsToRecover);
  }

  /** The claims of the ID token; `null` for a provider that issues none. */
  private async verified(idToken: string | null, nonce: string, accessToken: string): Promise<JsonObject | null> {
    const { idTokens, provider } = this;
    if (idTokens === null) return null;
    if (idToken === null) {
      const problem = `The token endpoint of ${provider.preset} has issued no ID token, although the scope openid was asked for`;
      throw new AuthUnavailableError(problem, secondsToRecover);
    }
    const binding = { nonce, requiresNonce: idTokens.terms.nonce === 'require', accessToken };
    try {
      return await verifyIdToken(idToken, await this.idTokenParts(idTokens), binding);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const problem = `The ID token of ${provider.preset} is not accepted (${error.reason ?? error.code}): ${error.explanation}`;
      throw RefusalError.of('LOGIN_REFUSED', problem);
    }
  }

  private async idTokenParts({ terms, keys }: IdTokenVerification): Promise<IdTokenParts> {
    const { issuer } = await this.endpoints.members();
    const { issuerOf = () => (typeof issuer === 'string' ? issuer : null), algorithms } = terms;
    return { clientId: this.provider.clientId, clock: this.context.clock, keys, algorithms, issuerOf };
  }
}

function challengeOf(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier).digest('base64url');
}

/** RFC 6749 §2.3.1: both parts are form-encoded first. */
function basicCredentials(clientId: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`;
}

/** Stored with the session; a longer one would be found by no logout. */
function sessionIdOf(claims: JsonObject | null): string | null {
  const id = claims === null ? null : readTextClaim(claims, 'sid');
  return id !== null && id.length <= 255 ? id : null;
}
