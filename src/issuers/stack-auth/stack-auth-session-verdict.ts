import { AuthUnavailableError, ConfigurationError, RefusalError } from '../../errors/auth-error.js';
import { logText } from '../../telemetry/log-text.js';
import type { JsonObject } from '../../token/json-object.js';
import type { HttpAnswer } from '../../upstream/http-client.js';
import { readRetryAfter } from '../../upstream/http-exchange.js';
import { secondsToRecover } from '../provider-answer.js';
import {
  faultOf,
  findMistake,
  type Mistake,
  mistakeOf,
  named,
  refusalOf,
  statusOf,
  unknownStatus,
} from './stack-auth-verdict.js';

/** A call that signs somebody in, or that concerns a session. */
export interface SessionQuestion {
  /** `POST /auth/password/sign-in` */
  readonly what: string;
  /** The access token that was sent; `null` where none was. */
  readonly accessToken: string | null;
  /** Whether a session is asked about, and there is no sign-in. */
  readonly isAboutSession: boolean;
  /** What the members of the body that the caller has given are called here, by their names in the API. */
  readonly members: Readonly<Record<string, string>>;
}

/** The seconds of a `Retry-After` that the API leaves out. */
const usualPauseSeconds = 5;
const notAccepted = 'it is not accepted';

type Details = JsonObject;
type Refuse = (details: Details, question: SessionQuestion) => Error;

const refuse =
  (code: Parameters<typeof RefusalError.of>[0], explanation: string, message?: string): Refuse =>
  () =>
    RefusalError.of(code, explanation, message);

const endedSession: Refuse = () =>
  RefusalError.session(
    'revoked',
    'Stack Auth says that its session has ended, has expired or never existed, or that its user was deleted',
  );
const absentUser: Refuse = (_, { accessToken }) =>
  accessToken === null
    ? RefusalError.of('NOT_FOUND', 'Stack Auth has no user with this id')
    : RefusalError.token('revoked', 'Stack Auth no longer has its user');
const off = (what: string): Refuse => refuse('NOT_FOUND', `The project does not have ${what} enabled`);
const botChallenge: Refuse = refuse(
  'ACCESS_DENIED',
  'The project asks for a bot challenge, which these calls do not pass on. Switch it off for the project, or sign up by the SDK of Stack Auth',
);

