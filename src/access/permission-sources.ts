import type { ExpiringMemory } from '../profiles/expiring-memory.js';
import type { AuthUser } from '../user/auth-user.js';
import { findTokenOf } from '../user/verified-user.js';
import type { IssuerPermissions, UserFacts } from './issuer-permissions.js';
import type { PermissionSource } from './permission-source.js';

/** The issuers that have to be asked about permissions, by their names. */
export class PermissionSources {
  constructor(
    private readonly byIssuer: ReadonlyMap<string, IssuerPermissions>,
    private readonly memory: ExpiringMemory<UserFacts>,
  ) {}

  /** Whom to ask about a user; `undefined` where their token says it all. */
  find(user: AuthUser): PermissionSource | undefined {
    const source = this.byIssuer.get(user.issuer);
    // A user whom the app has made by hand, for a test of its own, has what they say.
    return source === undefined || findTokenOf(user) === undefined ? undefined : source;
  }

  /** Drops what is known of a user, so that the next question goes to the issuer. */
  readonly forget = (userId: string, issuer: string): void => {
    this.byIssuer.get(issuer)?.forget(userId, issuer);
  };

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.memory.close();
  }
}
