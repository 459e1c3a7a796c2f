import { AuthError } from './auth-error.js';

/**
 * The question could not be decided, through no fault of the caller: keys or a provider cannot be
 * reached, or answer nonsense. A guarded route answers 503 with `Retry-After`.
 */
export class AuthUnavailableError extends AuthError {
  override readonly code = 'SERVER_ERROR';
  /** Whole seconds after which asking again makes sense; at least 1. */
  readonly retryAfterSeconds: number;

  constructor(explanation: string, retryAfterSeconds: number, options?: ErrorOptions) {
    super('Authentication is not available at the moment', explanation, options);
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds));
  }
}
