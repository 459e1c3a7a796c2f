/** What a refusal or a fault is called, in bodies of answers and in code that catches it. */
export type AuthErrorCode =
  | 'MISSING_TOKEN'
  | 'INVALID_REQUEST'
  | 'INVALID_TOKEN'
  | 'INSUFFICIENT_SCOPE'
  | 'ACCESS_DENIED'
  | 'SERVER_ERROR'
  | 'CONFIGURATION_ERROR';

/** Why a token was refused; comes with `INVALID_TOKEN` only. */
export type RefusalReason =
  | 'malformed'
  | 'expired'
  | 'not_yet_valid'
  | 'signature'
  | 'algorithm'
  | 'key'
  | 'issuer'
  | 'audience'
  | 'type'
  | 'claim'
  | 'revoked';

// A registered symbol, so that an error made by a second installed copy of the package is known as well.
const authErrorBrand = Symbol.for('nest-gatehouse.auth-error');

/**
 * The root of every error that this package throws on purpose. It is the `cause` of the Nest exception
 * that a guarded route answers with, and what `TokenVerifier.verify` throws itself.
 *
 * `message` is a fixed sentence that is safe to show anybody. What was expected and what came is in
 * `explanation`, which is for logs: it may repeat texts of the token, so it is not enumerable.
 */
export abstract class AuthError extends Error {
  /** What happened, as a name that does not change between versions. */
  abstract readonly code: AuthErrorCode;
  /** Why the token was refused; `null` for everything but `INVALID_TOKEN`. */
  readonly reason: RefusalReason | null = null;
  /** What was expected, what came, what to change. For the log of the app, never for an answer. */
  declare readonly explanation: string;

  protected constructor(message: string, explanation: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    Object.defineProperty(this, 'explanation', { value: explanation });
    Object.defineProperty(this, authErrorBrand, { value: true });
  }
}

/** Whether something caught is an error of this package, whichever installed copy made it. */
export function isAuthError(error: unknown): error is AuthError {
  return typeof error === 'object' && error !== null && authErrorBrand in error;
}
