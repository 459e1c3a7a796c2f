import {
  apiKeySentences,
  bindingSentence,
  type DetailedCode,
  type FieldProblem,
  type AuthErrorCode,
  type RefusalCode,
  type RefusalDetails,
  type RefusalReason,
  sentences,
  sessionSentences,
  tokenSentences,
} from './refusal-sentences.js';

export type { AuthErrorCode, FieldProblem, RefusalCode, RefusalReason } from './refusal-sentences.js';

// The symbol is registered globally, so that an error made by a second installed copy of the package is recognized too.
const authErrorBrand = Symbol.for('nest-gatehouse.auth-error');
const pauseBrand = Symbol.for('nest-gatehouse.pause');
const bindingBrand = Symbol.for('nest-gatehouse.binding');

/**
 * The base class of every error that this package throws on purpose. It is the `cause` of the Nest exception
 * that a guarded route answers with, and `TokenVerifier.verify` throws it directly.
 *
 * `message` is a fixed sentence that is safe to show to any client. `explanation` states what was expected and what
 * was received. It is for logs only: it may repeat texts of the token, so the property is not enumerable.
 */
export abstract class AuthError extends Error {
  /** A name for what happened that does not change between versions. */
  abstract readonly code: AuthErrorCode;
  /** Why the token was refused; `null` for every code other than `INVALID_TOKEN`. */
  readonly reason: RefusalReason | null = null;
  /** States what was expected, what was received and what to change. For the log of the app, never for a response. */
  declare readonly explanation: string;
  /**
   * The HTTP authentication scheme of the credential that the error is about (`Bearer`, `Basic`, …): its challenge carries
   * the error. `null` where the request carried no credential, or where that is not known.
   */
  declare scheme: string | null;

  /**
   * An error that another installed copy of the package has made counts as well: an ES module and a CommonJS copy may meet in
   * one app.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === AuthError ? isAuthError(value) : Function.prototype[Symbol.hasInstance].call(this, value);
  }

  protected constructor(message: string, explanation: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    Object.defineProperty(this, 'explanation', { value: explanation });
    Object.defineProperty(this, 'scheme', { value: null, writable: true });
    Object.defineProperty(this, authErrorBrand, { value: true });
  }
}

/** Whether a caught value is an error of this package, including one made by another installed copy of it. */
export function isAuthError(error: unknown): error is AuthError {
  return typeof error === 'object' && error !== null && authErrorBrand in error;
}

/** Whether an error is a refusal: the caller's fault, answered with a status from 400 to 499. */
export function isRefusal(error: unknown): error is RefusalError {
  return isAuthError(error) && error.code !== 'SERVER_ERROR' && error.code !== 'CONFIGURATION_ERROR';
}

/** Whether an error refuses a credential because it has expired. */
export function isExpiry(error: unknown): error is RefusalError {
  return isAuthError(error) && error.reason === 'expired';
}

/**
 * Marks a refusal as one that only delays the use of a credential: whoever issued it limits how often it may be used, which says
 * nothing against it.
 */
export function asPause(refusal: RefusalError): RefusalError {
  return Object.defineProperty(refusal, pauseBrand, { value: true });
}

/** Whether an error leaves open whether a credential is good: nobody could say it, or its issuer asks for a pause. */
export function isUndecided(error: unknown): boolean {
  return isAuthError(error) && (error.code === 'SERVER_ERROR' || pauseBrand in error);
}

/** Whether a refusal with reason `proof` is about the token, which is bound to something else, and not about the proof itself. */
export function isBindingRefusal(error: unknown): boolean {
  return isAuthError(error) && bindingBrand in error;
}

/** Whether an error says that an option is wrong. */
export function isConfigurationError(error: unknown): error is ConfigurationError {
  return isAuthError(error) && error.code === 'CONFIGURATION_ERROR';
}

/**
 * The caller was refused: the token is missing or is not accepted, or access is denied. A failure of this app or of a
 * provider is never a refusal; it is an {@link AuthUnavailableError}.
 */
export class RefusalError extends AuthError {
  override readonly reason: RefusalReason | null;
  /** All scopes that the route requires, at least one of which is missing; empty unless the code is `INSUFFICIENT_SCOPE`. */
  readonly requiredScopes: readonly string[];
  /** Whether a page of another origin made the request, which is refused on optional routes too. */
  readonly fromOtherSite: boolean;
  /** What is wrong with which member; empty unless the code is `INVALID_INPUT`. */
  readonly fields: readonly FieldProblem[];
  /** The HTTP status where it is not the usual one of the code; `null` otherwise. */
  readonly status: 413 | 415 | null;
  /** Whole seconds after which the client may try again; `null` unless the code is `TOO_MANY_ATTEMPTS`. */
  readonly retryAfterSeconds: number | null;
  /** The longest that the sign-in may be ago, in seconds; `null` for any, and unless the code is `STEP_UP_REQUIRED`. */
  readonly maxAgeSeconds: number | null;
  /** Values of `acr` of which the token needs one; empty for any, and unless the code is `STEP_UP_REQUIRED`. */
  readonly acrValues: readonly string[];
  /** What the client sends back with the second factor; `null` unless the code is `MFA_REQUIRED`. */
  declare readonly attemptCode: string | null;
  /** What the next DPoP proof has to contain, in the answer as `DPoP-Nonce`; `null` unless the code is `USE_DPOP_NONCE`. */
  readonly dpopNonce: string | null;

