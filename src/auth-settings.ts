import { ScopeHierarchy } from './access/scope-hierarchy.js';
import type { Clock } from './clock/clock.js';

/** What `AuthModule` tells the other modules of the package: sessions, accounts, login. */
export class AuthSettings {
  constructor(
    /** The outside address of the app's `/`, without a slash at its end; `null` where the app has not set it. */
    readonly publicUrl: string | null,
    /** The origins of pages that may send cookies, besides the app's own. */
    readonly trustedOrigins: readonly string[],
    readonly clock: Clock,
    /** The scopes that include others. */
    readonly scopes: ScopeHierarchy = new ScopeHierarchy(),
  ) {}
}
