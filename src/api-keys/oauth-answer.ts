import { isAuthError, isConfigurationError, isRefusal } from '../errors/auth-error.js';
import type { AdapterAnswer } from '../issuing/adapter-route.js';
import type { ReportEvent } from '../telemetry/auth-event.js';

/** The error codes of RFC 6749 §5.2, RFC 8707 §2 and RFC 6750 §3.1 that are sent, with their statuses. */
const statuses = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  invalid_scope: 400,
  invalid_target: 400,
  insufficient_scope: 403,
  unsupported_grant_type: 400,
} as const;

type OAuthErrorCode = keyof typeof statuses;

/** A request to one of the endpoints is refused. The texts are fixed, and contain only what RFC 6749 §5.2 allows. */
export class OAuthRefusal extends Error {
  override readonly name = 'OAuthRefusal';

  constructor(
    readonly code: OAuthErrorCode,
    /** What the developer of a client has to know. */
    readonly description: string,
  ) {
    super(code);
  }
}

const ownHeaders = [
  ['Content-Type', 'application/json; charset=utf-8'],
  ['Cache-Control', 'no-store'],
  ['Pragma', 'no-cache'],
] as const;

/** A successful answer (RFC 6749 §5.1). */
export function answerJson(body: object, status = 200, headers: AdapterAnswer['headers'] = []): AdapterAnswer {
  return {
    status,
    headers: [...ownHeaders, ...headers],
    body: JSON.stringify(body),
  };
}

/** An answer without a body (RFC 7009 §2.2). It has a content type because some clients (simple-oauth2) refuse one without. */
export function answerNothing(): AdapterAnswer {
  return { status: 200, headers: ownHeaders, body: null };
}

/** RFC 9110 §15.5.6. */
export function answerWrongMethod(): AdapterAnswer {
  return answerJson({ error: 'invalid_request', error_description: 'Use the method POST' }, 405, [['Allow', 'POST']]);
}

/** RFC 6749 §5.2: a client that authenticated by a header gets a challenge. RFC 9110 §15.5.2 requires one for each 401. */
const challenge = [['WWW-Authenticate', 'Basic realm="oauth"']] as const;

/** The answer to an error, in the form of RFC 6749 §5.2. */
export function answerOAuthError(error: unknown, route: string, report: ReportEvent): AdapterAnswer {
  if (error instanceof OAuthRefusal) {
    const { code, description } = error;
    const body = { error: code, error_description: description };
    return answerJson(body, statuses[code], code === 'invalid_client' ? challenge : []);
  }
  if (isConfigurationError(error)) {
    report({ type: 'misconfigured', problem: `${route} cannot be answered. ${error.explanation}`, fix: error.fix });
    return answerJson({ error: 'server_error' }, 500);
  }
  if (isRefusal(error) && error.code === 'INVALID_REQUEST') {
    const body = { error: 'invalid_request', error_description: error.message };
    return answerJson(body, error.status === 413 ? 413 : 400);
  }
  const isLimited = isRefusal(error) && error.code === 'TOO_MANY_ATTEMPTS';
  return answerJson({ error: 'temporarily_unavailable' }, isLimited ? 429 : 503, [
    ['Retry-After', retryAfterOf(error)],
  ]);
}

function retryAfterOf(error: unknown): string {
  const seconds: unknown = isAuthError(error) && 'retryAfterSeconds' in error ? error.retryAfterSeconds : null;
  return String(typeof seconds === 'number' ? seconds : 5);
}
