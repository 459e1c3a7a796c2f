import { AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import type { HttpAnswer } from '../upstream/http-client.js';
import { readTextClaim } from '../user/claim-map.js';
import { secondsToRecover } from './provider-answer.js';

const credentials = 'introspection: { clientId, clientSecret }';

/** The types of the members of an answer, when they are present (RFC 7662 §2.2). */
const rules: Readonly<Record<string, (value: unknown) => boolean>> = {
  sub: isText,
  iss: isText,
  scope: (value) => isText(value) || isTexts(value),
  client_id: isText,
  username: isText,
  token_type: isText,
  aud: (value) => isText(value) || isTexts(value),
  exp: Number.isFinite,
  iat: Number.isFinite,
  nbf: Number.isFinite,
};

/**
 * Reads the claims of a token from the answer of an introspection endpoint (RFC 7662 §2.2), without `active`.
 *
 * @param issuer names it in the log.
 * @throws {RefusalError} when the token is not active, or is not an access token.
 * @throws {AuthUnavailableError} for every other answer: names the option to correct, and repeats nothing of the answer.
 */
export function readIntrospection(answer: HttpAnswer, issuer: string): JsonObject {
  const endpoint = `The introspection endpoint of ${issuer}`;
  const problem = findProblem(answer);
  if (problem !== undefined) throw new AuthUnavailableError(`${endpoint} ${problem}`, secondsToRecover);
  const { active, ...members } = answer.body as JsonObject;
  if (active === false) {
    throw RefusalError.token(
      'revoked',
      `Asked about it, ${issuer} says that it is not active: revoked, over, or never issued`,
    );
  }
  const claims = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
  checkUse(claims);
  return claims;
}

function findProblem(answer: HttpAnswer): string | undefined {
  if (answer.status !== 200) return describeRefusal(answer);
  const { body } = answer;
  // RFC 9701: the answer itself is a signed JWT, for clients that were registered for it.
  if (/^application\/(?:token-introspection\+)?jwt\b/i.test(answer.headers.get('content-type') ?? '')) {
    return 'answers with a signed JWT, which is not read. Register the client without introspection_signed_response_alg, so that it answers in JSON';
  }
  if (!isObject(body)) return 'did not answer with a JSON object';
  if (typeof body['active'] !== 'boolean') return 'did not say whether the token is active';
  const wrong = Object.keys(rules).find((name) => (body[name] ?? null) !== null && rules[name]?.(body[name]) !== true);
  return wrong === undefined ? undefined : `gave a "${wrong}" that is not of the form of RFC 7662`;
}

/** None of these concerns the token: an endpoint says with status 200 that a token is not active. */
function describeRefusal({ status, body }: HttpAnswer): string {
  const error = isObject(body) ? body['error'] : undefined;
  if (error === 'unsupported_token_type') {
    return "does not take this kind of token, a JWT perhaps. Set verify: 'local', so that JWTs are judged by their signature";
  }
  if (status === 401 || status === 403 || error === 'invalid_client') {
    return `does not accept oidc({ ${credentials} }), or does not let this client ask (status ${status}). Check them`;
  }
  return `answered with status ${status}. Check oidc({ introspection: { endpoint } }) and ${credentials}`;
}

/**
 * Refresh and ID tokens are active, too, and none of them may be used as an access token. One that requires the proof of a key says so by its
 * `cnf` (RFC 9449 §6.2), which the schemes check.
 */
function checkUse(claims: JsonObject): void {
  const type = readTextClaim(claims, 'token_type');
  const isBound = type !== null && /^dpop$/i.test(type) && Object.hasOwn(claims, 'cnf');
  if (type !== null && !isBound && !/^(?:bearer|access_token)$/i.test(type)) throw wrongUse(type);
  const other = ['token_use', 'typ'].map((name) => readTextClaim(claims, name) ?? '').find(isOtherUse);
  if (other !== undefined) throw wrongUse(other);
}

/** The names that Hydra and Keycloak use. Keycloak's "Offline" is a refresh token that outlives the session. */
function isOtherUse(use: string): boolean {
  return /refresh|offline|logout|^id(?:_token)?$/i.test(use);
}

function wrongUse(said: string): RefusalError {
  return RefusalError.token('type', `Expected an access token for a bearer, the issuer says ${logText(said)}`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}
