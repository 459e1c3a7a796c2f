import type { AuthUser } from '../user/auth-user.js';
import type { Organization } from '../user/organization.js';

/**
 * Where an issuer keeps what its tokens do not say: permissions, and the organizations that a user is in. Asked only
 * where a route demands them. What it throws is a fault, but for a `RefusalError`: the issuer refused the user's token.
 */
export interface PermissionSource {
  /** As the log tells where something was looked for: `the API of Stack Auth`. */
  readonly name: string;
  /** What the user may do beyond any organization. */
  permissionsOf(user: AuthUser): Promise<readonly string[]>;
  /** Where the user is a member. Permissions in them are asked for one by one. */
  organizationsOf(user: AuthUser): Promise<readonly Organization[]>;
  /** What the user may do in an organization that they are in. */
  permissionsIn(user: AuthUser, organizationId: string): Promise<readonly string[]>;
}
