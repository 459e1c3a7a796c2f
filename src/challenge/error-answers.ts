import type { AuthError, AuthErrorCode, RefusalReason } from '../errors/auth-error.js';

/** The body of every refusal and of every fault. */
export interface AnswerBody {
  readonly statusCode: number;
  readonly error: string;
  readonly message: string;
  readonly code: AuthErrorCode;
  readonly reason?: RefusalReason;
}

/** What goes out, as data; a transport sends it in its own way. */
export interface Answer {
  readonly status: AnswerStatus;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AnswerBody;
}

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
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
  SERVER_ERROR: 503,
  CONFIGURATION_ERROR: 500,
};

/** Turns an error into its answer. Every text in it is fixed. */
export function toAnswer(error: AuthError): Answer {
  const status = statuses[error.code];
  const body: AnswerBody = {
    statusCode: status,
    error: titles[status],
    // What is wrong with the configuration is the operator's to read, not the caller's.
    message: error.code === 'CONFIGURATION_ERROR' ? 'Internal server error' : error.message,
    code: error.code,
    ...(error.reason !== null && { reason: error.reason }),
  };
  return { status, headers: headersOf(error), body };
}

function headersOf(error: AuthError): Readonly<Record<string, string>> {
  const challenge = challengeOf(error);
  if (challenge !== undefined) return { 'WWW-Authenticate': challenge };
  const seconds = 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined;
  return typeof seconds === 'number' ? { 'Retry-After': String(seconds) } : {};
}

/** The challenge that tells a client what to do (RFC 6750 §3); `undefined` where none is called for. */
export function challengeOf(error: AuthError): string | undefined {
  switch (error.code) {
    case 'MISSING_TOKEN':
      // RFC 6750 §3.1: a request without credentials is told nothing but that they are wanted.
      return bearerChallenge({});
    case 'INVALID_REQUEST':
      return bearerChallenge({ error: 'invalid_request', error_description: error.message });
    case 'INVALID_TOKEN':
      return bearerChallenge({ error: 'invalid_token', error_description: error.message });
    case 'INSUFFICIENT_SCOPE':
      return bearerChallenge({ error: 'insufficient_scope', ...scopeOf(error) });
    case 'ACCESS_DENIED':
    case 'SERVER_ERROR':
    case 'CONFIGURATION_ERROR':
      return undefined;
  }
}

/** RFC 6750 §3: `scope` names what is needed, so that the client knows what to ask the issuer for. */
function scopeOf(error: AuthError): Readonly<Record<string, string>> {
  const scopes: unknown = 'requiredScopes' in error ? error.requiredScopes : undefined;
  return Array.isArray(scopes) && scopes.length > 0 ? { scope: scopes.join(' ') } : {};
}

/** The body of an answer on a transport that has no headers: what these say on HTTP stands in it as well. */
export interface HeaderlessBody extends AnswerBody {
  /** What the token lacks, as in the challenge (RFC 6750 §3). */
  readonly scope?: string;
  readonly retryAfterSeconds?: number;
}

export function toHeaderlessBody(error: AuthError): HeaderlessBody {
  const scopes: unknown = 'requiredScopes' in error ? error.requiredScopes : undefined;
  const seconds: unknown = 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined;
  return {
    ...toAnswer(error).body,
    ...(Array.isArray(scopes) && scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(typeof seconds === 'number' && { retryAfterSeconds: seconds }),
  };
}

/** A challenge of the Bearer scheme (RFC 6750 §3) with its parameters in the order given. */
function bearerChallenge(parameters: Readonly<Record<string, string>>): string {
  const written = Object.entries(parameters).map(([name, value]) => `${name}="${quotedText(value)}"`);
  return written.length === 0 ? 'Bearer' : `Bearer ${written.join(', ')}`;
}

/**
 * What may stand in a quoted-string of `error_description` and `scope`: RFC 6750 §3 allows neither quotes
 * nor backslashes, and RFC 9110 §5.5 nothing that would start another header line.
 */
function quotedText(value: string): string {
  return value.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '');
}
