import { RefusalError, type AuthError } from '../errors/auth-error.js';
import type { RouteRules } from './route-rules.js';

/** Whether a user meets a requirement, and why not. */
export type Decision = { readonly kind: 'granted' } | { readonly kind: 'refused'; readonly refusal: RefusalError };

export const granted: Decision = Object.freeze({ kind: 'granted' });

/** A refusal that no other token of the same user would change: 403 without a challenge. */
export function denied(explanation: string): Extract<Decision, { kind: 'refused' }> {
  return { kind: 'refused', refusal: RefusalError.of('ACCESS_DENIED', explanation) };
}

/** What happens to a request that has no user to show. */
export type DecisionWithoutUser =
  /** The handler runs without a user; `challenge` when the client should learn why it is not known. */
  { readonly kind: 'anonymous'; readonly challenge: boolean } | { readonly kind: 'refuse' };

/** Decides for an error on the way to the user. Optional authentication forgives absence, not nonsense. */
export function decideWithoutUser(rules: RouteRules, error: AuthError): DecisionWithoutUser {
  if (rules.mode !== 'optional') return { kind: 'refuse' };
  return goesOnWithout(error, rules)
    ? { kind: 'anonymous', challenge: error.code === 'INVALID_TOKEN' }
    : { kind: 'refuse' };
}

function goesOnWithout(error: AuthError, rules: Extract<RouteRules, { mode: 'optional' }>): boolean {
  switch (error.code) {
    case 'MISSING_TOKEN':
      return true;
    case 'ACCESS_DENIED':
      return !('fromOtherSite' in error && error.fromOtherSite === true);
    case 'INVALID_TOKEN':
      return rules.onInvalid === 'anonymous';
    case 'SERVER_ERROR':
      return rules.onUnavailable === 'anonymous';
    case 'INVALID_REQUEST':
    case 'INSUFFICIENT_SCOPE':
    case 'CONFIGURATION_ERROR':
      return false;
  }
}
