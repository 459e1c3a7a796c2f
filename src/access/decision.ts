import { RefusalError } from '../errors/refusal-error.js';

/** Whether a user meets a requirement, and why not. */
export type Decision = { readonly kind: 'granted' } | { readonly kind: 'refused'; readonly refusal: RefusalError };

export const granted: Decision = Object.freeze({ kind: 'granted' });

/** A refusal that no other token of the same user would change: 403 without a challenge. */
export function denied(explanation: string): Extract<Decision, { kind: 'refused' }> {
  return { kind: 'refused', refusal: RefusalError.of('ACCESS_DENIED', explanation) };
}
