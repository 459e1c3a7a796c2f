import type { AuthError, AuthErrorCode, FieldProblem, RefusalReason } from '../errors/auth-error.js';
import { withPage } from '../errors/docs-url.js';
import type { RequestView } from '../request/request-view.js';

/** The body of every error response. */
export interface AnswerBody {
  readonly statusCode: number;
  readonly error: string;
  readonly message: string;
  readonly code: AuthErrorCode;
  readonly reason?: RefusalReason;
  /** With `INVALID_INPUT`: what is wrong with which member of the body or the query. */
  readonly fields?: readonly FieldProblem[];
  /** With `MFA_REQUIRED`: what the client sends back with the second factor. */
  readonly attemptCode?: string;
  /** Only with `explainInAnswers`, and never in production: what the log says. */
  readonly explanation?: string;
}

/** Header lines in the order in which they are sent; one name may occur several times. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** The response to an error, as data. Each transport sends it in its own form. */
export interface Answer {
  readonly status: AnswerStatus;
  readonly headers: HeaderLines;
  readonly body: AnswerBody;
}

/** The body of an error response on a transport without headers. It also contains what the headers state on HTTP. */
export interface HeaderlessBody extends AnswerBody {
  /** The scopes that the route requires, separated by spaces, as in the challenge (RFC 6750 §3). */
  readonly scope?: string;
  /** Values of `acr` of which the token needs one, separated by spaces, as in the challenge (RFC 9470 §3). */
  readonly acrValues?: string;
  /** The longest that the sign-in may be ago. */
  readonly maxAgeSeconds?: number;
  readonly retryAfterSeconds?: number;
}

/** A challenge (RFC 9110 §11.6.1). Its parameters are sent in their order. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds the metadata of the protected resource that a request belongs to (RFC 9728). */
export interface ResourceFinder {
  /** `null` for a request outside of all resources. */
  findMetadataUrl(request: RequestView): string | null;
}

/** Creates the challenges in responses. Each authentication scheme of the app is one. */
export interface Challenger {
  challenge(error: AuthError, request: RequestView | null): Challenge | null;
}

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

export type AnswerStatus = keyof typeof titles;

const statuses: Readonly<Record<AuthErrorCode, AnswerStatus>> = {
  MISSING_TOKEN: 401,
  INVALID_REQUEST: 400,
  INVALID_TOKEN: 401,
  INSUFFICIENT_SCOPE: 403,
  ACCESS_DENIED: 403,
  INVALID_INPUT: 400,
  NOT_FOUND: 404,
  TOO_MANY_ATTEMPTS: 429,
  INVALID_CREDENTIALS: 401,
  PASSWORD_REQUIRED: 401,
  MFA_REQUIRED: 401,
  STEP_UP_REQUIRED: 401,
  LOGIN_REFUSED: 401,
  LOGIN_STATE: 400,
  INVALID_CODE: 400,
  WEAK_PASSWORD: 400,
  EMAIL_TAKEN: 409,
  USERNAME_TAKEN: 409,
  IDENTITY_TAKEN: 409,
  GROUP_EXISTS: 409,
  LAST_SIGN_IN_METHOD: 409,
  USE_DPOP_NONCE: 401,
  SERVER_ERROR: 503,
  CONFIGURATION_ERROR: 500,
};

const noLines: HeaderLines = Object.freeze([]);

/** Turns errors into responses: status, headers and body. The texts are fixed and contain nothing from the request. */
export class ErrorAnswers {
  /**
   * @param challengers in the order in which their challenges are sent
   * @param resources of an app that publishes metadata about itself; `null` for any other
   */
  constructor(
    private readonly challengers: readonly Challenger[],
    private readonly resources: ResourceFinder | null = null,
    /** Whether bodies have the explanation of the log. */
    private readonly explains = false,
  ) {}

