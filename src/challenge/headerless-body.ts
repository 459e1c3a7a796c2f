import type { AuthError } from '../errors/auth-error.js';
import { type AnswerBody, toAnswer } from './answer.js';

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
