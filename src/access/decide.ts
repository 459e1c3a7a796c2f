import { RefusalError } from '../errors/refusal-error.js';
import { logText } from '../telemetry/log-text.js';
import type { AuthUser } from '../user/auth-user.js';
import { nameOf, type Requirement, type ScopeRequirement } from './requirement.js';

/** Whether a user meets a requirement, and why not. */
export type Decision = { readonly kind: 'granted' } | { readonly kind: 'refused'; readonly refusal: RefusalError };

const granted: Decision = Object.freeze({ kind: 'granted' });

/** Decides by what the user is known to have. */
export function decide(requirement: Requirement, user: AuthUser): Decision {
  return decideScopes(requirement, user);
}

function decideScopes(requirement: ScopeRequirement, user: AuthUser): Decision {
  if (hasThem(requirement, user.scopes)) return granted;
  const explanation = `It demands ${nameOf(requirement)}; the token has ${logText(user.scopes)}`;
  return { kind: 'refused', refusal: RefusalError.scopes(requirement.values, explanation) };
}

function hasThem({ match, values }: Pick<ScopeRequirement, 'match' | 'values'>, had: readonly string[]): boolean {
  return match === 'all' ? values.every((value) => had.includes(value)) : values.some((value) => had.includes(value));
}