/** The codes of the API that concern the caller, and what they are answered with. */
const refusals: ReadonlyMap<string, Refuse> = new Map<string, Refuse>([
  [
    'EMAIL_PASSWORD_MISMATCH',
    refuse('INVALID_CREDENTIALS', 'Stack Auth does not know the e-mail, or the password is another'),
  ],
  ['USER_DOES_NOT_HAVE_PASSWORD', refuse('INVALID_CREDENTIALS', 'The user has no password')],
  [
    'PASSKEY_AUTHENTICATION_FAILED',
    refuse('INVALID_CREDENTIALS', 'Stack Auth does not accept the passkey', 'The passkey is not accepted'),
  ],
  [
    'PASSKEY_WEBAUTHN_ERROR',
    refuse('INVALID_CREDENTIALS', 'The answer of the passkey breaks a rule of WebAuthn', 'The passkey is not accepted'),
  ],
  [
    'MULTI_FACTOR_AUTHENTICATION_REQUIRED',
    ({ attempt_code: code }) =>
      typeof code === 'string' && code !== ''
        ? RefusalError.secondFactor(code, 'The user has a second factor')
        : unavailable('Stack Auth asks for a second factor, and names no attempt'),
  ],
  ['INVALID_TOTP_CODE', refuse('INVALID_CODE', 'It is not the code of the authenticator app at this time')],
  ['VERIFICATION_CODE_NOT_FOUND', refuse('INVALID_CODE', 'Stack Auth knows no such code')],
  ['VERIFICATION_CODE_EXPIRED', refuse('INVALID_CODE', 'The code has expired')],
  ['VERIFICATION_CODE_ALREADY_USED', refuse('INVALID_CODE', 'The code was used already')],
  ['VERIFICATION_CODE_MAX_ATTEMPTS_REACHED', refuse('INVALID_CODE', 'Too many wrong codes have ended it')],
  [
    'INVALID_AUTHORIZATION_CODE',
    refuse('INVALID_CODE', 'The code of the login is wrong, was used, has expired or has another verifier'),
  ],
  [
    'USER_EMAIL_ALREADY_EXISTS',
    refuse('EMAIL_TAKEN', 'Stack Auth has a user with this e-mail who signs in in another way'),
  ],
  [
    'CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE',
    refuse('EMAIL_TAKEN', 'Another user signs in with this e-mail'),
  ],
  [
    'OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER',
    refuse('IDENTITY_TAKEN', 'Another user signs in with this account of the provider'),
  ],
  ['PASSWORD_TOO_SHORT', refuse('WEAK_PASSWORD', 'Stack Auth asks for a longer password', 'The password is too short')],
  [
    'PASSWORD_TOO_LONG',
    (details, { members }) =>
      RefusalError.input([{ path: members['password'] ?? 'password', message: tooLongMessage(details) }]),
  ],
  ['PASSWORD_AUTHENTICATION_NOT_ENABLED', off('passwords')],
  ['PASSKEY_AUTHENTICATION_NOT_ENABLED', off('passkeys')],
  ['SIGN_UP_NOT_ENABLED', off('sign-up')],
  ['OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED', off('this provider')],
  ['SIGN_UP_REJECTED', refuse('ACCESS_DENIED', 'A sign-up rule of the project rejects this person')],
  ['BOT_CHALLENGE_REQUIRED', botChallenge],
  ['BOT_CHALLENGE_FAILED', botChallenge],
  ['OAUTH_PROVIDER_ACCESS_DENIED', refuse('LOGIN_REFUSED', 'The person, or the provider, has declined')],
  ['PROVIDER_REJECTED', refuse('LOGIN_REFUSED', 'The provider has rejected the login')],
  ['OUTER_OAUTH_TIMEOUT', refuse('LOGIN_STATE', 'The login began too long ago')],
  ['REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED', endedSession],
  ['CANNOT_GET_OWN_USER_WITHOUT_USER', absentUser],
  ['USER_NOT_FOUND', absentUser],
  ['USER_ID_DOES_NOT_EXIST', absentUser],
]);

/** Codes of faults that only these calls have. */
const mistakes: ReadonlyMap<string, Mistake> = new Map<string, Mistake>([
  [
    'REDIRECT_URL_NOT_WHITELISTED',
    {
      option: 'AuthModule.forRoot({ publicUrl }) and StackAuthModule.forRoot({ links })',
      problem:
        'the address that it leads back to is at none of the trusted domains of the project; add its domain there',
    },
  ],
  [
    'INVALID_OAUTH_CLIENT_ID_OR_SECRET',
    {
      option: 'stackAuth({ projectId }) and stackAuth({ publishableClientKey })',
      problem: 'the project does not exist, or the key is another',
    },
  ],
  ['INVALID_SCOPE', { option: 'stackAuth({ baseUrl })', problem: 'the server may be of another version' }],
]);

/**
 * Reads the answer to a call: its body. It is decided by the error code first, and by the status only for codes that are not known.
 *
 * @throws {RefusalError} when the caller was refused.
 * @throws {AuthUnavailableError} when the app was refused: names the option to correct.
 * @throws {UpstreamFailure} when the API has failed.
 */
export function readSessionVerdict(answer: HttpAnswer, question: SessionQuestion, now: Date): unknown {
  const status = statusOf(answer);
  const code = named(answer, 'known-error');
  if (code === null && status >= 200 && status < 300) return answer.body;
  if (status === 429) {
    const seconds = readRetryAfter(answer.headers.get('retry-after'), now) ?? usualPauseSeconds;
    throw RefusalError.tooMany(seconds, `Stack Auth limits the rate of ${question.what}`, 'Too many attempts');
  }
  throw code === null
    ? withoutCode(status, answer, question)
    : withCode(status, code, detailsOf(answer.body), question);
}

