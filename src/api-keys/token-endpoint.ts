import type { ScopeHierarchy } from '../access/scope-hierarchy.js';
import { countRefusal, type RefusedKeys } from '../authentication/refused-keys.js';
import { type ProvenKey, proveKey } from './token-endpoint-proof.js';
import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { DpopProofs } from '../dpop/dpop-proofs.js';
import { readConfirmation } from '../dpop/token-binding.js';
import { isRefusal, type RefusalError } from '../errors/auth-error.js';
import type { AdapterAnswer, AdapterRoute } from '../issuing/adapter-route.js';
import { type FormBody, readFormBody } from '../issuing/form-body.js';
import type { RequestView } from '../request/request-view.js';
import type { RevocationService } from '../revocation/revocation.service.js';
import type { AccessTokens } from '../sessions/access-tokens.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import { hasThreeParts, parseToken } from '../token/parse-token.js';
import type { TokenVerifier } from '../token/token-verifier.js';
import type { VerifiedToken } from '../token/verified-token.js';
import { OutageWatch } from '../upstream/provider-calls.js';
import type { ApiKeyFormat } from './api-key-format.js';
import type { StoredApiKey } from './api-key-store.js';
import type { ApiKeyUsage } from './api-key-usage.js';
import type { ApiKeyProof, ApiKeyVerifier } from './api-key-verifier.js';
import {
  checkParameters,
  type ClientCredentials,
  readClientCredentials,
  readParameter,
} from './client-authentication.js';
import {
  answerJson,
  answerNothing,
  answerOAuthError,
  answerWrongMethod,
  OAuthRefusal,
  reportOAuthError,
} from './oauth-answer.js';

export interface TokenEndpointParts {
  readonly format: ApiKeyFormat;
  readonly verifier: ApiKeyVerifier;
  readonly usage: ApiKeyUsage;
  readonly refused: RefusedKeys;
  readonly accessTokens: AccessTokens;
  readonly tokenVerifier: TokenVerifier;
  readonly revocation: RevocationService;
  /** Verifies DPoP proofs; `null` where DPoP is off. */
  readonly proofs: DpopProofs | null;
  readonly clock: Clock;
  readonly report: ReportEvent;
  /** The scopes that include others. */
  readonly hierarchy: ScopeHierarchy;
}

export const oauthPaths = { token: '/oauth/token', revoke: '/oauth/revoke', introspect: '/oauth/introspect' } as const;

/** The scope of keys that may introspect tokens. */
const introspectScope = 'introspect';

type Handle = (form: FormBody, view: RequestView) => Promise<AdapterAnswer>;

/** What an endpoint answers about a token or a key that is not valid for the caller (RFC 7662 §2.2). */
const inactive = Object.freeze({ active: false });

/**
 * The endpoints of the app as an authorization server for machines: an API key is exchanged for an access token (RFC 6749 §4.4),
 * which can be revoked (RFC 7009) and introspected (RFC 7662).
 */
export class TokenEndpoint {
  constructor(private readonly parts: TokenEndpointParts) {}

  routes(): readonly AdapterRoute[] {
    return [
      ...this.routesAt(oauthPaths.token, this.issue),
      ...this.routesAt(oauthPaths.revoke, this.revoke),
      ...this.routesAt(oauthPaths.introspect, this.introspect),
    ];
  }

  private routesAt(path: string, handle: Handle): readonly AdapterRoute[] {
    const { clock, report } = this.parts;
    const consequence = 'It is answered with 503 until then';
    const outage = new OutageWatch({ what: `an answer of POST ${path}`, consequence, clock, report });
    const refused = (['GET', 'PUT', 'PATCH', 'DELETE'] as const).map((method) => ({
      method,
      path,
      isPublic: false,
      answer: () => {
        reportOAuthError(wrongMethod(method), `${method} ${path}`, outage, report);
        return answerWrongMethod();
      },
    }));
    const answer = async (view: RequestView): Promise<AdapterAnswer> => {
      try {
        const form = await readFormBody(view.request);
        checkParameters(form);
        const answered = await handle(form, view);
        outage.noteSuccess();
        return answered;
      } catch (error) {
        reportOAuthError(error, `POST ${path}`, outage, report);
        return answerOAuthError(error);
      }
    };
    return [{ method: 'POST', path, isPublic: false, answer }, ...refused];
  }