  protected constructor(
    override readonly code: RefusalCode,
    reason: RefusalReason | null,
    message: string,
    explanation: string,
    details: RefusalDetails = {},
  ) {
    super(message, explanation);
    this.reason = reason;
    this.requiredScopes = details.requiredScopes ?? [];
    this.fromOtherSite = details.fromOtherSite ?? false;
    this.fields = details.fields ?? [];
    this.status = details.status ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
    this.maxAgeSeconds = details.maxAgeSeconds ?? null;
    this.acrValues = acrValuesOf(details);
    this.dpopNonce = details.dpopNonce ?? null;
    // Whoever has it needs the second factor alone, so it is not enumerable: a log that prints the error does not show it.
    Object.defineProperty(this, 'attemptCode', { value: details.attemptCode ?? null });
  }

  /** Refuses a token that failed verification: 401 (RFC 6750 §3.1 `invalid_token`). */
  static token(reason: RefusalReason, explanation: string): RefusalError {
    return new RefusalError('INVALID_TOKEN', reason, tokenSentences[reason], explanation);
  }

  /** Refuses a DPoP proof that is missing or fails a check: 401 (RFC 9449 §7.1 `invalid_dpop_proof`). */
  static proof(explanation: string): RefusalError {
    return RefusalError.token('proof', explanation);
  }

  /** Refuses a token that is not bound to what the request has proven: 401 (RFC 9449 §7.1 and §7.2 `invalid_token`). */
  static binding(explanation: string): RefusalError {
    const refusal = new RefusalError('INVALID_TOKEN', 'proof', bindingSentence, explanation);
    return Object.defineProperty(refusal, bindingBrand, { value: true });
  }

  /** Refuses a DPoP proof without a nonce of the server that is still accepted: 401 with a new one (RFC 9449 §9). */
  static dpopNonce(nonce: string, explanation: string): RefusalError {
    return new RefusalError('USE_DPOP_NONCE', null, sentences.USE_DPOP_NONCE, explanation, { dpopNonce: nonce });
  }

  /** Refuses a refresh token, or the session that it belongs to: 401. */
  static session(reason: keyof typeof sessionSentences, explanation: string, message?: string): RefusalError {
    return new RefusalError('INVALID_TOKEN', reason, message ?? sessionSentences[reason], explanation);
  }

  /** Refuses an API key: 401. */
  static apiKey(reason: keyof typeof apiKeySentences, explanation: string): RefusalError {
    return new RefusalError('INVALID_TOKEN', reason, apiKeySentences[reason], explanation);
  }

  /** Refuses a further attempt after too many that failed: 429 with `Retry-After` (RFC 6585 §4). */
  static tooMany(retryAfterSeconds: number, explanation: string, message?: string): RefusalError {
    return new RefusalError('TOO_MANY_ATTEMPTS', null, message ?? sentences.TOO_MANY_ATTEMPTS, explanation, {
      retryAfterSeconds: Math.max(1, Math.ceil(retryAfterSeconds)),
    });
  }

  /** Refuses a caller whose sign-in is longer ago, or weaker, than the action allows: 401 (RFC 9470 §3). */
  static tooOld(maxAgeSeconds: number | null, explanation: string, acrValues: readonly string[] = []): RefusalError {
    return new RefusalError('STEP_UP_REQUIRED', null, sentences.STEP_UP_REQUIRED, explanation, {
      maxAgeSeconds,
      acrValues,
    });
  }

