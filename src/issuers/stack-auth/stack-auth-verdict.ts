import { AuthUnavailableError, isRefusal, RefusalError, type RefusalReason } from '../../errors/auth-error.js';
import { logText } from '../../telemetry/log-text.js';
import { parseToken } from '../../token/parse-token.js';
import type { HttpAnswer } from '../../upstream/http-client.js';
import { UpstreamFailure } from '../../upstream/upstream-failure.js';
import { secondsToRecover } from '../provider-answer.js';
import { hintForKind } from './stack-auth-claims.js';

/** A call to the API, which decides what its answer means. */
export interface StackAuthQuestion {
  /** `GET /users/me` */
  readonly what: string;
  /** The caller's token, when it was sent. */
  readonly token: string | null;
  /** Whether an API key is asked about. */
  readonly isAboutKey?: true;
}

/** Codes that say that the user does not exist. The look-up of a deleted user with their own token is a 400. */
const absent: ReadonlySet<string> = new Set([
  'CANNOT_GET_OWN_USER_WITHOUT_USER',
  'USER_NOT_FOUND',
  'USER_ID_DOES_NOT_EXIST',
]);

/** Codes that concern the caller's token. */
const refusals: ReadonlyMap<string, readonly [RefusalReason, string]> = new Map([
  ['ACCESS_TOKEN_EXPIRED', ['expired', 'Stack Auth says that it has expired']],
  ['INVALID_PROJECT_FOR_ACCESS_TOKEN', ['issuer', 'It is of another project than stackAuth({ projectId })']],
  ['ANONYMOUS_AUTHENTICATION_NOT_ALLOWED', ['issuer', hintForKind('anonymous')]],
  ['RESTRICTED_USER_NOT_ALLOWED', ['issuer', hintForKind('restricted')]],
  ['USER_AUTHENTICATION_REQUIRED', ['revoked', 'Stack Auth no longer has a user for it']],
]);

/** Codes that concern an API key. */
const keyRefusals: ReadonlyMap<string, Parameters<typeof RefusalError.apiKey>> = new Map([
  ['API_KEY_NOT_FOUND', ['key', 'Stack Auth knows no such key in this project']],
  ['WRONG_API_KEY_TYPE', ['key', 'It is a key of a team in the form of a key of a user, or the other way round']],
  ['API_KEY_REVOKED', ['revoked', 'Stack Auth says that it was revoked']],
  ['API_KEY_EXPIRED', ['expired', 'Stack Auth says that it has expired']],
]);

const projectId = 'stackAuth({ projectId })';
const secretServerKey = 'stackAuth({ secretServerKey }), or STACK_SECRET_SERVER_KEY';
const publishableClientKey = 'stackAuth({ publishableClientKey }), or STACK_PUBLISHABLE_CLIENT_KEY';
const baseUrl = 'stackAuth({ baseUrl })';

/** What is wrong with the configuration of the app, or of its project. */
export interface Mistake {
  /** The option to correct. */
  readonly option: string;
  readonly problem: string;
}

const foreign: Mistake = {
  option: baseUrl,
  problem: 'this server does not understand the call; it may be of another version',
};
const keyWanted: Mistake = {
  option: publishableClientKey,
  problem: 'the project requires its publishable client key',
};

/** Codes that concern the configuration of the app. */
const mistakes: ReadonlyMap<string, Mistake> = new Map<string, Mistake>([
  ['INVALID_SECRET_SERVER_KEY', { option: secretServerKey, problem: 'it is not the key of this project' }],
  ['SERVER_AUTHENTICATION_REQUIRED', { option: secretServerKey, problem: 'the key is missing' }],
  ['INSUFFICIENT_ACCESS_TYPE', { option: secretServerKey, problem: 'the call requires server access' }],
  ['INVALID_PUBLISHABLE_CLIENT_KEY', { option: publishableClientKey, problem: 'it is not the key of this project' }],
  ['CLIENT_AUTHENTICATION_REQUIRED', keyWanted],
  ['PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT', keyWanted],
  ['CURRENT_PROJECT_NOT_FOUND', { option: projectId, problem: 'there is no such project' }],
  ['BRANCH_DOES_NOT_EXIST', { option: projectId, problem: 'the project has no main branch' }],
  ['SCHEMA_ERROR', foreign],
  ['BODY_PARSING_ERROR', foreign],
  ['ALL_OVERLOADS_FAILED', foreign],
  ['ACCESS_TYPE_REQUIRED', foreign],
  ['INVALID_ACCESS_TYPE', foreign],
  ['PROJECT_KEY_WITHOUT_ACCESS_TYPE', foreign],
  ['ACCESS_TYPE_WITHOUT_PROJECT_ID', foreign],
  ['ADMIN_AUTHENTICATION_REQUIRED', foreign],
]);