/**
 * What the code means by which the API ends a login that has failed at the provider, or on the way back from it. It comes by the browser:
 * only the log may tell more than the page, and a `ConfigurationError` has one of few texts.
 */
export function readLoginError(code: string): Error {
  const mistake = mistakes.get(code) ?? findMistake(code);
  if (mistake !== undefined) {
    const problem = `Stack Auth refuses a login (${code}): ${mistake.problem}`;
    return new ConfigurationError(mistake.option, problem, 'Correct it');
  }
  return withCode(400, code, {}, { what: 'a login', accessToken: null, isAboutSession: false, members: {} });
}

function withCode(status: number, code: string, details: Details, question: SessionQuestion): Error {
  const { what, accessToken: token } = question;
  const mistake = mistakes.get(code);
  if (mistake !== undefined) return faultOf(mistake, code, what);
  return (
    refusals.get(code)?.(details, question) ??
    (code === 'SCHEMA_ERROR' ? refusalOfSchema(details, question) : undefined) ??
    refusalOf(code, { what, token }) ??
    mistakeOf(code, { what }) ??
    byStatus(status, code, question)
  );
}

/** What the API refuses without a code is text: a feature that is off. What comes from a proxy in front of it says nothing. */
function withoutCode(status: number, answer: HttpAnswer, question: SessionQuestion): Error {
  const isOfApi = named(answer, 'request-id') !== null;
  if (isOfApi && status === 403) {
    return RefusalError.of(
      'NOT_FOUND',
      `Stack Auth refuses ${question.what} without a code: the project does not have it enabled`,
    );
  }
  return unknownStatus(status, null, { what: question.what });
}

/** New codes appear often. Their status says whose fault it is. */
function byStatus(status: number, code: string, { what, isAboutSession, accessToken }: SessionQuestion): Error {
  const explanation = `Stack Auth answered ${what} with status ${status} and an unknown code (${logText(code)})`;
  if (status === 401 && (isAboutSession || accessToken !== null)) return RefusalError.session('revoked', explanation);
  if (status === 401) return RefusalError.of('INVALID_CREDENTIALS', explanation);
  if (status === 403) return RefusalError.of('ACCESS_DENIED', explanation);
  if (status === 404) return RefusalError.of('NOT_FOUND', explanation);
  if (status >= 400 && status < 500) {
    return RefusalError.input([{ path: '', message: notAccepted }], explanation);
  }
  return unknownStatus(status, code, { what });
}

/** The API names the members that break a rule, in a text: `body.email must be a valid email`. */
function refusalOfSchema({ message }: Details, { members }: SessionQuestion): RefusalError | undefined {
  const text = typeof message === 'string' ? message : '';
  const wrong = new Set([...text.matchAll(/\bbody\.(\w+)/g)].map(([, name = '']) => members[name] ?? null));
  const fields = [...wrong].flatMap((path) => (path === null ? [] : [{ path, message: notAccepted }]));
  return fields.length === 0 || wrong.has(null) ? undefined : RefusalError.input(fields);
}

function tooLongMessage({ maxLength, max_length: other }: Details): string {
  const most = typeof maxLength === 'number' ? maxLength : other;
  return typeof most === 'number' ? `at most ${most} characters are expected` : 'it is too long';
}

function detailsOf(body: unknown): Details {
  const details = typeof body === 'object' && body !== null ? (body as Details)['details'] : undefined;
  return typeof details === 'object' && details !== null ? (details as Details) : {};
}

function unavailable(explanation: string): AuthUnavailableError {
  return new AuthUnavailableError(explanation, secondsToRecover);
}
