import type { AuthUser } from '../user/auth-user.js';

/** The lists of a user that a route may ask for. */
export type AuthorityKind = 'scopes' | 'roles' | 'permissions';

/** The user must hold these: all of them, or any one. */
interface AuthorityOf<Kind extends AuthorityKind> {
  readonly kind: Kind;
  readonly match: 'all' | 'any';
  readonly values: readonly string[];
}

/** The token must have been granted these scopes (RFC 6749 §3.3). */
export type ScopeRequirement = AuthorityOf<'scopes'>;

export type AuthorityRequirement = ScopeRequirement | AuthorityOf<'roles'> | AuthorityOf<'permissions'>;

/** What an organization may be named by in a call. */
type OrganizationName = 'id' | 'slug' | 'name';

/** The user must be a member of the organization that the call is about, and hold there what is named. */
export interface OrganizationRequirement {
  readonly kind: 'organization';
  /** Where the call names it; a function of the app's gets the framework's own context. */
  readonly from: { readonly param: string } | { readonly find: (context: never) => unknown };
  readonly by: OrganizationName;
  /** Exactly this role. */
  readonly role: string | null;
  /** This role, or one that includes it. */
  readonly minimumRole: string | null;
  /** All of them. */
  readonly permissions: readonly string[];
}

/** The provider must still know the user, and not bar them. */
interface ProfileRequirement {
  readonly kind: 'profile';
}

/** A class whose instances the app's injector makes, and which decides about a call. */
export type PolicyClass = abstract new (...parts: never[]) => { check(user: AuthUser, context: never): unknown };

/** A rule of the app's own must say so. */
export interface PolicyRequirement {
  readonly kind: 'policy';
  /** Of the class or the function. */
  readonly name: string;
  readonly policy:
    | { readonly made: 'by-injector'; readonly type: PolicyClass }
    | { readonly made: 'by-hand'; readonly check: (user: AuthUser, context: never) => unknown };
}

/** What a route requires of its user beyond being one: data, so that the guard decides by it and others can list it. */
export type Requirement = AuthorityRequirement | OrganizationRequirement | ProfileRequirement | PolicyRequirement;

/** A requirement as logs and lists name it: `scopes: cats:read, cats:write`. */
export function nameOf(requirement: Requirement): string {
  switch (requirement.kind) {
    case 'scopes':
    case 'roles':
    case 'permissions':
      return nameAuthority(requirement);
    case 'organization':
      return nameOrganization(requirement);
    case 'profile':
      return 'a profile at the provider';
    case 'policy':
      return `policy ${requirement.name}`;
  }
}

function nameAuthority({ kind, match, values }: AuthorityRequirement): string {
  return `${match === 'any' && values.length > 1 ? 'one of the ' : ''}${kind}: ${values.join(', ')}`;
}

function nameOrganization({ from, by, role, minimumRole, permissions }: OrganizationRequirement): string {
  const parts = [
    `membership of the organization whose ${by} is ${'param' in from ? `:${from.param}` : 'what id() gives'}`,
    ...(role === null ? [] : [`role: ${role}`]),
    ...(minimumRole === null ? [] : [`at least role: ${minimumRole}`]),
    ...(permissions.length === 0 ? [] : [`permissions: ${permissions.join(', ')}`]),
  ];
  return parts.join(', ');
}

const authorityKinds: readonly string[] = ['scopes', 'roles', 'permissions'] satisfies AuthorityKind[];

/** Whether it can be decided by the user alone, whatever is called with what. */
export function isOfUserAlone({ kind }: Requirement): boolean {
  return authorityKinds.includes(kind);
}