  private readonly issue: Handle = async (form, view) => {
    // Before the key is read: when it is revoked while the token is being issued, the token counts as issued before that.
    const now = readMilliseconds(this.parts.clock);
    const credentials = readClientCredentials(view, form);
    const grantType = readParameter(form, 'grant_type');
    // A failed authentication is stated first. Without one there is nothing to state about the client.
    const proof = credentials instanceof OAuthRefusal ? credentials : await this.authenticate(credentials, view, true);
    checkGrantType(grantType);
    if (proof instanceof OAuthRefusal) throw proof;
    const { key, user, expiresAtMs } = proof;
    const scopes = chooseScopes(readParameter(form, 'scope'), key, this.parts.hierarchy);
    const audience = this.chooseAudience(form.get('resource') ?? []);
    const { roles, isAnonymous } = user;
    // Last, as a proof is used up.
    const proven: ProvenKey = await proveKey(this.parts.proofs, view);
    const claims = { userId: user.id, clientId: key.id, scopes, roles, isAnonymous, audience };
    const grant = { ...claims, jkt: proven.jkt, notAfterMs: expiresAtMs };
    const { accessToken, expiresIn } = await this.parts.accessTokens.issueToClient(grant, now);
    const body = {
      access_token: accessToken,
      token_type: proven.jkt === null ? 'Bearer' : 'DPoP',
      expires_in: expiresIn,
      // RFC 6749 §3.3: a scope has at least one character.
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    };
    return answerJson(body, 200, proven.headers);
  };

  private readonly revoke: Handle = async (form, view) => {
    const { key } = await this.requireClient(form, view);
    const token = await this.findToken(requireToken(form));
    if (token === null) return answerNothing();
    // RFC 7009 §2.1: the token of another client is refused, and stays as it is.
    if (token.claims['client_id'] !== key.id) {
      const explanation = `Key ${key.id} tried to revoke a token that was issued to another client`;
      throw new OAuthRefusal('invalid_grant', 'The token was issued to another client', explanation);
    }
    const { issuer, claims, expiresAt } = token;
    await this.parts.revocation.revokeToken({ issuer, id: String(claims['jti']), expiresAt });
    return answerNothing();
  };

  private readonly introspect: Handle = async (form, view) => {
    const { key } = await this.requireClient(form, view);
    if (!this.parts.hierarchy.grants(key.scopes, introspectScope)) {
      const fix = `Give it to the key by ApiKeyService.update('${key.id}', { scopes })`;
      const explanation = `Key ${key.id} lacks the scope ${introspectScope}. ${fix}`;
      throw new OAuthRefusal('insufficient_scope', 'The key lacks the scope introspect', explanation);
    }
    const text = requireToken(form);
    if (this.parts.format.claims(text)) return answerJson(await this.describeKey(text));
    const token = await this.findToken(text);
    return answerJson(token === null ? inactive : describeToken(token));
  };

  private async requireClient(form: FormBody, view: RequestView): Promise<ApiKeyProof> {
    const credentials = readClientCredentials(view, form);
    if (credentials instanceof OAuthRefusal) throw credentials;
    return this.authenticate(credentials, view, false);
  }

  /**
   * @param reads whether the store is asked in any case: a token outlives what is known of the key
   * @throws {OAuthRefusal} `invalid_client`, with one text for all reasons.
   */
  private async authenticate(
    { id, secret, scheme }: ClientCredentials,
    view: RequestView,
    reads: boolean,
  ): Promise<ApiKeyProof> {
    const { format, verifier, usage, refused } = this.parts;
    try {
      const proof = await verifier.verify(format.parsePair(id, secret), scheme, reads);
      usage.note(proof.key.id);
      return proof;
    } catch (error) {
      const counted = countRefusal(error, refused, view);
      throw isRefusal(counted) && counted.code === 'INVALID_TOKEN' ? invalidClient(counted) : counted;
    }
  }

  /** RFC 8707 §2: what the token is meant for, of what tokens of the app may be meant for. */
  private chooseAudience(resources: readonly string[]): readonly string[] {
    const { audience } = this.parts.accessTokens;
    const asked = resources.filter((resource) => resource !== '');
    if (asked.length === 0) return audience;
    const chosen = asked.map((resource) => audience.find((known) => isSameResource(known, resource)));
    return [...new Set(chosen)].map((known) => {
      if (known !== undefined) return known;
      const fix = 'Add it to SessionsModule.forRoot({ audience }), or ask for one of those';
      const explanation = `resource is ${logText(asked)}, and the audience is ${logText(audience)}. ${fix}`;
      throw new OAuthRefusal('invalid_target', 'resource is none of the audiences of this server', explanation);
    });
  }