  /**
   * @param request the request that the error belongs to; `null` when it is not known
   * @param scopes the scopes that the called route requires
   */
  toAnswer(error: AuthError, request: RequestView | null, scopes: readonly string[] = []): Answer {
    const { code } = error;
    const { explains } = this;
    const body = explains ? { ...bodyOf(error), explanation: explain(error) } : bodyOf(error);
    const seconds = retryAfterOf(error);
    const retryAfter: HeaderLines = seconds === null ? noLines : [['Retry-After', String(seconds)]];
    const challenges = isChallenged(code) ? this.challengesFor(error, request, scopes) : noLines;
    return { status: statusOf(error), headers: [...challenges, ...nonceOf(error), ...retryAfter], body };
  }

  /** The `WWW-Authenticate` lines, which state why the client was refused and which schemes it can use. */
  challengesFor(error: AuthError, request: RequestView | null, scopes: readonly string[] = []): HeaderLines {
    const challenges = this.challengers.flatMap((challenger) => challenger.challenge(error, request) ?? []);
    const metadataUrl = this.findMetadataUrl(error, request);
    if (metadataUrl === null) return challenges.map(toLine);
    return [...challenges.map((one) => toLine(withResource(one, metadataUrl, scopes))), exposedChallenge];
  }

  private findMetadataUrl(error: AuthError, request: RequestView | null): string | null {
    if (this.resources === null || request === null) return null;
    const leadsToToken = statusOf(error) === 401 || error.code === 'INSUFFICIENT_SCOPE';
    return leadsToToken ? this.resources.findMetadataUrl(request) : null;
  }
}

/** The body of the response to an error on a transport without headers. */
export function toHeaderlessBody(error: AuthError): HeaderlessBody {
  const seconds = retryAfterOf(error);
  return {
    ...bodyOf(error),
    ...scopeOf(error),
    ...signInOf(error),
    ...(seconds !== null && { retryAfterSeconds: seconds }),
  };
}

/** The HTTP status of the response to an error. */
export function statusOf(error: AuthError): AnswerStatus {
  const own: unknown = 'status' in error ? error.status : null;
  return own === 413 || own === 415 ? own : statuses[error.code];
}

/**
 * The challenge of the Bearer scheme for an error (RFC 6750 §3); `null` where none is sent.
 *
 * @param isOwn whether the error is about a credential of this scheme. A 401 about another one names the scheme only; a 400 or
 *   a 403 about another one has no challenge of this scheme.
 */
export function bearerChallenge(error: AuthError, isOwn: boolean): Challenge | null {
  const challenge = isOwn ? bearerChallenges[error.code] : undefined;
  // RFC 6750 §3.1: a request without credentials gets no error code.
  if (challenge === undefined) return statuses[error.code] === 401 ? bearer({}) : null;
  return challenge(error);
}

/** The challenges of Bearer that state more than the scheme, for an error about a credential of this scheme. */
const bearerChallenges: Readonly<Partial<Record<AuthErrorCode, (error: AuthError) => Challenge | null>>> = {
  // RFC 6750 §3.1 has a code for malformed requests; 413 and 415 are about the body and not about the credential.
  INVALID_REQUEST: (error) => (statusOf(error) === 400 ? bearerError('invalid_request', error.message) : null),
  INVALID_TOKEN: ({ message }) => bearerError('invalid_token', message),
  // RFC 6750 §3: `scope` names the required scopes, so that the client can request them from the issuer.
  INSUFFICIENT_SCOPE: (error) => bearer({ error: 'insufficient_scope', ...scopeOf(error) }),
  // RFC 9470 §3.
  STEP_UP_REQUIRED: (error) => {
    const { acrValues, maxAgeSeconds } = signInOf(error);
    return bearer({
      error: 'insufficient_user_authentication',
      ...(acrValues !== undefined && { acr_values: acrValues }),
      ...(maxAgeSeconds !== undefined && { max_age: String(maxAgeSeconds) }),
    });
  },
};

function bearerError(error: string, description: string): Challenge {
  return bearer({ error, error_description: description });
}

function bearer(parameters: Readonly<Record<string, string>>): Challenge {
  return { scheme: 'Bearer', parameters };
}

