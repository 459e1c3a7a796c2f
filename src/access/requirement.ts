/** The token must have been granted these scopes (RFC 6749 §3.3): all of them, or any one. */
export interface ScopeRequirement {
  readonly kind: 'scopes';
  readonly match: 'all' | 'any';
  readonly values: readonly string[];
}

/** What a route demands of its user beyond being one: data, so that the guard decides by it and others can list it. */
export type Requirement = ScopeRequirement;

/** A requirement as logs and lists name it: `scopes: cats:read, cats:write`. */
export function nameOf(requirement: Requirement): string {
  const { kind, match, values } = requirement;
  return `${match === 'any' && values.length > 1 ? 'one of the ' : ''}${kind}: ${values.join(', ')}`;
}