  /** An access token that this app has issued and that is valid now; `null` for any other text. */
  private async findToken(text: string): Promise<VerifiedToken | null> {
    // Other issuers are not asked: that would hand them texts of strangers.
    if (!this.namesOwnIssuer(text)) return null;
    try {
      return await this.parts.tokenVerifier.inspect(text);
    } catch (error) {
      if (isRefusal(error)) return null;
      throw error;
    }
  }

  private namesOwnIssuer(text: string): boolean {
    if (!hasThreeParts(text)) return false;
    try {
      return parseToken(text).claims['iss'] === this.parts.accessTokens.issuer;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  private async describeKey(text: string): Promise<object> {
    const { format, verifier } = this.parts;
    try {
      const { key, user, expiresAtMs } = await verifier.verify(format.parse(text), 'Bearer');
      return {
        active: true,
        token_type: 'api_key',
        iss: user.issuer,
        sub: user.id,
        client_id: key.id,
        ...(user.scopes.length > 0 && { scope: user.scopes.join(' ') }),
        ...(user.roles.length > 0 && { roles: user.roles }),
        ...(expiresAtMs !== null && { exp: Math.floor(expiresAtMs / 1_000) }),
      };
    } catch (error) {
      if (isRefusal(error)) return inactive;
      throw error;
    }
  }
}

/** RFC 8707 §2: an absolute URI without a fragment. Clients that use `URL` write a slash behind a mere origin. */
function isSameResource(audience: string, resource: string): boolean {
  if (!URL.canParse(resource) || resource.includes('#') || !URL.canParse(audience)) return false;
  return new URL(audience).href === new URL(resource).href;
}

function requireToken(form: FormBody): string {
  const token = readParameter(form, 'token');
  if (token !== undefined) return token;
  throw new OAuthRefusal('invalid_request', 'token is missing');
}

/** RFC 6749 §3.3. Nothing asked for means everything: clients of MCP ask for nothing. */
function chooseScopes(
  asked: string | undefined,
  { id, scopes: ofKey }: StoredApiKey,
  hierarchy: ScopeHierarchy,
): readonly string[] {
  if (asked === undefined) return ofKey;
  const scopes = [...new Set(asked.split(' '))];
  if (scopes.every((scope) => hierarchy.grants(ofKey, scope))) return scopes;
  const fix = `Ask for less, or give the key more by ApiKeyService.update('${id}', { scopes })`;
  const explanation = `scope is ${logText(asked)}, and key ${id} has ${logText(ofKey.join(' '))}. ${fix}`;
  throw new OAuthRefusal('invalid_scope', 'scope is malformed, or has what the key does not have', explanation);
}

/** The members of RFC 7662 §2.2, and those of RFC 9068 that a resource needs. */
const describedClaims = ['iss', 'sub', 'aud', 'client_id', 'scope', 'roles', 'exp', 'iat', 'jti', 'cnf'];

function describeToken({ claims }: VerifiedToken): JsonObject {
  const described = describedClaims.flatMap((name) => (name in claims ? [[name, claims[name]] as const] : []));
  // RFC 9449 §6.2.
  const confirmation = readConfirmation(claims);
  const hasKey = confirmation.kind === 'bound' && confirmation.jkt !== null;
  return { active: true, token_type: hasKey ? 'DPoP' : 'Bearer', ...Object.fromEntries(described) };
}

function checkGrantType(grantType: string | undefined): void {
  if (grantType === 'client_credentials') return;
  if (grantType === undefined) throw new OAuthRefusal('invalid_request', 'grant_type is missing');
  const explanation = `grant_type is ${logText(grantType)}, and the only one is client_credentials`;
  throw new OAuthRefusal('unsupported_grant_type', 'The only grant type is client_credentials', explanation);
}

function invalidClient(cause: RefusalError): OAuthRefusal {
  return new OAuthRefusal('invalid_client', 'There is no such client, or its secret is wrong', undefined, cause);
}

function wrongMethod(method: string): OAuthRefusal {
  return new OAuthRefusal('invalid_request', 'Use the method POST', `The method is ${method}. Use POST`);
}