  /** Refuses a sign-in until the second factor is given as well: 401. The answer has the code of the attempt. */
  static secondFactor(attemptCode: string, explanation: string): RefusalError {
    return new RefusalError('MFA_REQUIRED', null, sentences.MFA_REQUIRED, explanation, { attemptCode });
  }

  /** Refuses a verified caller that the app does not know: 403. */
  static unknownUser(): RefusalError {
    return RefusalError.of('ACCESS_DENIED', 'The token is valid, and toUser gave no user for it');
  }

  /** Refuses a valid token that lacks a scope of the route: 403 (RFC 6750 §3.1 `insufficient_scope`). */
  static scopes(required: readonly string[], explanation: string): RefusalError {
    return new RefusalError('INSUFFICIENT_SCOPE', null, sentences.INSUFFICIENT_SCOPE, explanation, {
      requiredScopes: required,
    });
  }

  /** A request that a page of another origin made with its visitor's credentials: 403, on optional routes too. */
  static otherSite(explanation: string): RefusalError {
    return new RefusalError('ACCESS_DENIED', null, sentences.ACCESS_DENIED, explanation, { fromOtherSite: true });
  }

  /** Refuses a body or a query that breaks a rule: 400 with the members and what is expected of them. */
  static input(
    fields: readonly FieldProblem[],
    explanation = fields.map(({ path, message }) => `${path}: ${message}`).join('; '),
  ): RefusalError {
    return new RefusalError('INVALID_INPUT', null, sentences.INVALID_INPUT, explanation, { fields });
  }

  /** Refuses a body of a media type that the route does not take: 415. The answer names the one that it takes. */
  static mediaType(explanation: string, expected?: string): RefusalError {
    const message = `The media type of the body is not supported${expected === undefined ? '' : `; ${expected} is expected`}`;
    return new RefusalError('INVALID_REQUEST', null, message, explanation, { status: 415 });
  }

  /** Refuses a body that is larger than the route takes: 413. */
  static tooLarge(explanation: string): RefusalError {
    return new RefusalError('INVALID_REQUEST', null, 'The body is too large', explanation, { status: 413 });
  }

  /** Creates every other refusal, which has neither a reason nor scopes. */
  static of(code: Exclude<RefusalCode, DetailedCode>, explanation: string, message?: string): RefusalError {
    return new RefusalError(code, null, message ?? sentences[code], explanation);
  }
}

function acrValuesOf({ acrValues = [] }: RefusalDetails): readonly string[] {
  return acrValues;
}

/** The `Retry-After` of an outage whose end is unknown. */
const defaultRetryAfterSeconds = 5;

/**
 * The caller could not be authenticated or authorized, through no fault of theirs: a key server or a provider cannot
 * be reached, or its response is invalid. A guarded route answers 503 with `Retry-After`.
 */
export class AuthUnavailableError extends AuthError {
  override readonly code = 'SERVER_ERROR';
  /** Whole seconds after which the client should retry; at least 1. @defaultValue 5 */
  readonly retryAfterSeconds: number;

  constructor(explanation: string, retryAfterSeconds: number = defaultRetryAfterSeconds, options?: ErrorOptions) {
    super('Authentication is not available at the moment', explanation, options);
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds));
  }
}

/**
 * An option is wrong. The preset or `AuthModule` throws it while the app starts; `message` names the option's path,
 * what is wrong with it and what to write instead.
 */
export class ConfigurationError extends AuthError {
  override readonly code = 'CONFIGURATION_ERROR';
  /** The option as it is written in code: `oidc({ audience })`. */
  readonly path: string;
  /** What to write instead, without a full stop. */
  readonly fix: string;

  constructor(path: string, problem: string, fix: string) {
    super(`${path}: ${problem}. ${fix}.`, `${path}: ${problem}`);
    this.path = path;
    this.fix = fix;
  }

  /** @deprecated Use `fix`. Removed in 1.0. */
  get mend(): string {
    return this.fix;
  }
}

/**
 * Records the HTTP authentication scheme of the credential that an error is about, so that the challenge of this scheme
 * carries the error. An error that has a scheme keeps it; one that an app has frozen stays without.
 */
export function withScheme(error: unknown, scheme: string | null): unknown {
  if (!isAuthError(error)) return error;
  // An error of another copy of the package may have no such member.
  const known = error.scheme as string | null | undefined;
  // Reflect.set fails without throwing, so that a frozen refusal is still answered as a refusal.
  if (known === null || known === undefined) Reflect.set(error, 'scheme', scheme);
  return error;
}
