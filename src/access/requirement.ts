import type { AuthUser } from '../user/auth-user.js';

/** The lists of a user that a route can require values of. */
export type AuthorityKind = 'scopes' | 'roles' | 'permissions';

/** The user must have all of these values, or any one of them. */
interface AuthorityOf<Kind extends AuthorityKind> {
  readonly kind: Kind;
  readonly match: 'all' | 'any';
  readonly values: readonly string[];
}

/** The token must have been granted these scopes (RFC 6749 §3.3). */
export type ScopeRequirement = AuthorityOf<'scopes'>;

export type AuthorityRequirement = ScopeRequirement | AuthorityOf<'roles'> | AuthorityOf<'permissions'>;

/** The property of an organization by which a call names it. */
type OrganizationName = 'id' | 'slug' | 'name';

/** The user must be a member of the organization that the call is about, with these roles and permissions in it. */
export interface OrganizationRequirement {
  readonly kind: 'organization';
  /** Where the call names the organization: in a route parameter, or in what the app's function returns for Nest's execution context. */
  readonly from: { readonly param: string } | { readonly find: (context: never) => unknown };
  readonly by: OrganizationName;
  /** A role that was assigned to the user by this name. */
  readonly role: string | null;
  /** A role that the user must have, assigned or included in an assigned one. */
  readonly minimumRole: string | null;
  /** Permissions of which the user must have all. */
  readonly permissions: readonly string[];
}

/** The person must have signed in lately enough, and strongly enough (RFC 9470). */
export interface StepUpRequirement {
  readonly kind: 'step-up';
  /** The `acr` of the token must be one of these; `null` for any. */
  readonly acr: readonly string[] | null;
  /** Methods that must all be in the `amr` of the token. */
  readonly amr: readonly string[];
  /** The longest that the `auth_time` of the token may be ago; `null` for any. */
  readonly maxAgeSeconds: number | null;
}

/** The provider must still have the user, and must not have disabled the account. */
interface ProfileRequirement {
  readonly kind: 'profile';
}

/** A class of the app whose `check` decides about a call. Nest's injector creates the instances. */
export type PolicyClass = abstract new (...parts: never[]) => { check(user: AuthUser, context: never): unknown };

/** A policy of the app must grant the call. */
export interface PolicyRequirement {
  readonly kind: 'policy';
  /** The name of the class or the function. */
  readonly name: string;
  readonly policy:
    | { readonly made: 'by-injector'; readonly type: PolicyClass }
    | { readonly made: 'by-hand'; readonly check: (user: AuthUser, context: never) => unknown };
}

/** What a route requires of an authenticated user. It is data, so that the guard can decide by it and the route audit can list it. */
export type Requirement =
  | AuthorityRequirement
  | StepUpRequirement
  | OrganizationRequirement
  | ProfileRequirement
  | PolicyRequirement;

/** A requirement in words, for the log and the route audit: `scopes: cats:read, cats:write`. */
export function nameOf(requirement: Requirement): string {
  switch (requirement.kind) {
    case 'scopes':
    case 'roles':
    case 'permissions':
      return nameAuthority(requirement);
    case 'step-up':
      return nameStepUp(requirement);
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

function nameStepUp({ acr, amr, maxAgeSeconds }: StepUpRequirement): string {
  const parts = [
    ...(maxAgeSeconds === null ? [] : [`at most ${maxAgeSeconds} s ago`]),
    ...(amr.length === 0 ? [] : [`with amr: ${amr.join(', ')}`]),
    ...(acr === null ? [] : [`with ${acr.length > 1 ? 'one of the ' : ''}acr: ${acr.join(', ')}`]),
  ];
  return `sign-in ${parts.join(', ')}`;
}

function nameOrganization({ from, by, role, minimumRole, permissions }: OrganizationRequirement): string {
  const parts = [
    `membership of the organization whose ${by} is ${'param' in from ? `:${from.param}` : 'returned by id()'}`,
    ...(role === null ? [] : [`role: ${role}`]),
    ...(minimumRole === null ? [] : [`at least role: ${minimumRole}`]),
    ...(permissions.length === 0 ? [] : [`permissions: ${permissions.join(', ')}`]),
  ];
  return parts.join(', ');
}

const kindsOfUser: readonly string[] = ['scopes', 'roles', 'permissions', 'step-up'] satisfies Requirement['kind'][];

/** Whether the user's own lists and claims decide the requirement, whatever the call and its arguments are. */
export function isDecidedByUserAlone({ kind }: Requirement): boolean {
  return kindsOfUser.includes(kind);
}
