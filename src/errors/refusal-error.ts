import { AuthError, type AuthErrorCode, type RefusalReason } from './auth-error.js';

/** The codes of a refusal: the caller's fault, answered with 400, 401 or 403. */
export type RefusalCode = Exclude<AuthErrorCode, 'SERVER_ERROR' | 'CONFIGURATION_ERROR'>;

/** The sentences that go out. Fixed: nothing from a token, a key server or the configuration is in them. */
const sentences: Record<Exclude<RefusalCode, 'INVALID_TOKEN'>, string> = {
  MISSING_TOKEN: 'An access token is required',
  INVALID_REQUEST: 'The request carries its credentials in a malformed or contradictory way',
  INSUFFICIENT_SCOPE: 'The access token lacks a required scope',
  ACCESS_DENIED: 'Access is denied',
};

const tokenSentences: Record<RefusalReason, string> = {
  malformed: 'The access token is malformed',
  expired: 'The access token has expired',
  not_yet_valid: 'The access token is not valid yet',
  signature: 'The signature of the access token does not verify',
  algorithm: 'The signature algorithm of the access token is not accepted',
  key: 'The access token is signed with an unknown key',
  issuer: 'The issuer of the access token is not accepted',
  audience: 'The access token is meant for another audience',
  type: 'The access token is of the wrong type',
  claim: 'A claim of the access token is missing or not accepted',
  revoked: 'The access token has been revoked',
};

/**
 * The caller was refused: no token, a token that does not pass, or not allowed. Never thrown for trouble
 * of ours or of a provider's, which is a {@link AuthUnavailableError}.
 */
export class RefusalError extends AuthError {
  override readonly reason: RefusalReason | null;
  /** The scopes that the route asks for, of which one is missing; empty for everything but `INSUFFICIENT_SCOPE`. */
  readonly requiredScopes: readonly string[];

  private constructor(
    override readonly code: RefusalCode,
    reason: RefusalReason | null,
    message: string,
    explanation: string,
    requiredScopes: readonly string[] = [],
  ) {
    super(message, explanation);
    this.reason = reason;
    this.requiredScopes = requiredScopes;
  }

  /** A token that was looked at and does not pass: 401 (RFC 6750 §3.1 `invalid_token`). */
  static token(reason: RefusalReason, explanation: string): RefusalError {
    return new RefusalError('INVALID_TOKEN', reason, tokenSentences[reason], explanation);
  }

  /** A good token that was not granted what the route needs: 403 (RFC 6750 §3.1 `insufficient_scope`). */
  static scopes(required: readonly string[], explanation: string): RefusalError {
    return new RefusalError('INSUFFICIENT_SCOPE', null, sentences.INSUFFICIENT_SCOPE, explanation, required);
  }

  /** Everything but a refused token and a missing scope. */
  static of(code: Exclude<RefusalCode, 'INVALID_TOKEN' | 'INSUFFICIENT_SCOPE'>, explanation: string): RefusalError {
    return new RefusalError(code, null, sentences[code], explanation);
  }
}
