import {
  type AuthErrorCode,
  isAuthError,
  isConfigurationError,
  isRefusal,
  type RefusalError,
} from '../errors/auth-error.js';
import type { AdapterAnswer } from '../issuing/adapter-route.js';
import type { RefusedEvent, ReportEvent } from '../telemetry/auth-event.js';
import { describeThrown } from '../telemetry/log-text.js';
import type { OutageWatch } from '../upstream/provider-calls.js';

/**
 * The error codes of RFC 6749 §5.2, RFC 8707 §2, RFC 6750 §3.1 and RFC 9449 §5 and §8 that are sent, with their statuses, and with the code that the
 * event has.
 */
const errors = {
  invalid_request: { status: 400, code: 'INVALID_REQUEST' },
  invalid_client: { status: 401, code: 'MISSING_TOKEN' },
  invalid_grant: { status: 400, code: 'ACCESS_DENIED' },
  invalid_scope: { status: 400, code: 'INSUFFICIENT_SCOPE' },
  invalid_target: { status: 400, code: 'INVALID_REQUEST' },
  insufficient_scope: { status: 403, code: 'INSUFFICIENT_SCOPE' },
  invalid_dpop_proof: { status: 400, code: 'INVALID_TOKEN' },
  use_dpop_nonce: { status: 400, code: 'USE_DPOP_NONCE' },
  unsupported_grant_type: { status: 400, code: 'INVALID_REQUEST' },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly code: AuthErrorCode }>>;

type OAuthErrorCode = keyof typeof errors;

/** A request to one of the endpoints is refused. The texts are fixed, and contain only what RFC 6749 §5.2 allows. */
export class OAuthRefusal extends Error {
  override readonly name = 'OAuthRefusal';

  constructor(
    readonly code: OAuthErrorCode,
    /** What the developer of a client has to know. */
    readonly description: string,
    /** For the log of the app: what was received, and what to change. May repeat texts of the request, never a secret. */
    readonly explanation: string = description,
    /** The refusal that it stands for, whose reason the client does not get. */
    override readonly cause: RefusalError | null = null,
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
export function answerOAuthError(error: unknown): AdapterAnswer {
  if (error instanceof OAuthRefusal) {
    const { code, description } = error;
    const body = { error: code, error_description: description };
    return answerJson(body, errors[code].status, headersOf(error));
  }
  if (isConfigurationError(error)) return answerJson({ error: 'server_error' }, 500);
  const isLimited = isRefusal(error) && error.code === 'TOO_MANY_ATTEMPTS';
  if (isRefusal(error) && !isLimited) {
    const body = { error: 'invalid_request', error_description: error.message };
    return answerJson(body, error.status === 413 ? 413 : 400);
  }
  return answerJson({ error: 'temporarily_unavailable' }, isLimited ? 429 : 503, [
    ['Retry-After', retryAfterOf(error)],
  ]);
}

function headersOf({ code, cause }: OAuthRefusal): AdapterAnswer['headers'] {
  if (code === 'invalid_client') return challenge;
  const nonce = cause?.dpopNonce ?? null;
  return nonce === null ? [] : [['DPoP-Nonce', nonce]];
}

function retryAfterOf(error: unknown): string {
  const seconds: unknown = isAuthError(error) && 'retryAfterSeconds' in error ? error.retryAfterSeconds : null;
  return String(typeof seconds === 'number' ? seconds : 5);
}

/**
 * Reports an error of an endpoint, as the guard reports those of a route: each refusal and each fault, and the beginning of an outage
 * once.
 *
 * @param handler the route: `POST /oauth/token`
 */
export function reportOAuthError(error: unknown, handler: string, outage: OutageWatch, report: ReportEvent): void {
  if (error instanceof OAuthRefusal) {
    report({ type: 'refused', ...toRefused(error), handler, anonymous: false });
    return;
  }
  if (isConfigurationError(error)) {
    report({ type: 'misconfigured', problem: `${handler} cannot be answered. ${error.explanation}`, fix: error.fix });
    return;
  }
  if (!isRefusal(error)) outage.noteFailure(describeFault(error));
  if (!isAuthError(error)) return;
  const { code, reason, explanation } = error;
  report({ type: 'refused', code, reason, explanation, handler, anonymous: false });
}

function toRefused({ code, cause, explanation }: OAuthRefusal): Pick<RefusedEvent, 'code' | 'reason' | 'explanation'> {
  const known = cause ?? { code: errors[code].code, reason: null, explanation };
  return { code: known.code, reason: known.reason, explanation: `${known.explanation}. The client gets ${code}` };
}

function describeFault(error: unknown): string {
  if (!isAuthError(error)) {
    const { problem, frames } = describeThrown(error, null);
    return ['it threw', problem, ...frames.slice(0, 3)].join(' ');
  }
  const { cause, explanation } = error;
  return cause === undefined ? explanation : `${explanation}: ${describeThrown(cause, null).problem}`;
}
