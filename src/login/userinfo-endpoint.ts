import { AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import { secondsToRecover } from '../issuers/provider-answer.js';
import { deepFreeze, type JsonObject } from '../token/json-object.js';
import type { AuthContext } from '../upstream/auth-context.js';
import type { HttpAnswer } from '../upstream/http-client.js';
import { readTextClaim } from '../user/claim-map.js';
import type { LoginProvider } from './login-provider.js';
import type { ProviderEndpoints } from './provider-endpoints.js';

const noClaims: JsonObject = Object.freeze({});

/** The userinfo endpoint of a provider (OpenID Connect Core 1.0 §5.3), or the address of an API that serves as one. */
export class UserinfoEndpoint {
  constructor(
    private readonly provider: LoginProvider,
    private readonly endpoints: ProviderEndpoints,
    private readonly context: AuthContext,
  ) {}

  /**
   * Gets what the ID token lacks. The endpoint is not called for a token that has an address and a name.
   *
   * @param claims of the ID token; `null` for a provider that issues none
   * @throws {RefusalError} `LOGIN_REFUSED` where the answer is about another person, or the access token is not accepted.
   * @throws {AuthUnavailableError} for any other answer than claims.
   */
  async complete(claims: JsonObject | null, accessToken: string, secret: string): Promise<JsonObject> {
    if (claims !== null && isComplete(claims)) return noClaims;
    const { parameters } = this.provider.userinfo;
    const call = { method: 'GET', headers: this.headersFor(accessToken), caller: accessToken } as const;
    const answer = await this.endpoints.call('userinfo_endpoint', call, parameters?.(accessToken, secret));
    if (answer === null) {
      if (claims === null) throw this.endpoints.missing('userinfo_endpoint');
      return noClaims;
    }
    const userinfo = this.readClaims(answer);
    // §5.3.2: unless the two are identical, the answer must not be used.
    if (claims !== null && userinfo['sub'] !== claims['sub']) {
      const problem = 'The userinfo endpoint has answered about another person than the ID token';
      throw RefusalError.of('LOGIN_REFUSED', `${this.provider.preset}: ${problem}`);
    }
    return deepFreeze({ ...userinfo, ...(await this.addition(accessToken)) });
  }

  private async addition(accessToken: string): Promise<JsonObject> {
    const { addition } = this.provider.userinfo;
    if (addition === undefined) return noClaims;
    const { member, url } = addition;
    const call = { method: 'GET', url, headers: this.headersFor(accessToken), caller: accessToken } as const;
    const answer = await this.context.providerClient(url).call(call);
    if (answer.status === 200 && answer.body !== undefined) return { [member]: answer.body };
    // The person may have granted less than was asked for.
    if ((answer.status === 403 || answer.status === 404) && !isLimited(answer)) return noClaims;
    throw this.unavailable(answer);
  }

  private headersFor(accessToken: string): Readonly<Record<string, string>> {
    return { ...this.provider.userinfo.headers, authorization: `Bearer ${accessToken}` };
  }

  private readClaims(answer: HttpAnswer): JsonObject {
    const { status, body } = answer;
    if (status === 200 && typeof body === 'object' && body !== null && !Array.isArray(body)) return body as JsonObject;
    if ((status === 401 || status === 403) && !isLimited(answer)) {
      const problem = `The userinfo endpoint of ${this.provider.preset} does not accept the access token (status ${status})`;
      throw RefusalError.of('LOGIN_REFUSED', problem);
    }
    throw this.unavailable(answer);
  }

  private unavailable({ status, headers }: HttpAnswer): AuthUnavailableError {
    const isSigned = /^application\/jwt\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
    const hint = isSigned ? ': a signed JWT. Register the client without userinfo_signed_response_alg' : '';
    const problem = `answered with status ${status} and no claims in JSON${hint}`;
    return new AuthUnavailableError(`The userinfo endpoint of ${this.provider.preset} ${problem}`, secondsToRecover);
  }
}

function isComplete(claims: JsonObject): boolean {
  return readTextClaim(claims, 'email') !== null && readTextClaim(claims, 'name') !== null;
}

/** GitHub answers 403 to an app that calls too often. */
function isLimited({ headers }: HttpAnswer): boolean {
  return headers.get('retry-after') !== null || headers.get('x-ratelimit-remaining') === '0';
}
