/** The lists of a user that a route may ask for. */
export type HoldingKind = 'scopes' | 'roles' | 'permissions';

/** The user must hold these: all of them, or any one. */
interface HoldingOf<Kind extends HoldingKind> {
  readonly kind: Kind;
  readonly match: 'all' | 'any';
  readonly values: readonly string[];
}

/** The token must have been granted these scopes (RFC 6749 §3.3). */
export type ScopeRequirement = HoldingOf<'scopes'>;

export type HoldingRequirement = ScopeRequirement | HoldingOf<'roles'> | HoldingOf<'permissions'>;

/** What a route demands of its user beyond being one: data, so that the guard decides by it and others can list it. */
export type Requirement = HoldingRequirement;

/** A requirement as logs and lists name it: `scopes: cats:read, cats:write`. */
export function nameOf(requirement: Requirement): string {
  const { kind, match, values } = requirement;
  return `${match === 'any' && values.length > 1 ? 'one of the ' : ''}${kind}: ${values.join(', ')}`;
}