/**
 * Reads an answer of Stack Auth: the body, or `null` when there is no such user. It is decided by the error code, never
 * by the status alone: a deleted user is a 400, and a 401 may also mean that a key of the app is wrong.
 *
 * @throws {RefusalError} when the caller's token was refused.
 * @throws {AuthUnavailableError} when the app was refused: names the option to correct.
 */
export function readVerdict(answer: HttpAnswer, question: StackAuthQuestion): { readonly body: unknown } | null {
  const status = statusOf(answer);
  const code = named(answer, 'known-error');
  if (code === null && status >= 200 && status < 300) return { body: answer.body };
  if (question.isAboutKey !== true && code !== null && saysAbsent(code, status)) return null;
  throw refusalOf(code, question) ?? mistakeOf(code, question) ?? fallBack(status, code, question);
}

function saysAbsent(code: string, status: number): boolean {
  return absent.has(code) || (status === 404 && !mistakes.has(code));
}

/** The actual status is in a header when the status line was changed to 200 for browsers. */
export function statusOf(answer: HttpAnswer): number {
  const actual = named(answer, 'actual-status');
  return actual !== null && /^[1-5]\d\d$/.test(actual) ? Number(actual) : answer.status;
}

/** A header by the provider's new name, or by its old one. */
export function named({ headers }: HttpAnswer, name: string): string | null {
  return headers.get(`x-hexclave-${name}`) ?? headers.get(`x-stack-${name}`);
}

/** The refusal of the credential that was sent; `undefined` for codes that do not concern it. */
export function refusalOf(code: string | null, { token, isAboutKey }: StackAuthQuestion): RefusalError | undefined {
  if (code === null) return undefined;
  if (isAboutKey === true) {
    const refused = keyRefusals.get(code);
    return refused && RefusalError.apiKey(...refused);
  }
  if (token === null) return undefined;
  if (code === 'UNPARSABLE_ACCESS_TOKEN') return unparsable(token);
  const known = refusals.get(code);
  return known && RefusalError.token(...known);
}

/** This code means either a malformed token or a wrong signature; whether it is malformed can be decided here. */
function unparsable(token: string): RefusalError {
  try {
    parseToken(token);
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
  return RefusalError.token('signature', 'Stack Auth says that its signature does not verify');
}

/** `undefined` for codes that do not concern the configuration of the app. */
export function findMistake(code: string): Mistake | undefined {
  return mistakes.get(code);
}

/** The fault of the app; `undefined` for codes that do not concern its configuration. */
export function mistakeOf(
  code: string | null,
  { what }: Pick<StackAuthQuestion, 'what'>,
): AuthUnavailableError | undefined {
  const mistake = code === null ? undefined : findMistake(code);
  return code === null || mistake === undefined ? undefined : faultOf(mistake, code, what);
}

/** The fault that a mistake is for the calls of an app. */
export function faultOf({ option, problem }: Mistake, code: string, what: string): AuthUnavailableError {
  return new AuthUnavailableError(
    `Stack Auth refuses ${what} (${code}): ${problem}. Check ${option}`,
    secondsToRecover,
  );
}

/**
 * Unknown codes are decided by the status. A 401 or 403 with a code comes from the API itself and concerns the token that
 * was sent; without a code it may come from a proxy, and says nothing about the caller.
 */
function fallBack(status: number, code: string | null, question: StackAuthQuestion): Error {
  const { what, token } = question;
  if (code !== null && token !== null && (status === 401 || status === 403)) {
    return RefusalError.token('revoked', `Stack Auth answered ${what} ${describe(status, code)}`);
  }
  return unknownStatus(status, code, question);
}

/** The fault that an unknown answer is. */
export function unknownStatus(
  status: number,
  code: string | null,
  { what, isAboutKey }: Omit<StackAuthQuestion, 'token'>,
): Error {
  const said = describe(status, code);
  if (status === 429 || status >= 500) {
    return new UpstreamFailure(status === 429 ? 'rate-limited' : 'status', `Stack Auth answered ${said}`, status);
  }
  const hint = isAboutKey === true ? ', and whether the project has API keys enabled' : '';
  return new AuthUnavailableError(
    `Stack Auth answered ${what} ${said}. Check ${baseUrl} and ${projectId}${hint}`,
    secondsToRecover,
  );
}

function describe(status: number, code: string | null): string {
  return code === null ? `with status ${status}` : `with status ${status} and an unknown code (${logText(code)})`;
}
