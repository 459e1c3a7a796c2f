import { AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import { secondsToRecover } from '../issuers/provider-answer.js';
import type { JsonObject } from '../token/json-object.js';
import type { HttpAnswer } from '../upstream/http-client.js';
import { readRetryAfter } from '../upstream/http-exchange.js';
import { readTextClaim } from '../user/claim-map.js';
import type { ProviderTokens } from './provider-client.js';

/** What is known about a call of a token endpoint, to read its answer. */
export interface TokenCall {
  /** Names the provider in the log: `google`. */
  readonly preset: string;
  /** What the app has asked for: granted where the answer names no scopes (RFC 6749 §5.1). */
  readonly scopes: readonly string[];
  readonly now: Date;
  /** Further errors that say that a code is not accepted. @defaultValue [] */
  readonly refusedErrors?: readonly string[] | undefined;
}

/** The answer of a token endpoint to a good request. */
export interface TokenAnswer {
  readonly tokens: ProviderTokens;
  /** `null` where there is none. */
  readonly idToken: string | null;
}

/** Errors that say that the code or the refresh token is not, or no longer, accepted. */
const refusedErrors = [
  'invalid_grant',
  'bad_verification_code',
  'bad_refresh_token',
  'access_denied',
  'unverified_user_email',
];

/** Errors that last until somebody changes the registration or the options of the app, with what to change. */
export const configurationHints: ReadonlyMap<string, string> = new Map(
  Object.entries({
    invalid_client: 'clientId or clientSecret is wrong, or the provider wants another clientAuthentication',
    incorrect_client_credentials: 'clientId or clientSecret is wrong',
    unauthorized_client: 'the provider does not allow this clientId to sign people in by a code',
    unsupported_grant_type: 'the provider does not allow this clientId to sign people in by a code',
    redirect_uri_mismatch: 'register the callback address that the log has named at start at the provider',
    application_suspended: 'the provider has suspended this clientId',
    unsupported_response_type: 'the provider does not allow this clientId to sign people in by a code',
    unsupported_response_mode: "the provider does not send forms; leave responseMode: 'form_post' out",
    invalid_scope: 'the provider does not grant one of the scopes to this clientId',
  }),
);

/**
 * Reads the answer of a token endpoint (RFC 6749 §5), also in the forms that providers had before it, or still have: an error with status
 * 200, a form instead of JSON, numbers as texts, scopes with commas or as a list.
 *
 * @throws {RefusalError} `LOGIN_REFUSED` where the code or the refresh token is not accepted.
 * @throws {AuthUnavailableError} for any other error, and for what is no answer of a token endpoint.
 */
export function readTokenAnswer(answer: HttpAnswer, call: TokenCall): TokenAnswer {
  const body = toObject(answer.body);
  const error = errorOf(body);
  if (error !== null) throw toError(error, answer, call);
  const accessToken = body['access_token'];
  if (answer.status < 200 || answer.status > 299 || !isSendable(accessToken)) {
    throw unavailable(call, `answered with status ${answer.status} and no access token`, answer);
  }
  checkTokenType(body, answer, call);
  const tokens = {
    accessToken,
    refreshToken: readTextClaim(body, 'refresh_token'),
    expiresAt: readExpiry(body['expires_in'] ?? body['expires'], call.now),
    scopes: readGranted(body['scope']) ?? call.scopes,
  };
  return { tokens, idToken: readTextClaim(body, 'id_token') };
}

function toObject(body: unknown): JsonObject {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as JsonObject) : {};
}

/** The longest that any provider issues is about 4 KB. A header can hold it, and the platform's error would repeat it otherwise. */
function isSendable(token: unknown): token is string {
  return typeof token === 'string' && token.length <= 16_384 && /^[\x21-\x7e]+$/.test(token);
}

function checkTokenType(body: JsonObject, answer: HttpAnswer, call: TokenCall): void {
  const type = body['token_type'] ?? 'bearer';
  // RFC 6749 §7.1: a token of a type that the client does not understand must not be used.
  if (typeof type === 'string' && type.toLowerCase() === 'bearer') return;
  throw unavailable(call, 'has issued a token of another type than Bearer', answer);
}

const mostSeconds = 315_360_000;

function readExpiry(value: unknown, now: Date): Date | null {
  const seconds = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= mostSeconds)) return null;
  return new Date(now.getTime() + Math.floor(seconds) * 1_000);
}

function readGranted(scope: unknown): readonly string[] | null {
  const words: unknown = typeof scope === 'string' ? scope.split(/[\s,]+/) : scope;
  if (!Array.isArray(words)) return null;
  return words.filter((word): word is string => typeof word === 'string' && word !== '');
}

/** The error of an answer by the names of RFC 6749; `null` where the answer has none. */
function errorOf({ error }: JsonObject): string | null {
  if (typeof error === 'string' && error !== '') return error;
  return typeof error === 'object' && error !== null ? errorOfGraph(error as JsonObject) : null;
}

/** Facebook has numbers, which its documents list under "Handling Errors". */
function errorOfGraph({ code, error_subcode: subcode }: JsonObject): string {
  if (code === 100) return subcode === 36_008 ? 'redirect_uri_mismatch' : 'invalid_grant';
  if (code === 190) return 'invalid_grant';
  // 1 is a wrong secret here, and 101 an unknown app.
  return code === 1 || code === 101 ? 'invalid_client' : 'server_error';
}

function toError(error: string, answer: HttpAnswer, call: TokenCall): RefusalError | AuthUnavailableError {
  // A server that fails, or asks for a pause, decides nothing: what is kept must not be dropped for it.
  const isDecided = answer.status < 500 && answer.status !== 429;
  if (isDecided && (refusedErrors.includes(error) || call.refusedErrors?.includes(error) === true)) {
    return RefusalError.of('LOGIN_REFUSED', `${call.preset} does not accept the code or the refresh token: ${error}`);
  }
  const hint = configurationHints.get(error);
  if (hint !== undefined) return unavailable(call, `answered ${error}: ${hint}. Change ${call.preset}({ … })`, answer);
  // Only a word is repeated, because a text may hold anything.
  const shown = /^[\w.-]{1,60}$/.test(error) ? error : 'an error without a known name';
  return unavailable(call, `answered with status ${answer.status} and ${shown}`, answer);
}

function unavailable(
  { preset, now }: TokenCall,
  problem: string,
  { status, headers }: HttpAnswer,
): AuthUnavailableError {
  const asked = status === 429 ? readRetryAfter(headers.get('retry-after'), now) : undefined;
  return new AuthUnavailableError(`The token endpoint of ${preset} ${problem}`, asked ?? secondsToRecover);
}
