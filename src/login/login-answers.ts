import { type AuthErrorCode, isAuthError, isConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { FormBody } from '../issuing/form-body.js';
import type { RequestView } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { describeThrown } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';

/** What a provider has answered, as a request states it. */
export interface LoginAnswer {
  readonly state: string;
  readonly code: string | null;
  readonly error: string | null;
  /** RFC 9207 */
  readonly issuer: string | null;
}

/** Longer than any provider's. Nothing longer is sent on to one. */
const longestParameter = 8_192;

/** The query of a request. */
export function readQuery({ url }: RequestView): URLSearchParams {
  const text = url ?? '';
  const at = text.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : text.slice(at + 1));
}

/** Reads the answer of a provider from a query. What else the query has is the provider's own business. */
export function fromQuery(query: URLSearchParams): LoginAnswer {
  return readAnswer((name) => query.getAll(name));
}

/** The same for a form (OAuth 2.0 Form Post Response Mode). */
export function fromForm(form: FormBody): LoginAnswer {
  return readAnswer((name) => form.get(name) ?? []);
}

/** RFC 6749 §3.1: a parameter comes once. One that comes several times is treated like one that is missing. */
function readAnswer(valuesOf: (name: string) => readonly string[]): LoginAnswer {
  const read = (name: string): string | null => {
    const [value, ...others] = valuesOf(name);
    return value === undefined || others.length > 0 || value.length > longestParameter ? null : value;
  };
  // Without this, an answer could hide the issuer that it is from.
  const issuers = valuesOf('iss');
  return {
    state: read('state') ?? '',
    code: read('code'),
    error: read('error'),
    issuer: issuers.length > 1 ? '' : (issuers[0] ?? null),
  };
}

/**
 * Reads the answer that a frontend sends on as JSON, with what the client has kept of the attempt.
 *
 * @throws {RefusalError} `INVALID_INPUT` for a member that is missing or no text.
 */
export function fromBody(body: JsonObject): { readonly answer: LoginAnswer; readonly sealed: string | null } {
  const read = (path: string): string | null => {
    const value = body[path] ?? null;
    if (value === null) return null;
    if (typeof value === 'string' && value !== '' && value.length <= longestParameter) return value;
    throw RefusalError.input([{ path, message: `a text of 1 to ${longestParameter} characters is expected` }]);
  };
  const answer = { state: read('state') ?? '', code: read('code'), error: read('error'), issuer: read('iss') };
  const missing = [
    ...(answer.state === '' ? ['state'] : []),
    ...((answer.code ?? answer.error) === null ? ['code'] : []),
  ];
  if (missing.length > 0) throw RefusalError.input(missing.map((path) => ({ path, message: 'it is missing' })));
  return { answer, sealed: read('attempt') };
}

/** How a login has ended, as its page learns it. */
export type LoginOutcome = { readonly new: '1' } | { readonly error: LoginErrorCode } | Readonly<Record<string, never>>;

/**
 * The address of a page with the outcome of a login, in the place of what the address says of one. What else it has is left as it is written,
 * because it may be signed.
 */
export function withOutcome(address: string, outcome: LoginOutcome): string {
  const [page = '', ...fragment] = address.split('#');
  const [path = '', ...query] = page.split('?');
  const own = query
    .join('?')
    .split('&')
    .filter((pair) => pair !== '' && !['new', 'error'].some((name) => new URLSearchParams(pair).has(name)));
  const pairs = [...own, ...Object.entries(outcome).map(([name, value]) => `${name}=${value}`)];
  return [pairs.length === 0 ? path : `${path}?${pairs.join('&')}`, ...fragment].join('#');
}

/** What a page learns about a login that has failed. */
export type LoginErrorCode =
  | 'access_denied'
  | 'login_state'
  | 'email_taken'
  | 'identity_taken'
  | 'temporarily_unavailable'
  // Only by Stack Auth, whose accounts may have a second factor.
  | 'mfa_required';

/** What a page learns about errors of these codes; any other one refuses the person. */
const loginErrorCodes: Readonly<Partial<Record<AuthErrorCode, LoginErrorCode>>> = {
  LOGIN_STATE: 'login_state',
  EMAIL_TAKEN: 'email_taken',
  IDENTITY_TAKEN: 'identity_taken',
  TOO_MANY_ATTEMPTS: 'temporarily_unavailable',
  SERVER_ERROR: 'temporarily_unavailable',
  CONFIGURATION_ERROR: 'temporarily_unavailable',
};

/** What a page learns about an error. One that is no decision about the person is a fault, for which they may try again. */
export function toLoginErrorCode(error: unknown): LoginErrorCode {
  if (isAuthError(error)) return loginErrorCodes[error.code] ?? 'access_denied';
  return isRefusalOfTheApp(error) ? 'access_denied' : 'temporarily_unavailable';
}

/** An `HttpException` of Nest with a status below 500, of whatever copy of Nest. */
export function isRefusalOfTheApp(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('getStatus' in error)) return false;
  const { getStatus } = error;
  const status: unknown = typeof getStatus === 'function' ? getStatus.call(error) : null;
  return typeof status === 'number' && status >= 400 && status < 500;
}

/** Reports why a login has failed, where the answer does not say it. What the app has refused is known to the app. */
export function reportLoginFailure(report: ReportEvent, handler: string, error: unknown): void {
  if (isAuthError(error)) {
    const { code, reason, explanation } = error;
    if (isConfigurationError(error)) report({ type: 'misconfigured', problem: explanation, fix: error.fix });
    else report({ type: 'refused', code, reason, explanation, handler, anonymous: false });
    return;
  }
  if (isRefusalOfTheApp(error)) return;
  const { problem, frames } = describeThrown(error, null);
  report({ type: 'rule-failed', rule: 'A function of the app', handler, problem, frames });
}