/** Lets the code of a page read the challenge of another origin, if the app allows that origin by CORS (Fetch §3.3.3). */
const exposedChallenge = ['Access-Control-Expose-Headers', 'WWW-Authenticate'] as const;

/** The schemes whose credentials are access tokens. */
const tokenSchemes: readonly string[] = ['Bearer', 'DPoP'];

/**
 * Adds where a client learns how to get a token (RFC 9728 §5.1), and the scopes that it needs. They come first, because clients of
 * MCP search the whole header for `scope=`, and would find it in a text.
 */
function withResource({ scheme, parameters }: Challenge, metadataUrl: string, scopes: readonly string[]): Challenge {
  if (!tokenSchemes.includes(scheme)) return { scheme, parameters };
  const { scope = scopes.join(' '), ...rest } = parameters;
  return { scheme, parameters: { resource_metadata: metadataUrl, ...(scope !== '' && { scope }), ...rest } };
}

function toLine(challenge: Challenge): HeaderLines[number] {
  return ['WWW-Authenticate', formatChallenge(challenge)];
}

function isChallenged(code: AuthErrorCode): boolean {
  return code !== 'SERVER_ERROR' && code !== 'CONFIGURATION_ERROR';
}

function bodyOf(error: AuthError): AnswerBody {
  const status = statusOf(error);
  const { fields, attemptCode } = error as AuthError & { readonly fields?: unknown; readonly attemptCode?: unknown };
  return {
    statusCode: status,
    error: titles[status],
    // The message of a configuration error is for the log only: the caller cannot fix the configuration.
    message: error.code === 'CONFIGURATION_ERROR' ? 'Internal server error' : error.message,
    code: error.code,
    ...(error.reason !== null && { reason: error.reason }),
    ...(Array.isArray(fields) && fields.length > 0 && { fields: fields as readonly FieldProblem[] }),
    ...(typeof attemptCode === 'string' && { attemptCode }),
  };
}

/** An error of another copy of the package may have no explanation. */
function explain(error: AuthError): string {
  const { explanation = error.message } = error as Partial<AuthError>;
  return withPage(explanation, error.code, error.reason);
}

function scopeOf(error: AuthError): { readonly scope?: string } {
  const scopes: unknown = 'requiredScopes' in error ? error.requiredScopes : undefined;
  return Array.isArray(scopes) && scopes.length > 0 ? { scope: scopes.join(' ') } : {};
}

function signInOf(error: AuthError): Pick<HeaderlessBody, 'acrValues' | 'maxAgeSeconds'> {
  const { acrValues, maxAgeSeconds } = error as AuthError & {
    readonly acrValues?: unknown;
    readonly maxAgeSeconds?: unknown;
  };
  return {
    ...(Array.isArray(acrValues) && acrValues.length > 0 && { acrValues: acrValues.join(' ') }),
    ...(typeof maxAgeSeconds === 'number' && { maxAgeSeconds }),
  };
}

/** RFC 9449 §8 and §9. */
function nonceOf(error: AuthError): HeaderLines {
  const nonce: unknown = 'dpopNonce' in error ? error.dpopNonce : null;
  return typeof nonce === 'string' ? [['DPoP-Nonce', nonce]] : noLines;
}

function retryAfterOf(error: AuthError): number | null {
  const seconds: unknown = 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined;
  return typeof seconds === 'number' ? seconds : null;
}

/** Formats a challenge as a header value: the scheme, then its parameters. */
function formatChallenge({ scheme, parameters }: Challenge): string {
  const written = Object.entries(parameters).map(([name, value]) => `${name}="${removeForbiddenCharacters(value)}"`);
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`;
}

/**
 * Removes characters that a parameter of a challenge must not contain: RFC 6750 §3 forbids quotes and backslashes in
 * `error_description` and `scope`, and RFC 9110 §5.5 forbids control characters in a header value.
 */
function removeForbiddenCharacters(value: string): string {
  return value.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '');
}
