import { RefusalError, type AuthError } from '../errors/auth-error.js';
import type { RouteRules } from './route-rules.js';

/** Whether a user satisfies a requirement; if not, the error to answer with, whose explanation states why. */
export type Decision = { readonly kind: 'granted' } | { readonly kind: 'refused'; readonly refusal: RefusalError };

export const granted: Decision = Object.freeze({ kind: 'granted' });

/** A refusal that another token of the same user would not change: 403 without a challenge. */
export function denied(explanation: string): Extract<Decision, { kind: 'refused' }> {
  return { kind: 'refused', refusal: RefusalError.of('ACCESS_DENIED', explanation) };
}

/** What happens to a request whose user could not be authenticated or authorized. */
export type DecisionWithoutUser =
  /** The handler runs without a user. With `challenge`, the answer states in a challenge why the token was refused. */
  { readonly kind: 'anonymous'; readonly challenge: boolean } | { readonly kind: 'refuse' };

/**
 * Decides what happens after an error of authentication or authorization. On a route with optional authentication the handler
 * runs without a user if the credential is missing or `toUser` knows no such user; the options of the route decide about invalid
 * tokens and outages. A malformed request is always refused.
 */
export function decideWithoutUser(rules: RouteRules, error: AuthError): DecisionWithoutUser {
  if (rules.mode !== 'optional') return { kind: 'refuse' };
  return mayContinueWithoutUser(error, rules)
    ? { kind: 'anonymous', challenge: error.code === 'INVALID_TOKEN' }
    : { kind: 'refuse' };
}

function mayContinueWithoutUser(error: AuthError, rules: Extract<RouteRules, { mode: 'optional' }>): boolean {
  const { code } = error;
  // A request that a page of another origin has made is refused on optional routes too.
  if (code === 'ACCESS_DENIED') return !('fromOtherSite' in error && error.fromOtherSite === true);
  if (code === 'INVALID_TOKEN') return rules.onInvalid === 'anonymous';
  if (code === 'SERVER_ERROR') return rules.onUnavailable === 'anonymous';
  return code === 'MISSING_TOKEN';
}
