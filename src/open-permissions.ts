import { IssuerPermissions, type UserFacts } from './access/issuer-permissions.js';
import { PermissionSources } from './access/permission-sources.js';
import type { AuthContext, IdentityProvider } from './issuers/identity-provider.js';
import { ExpiringMemory } from './profiles/expiring-memory.js';
import type { ProfileTerms } from './profiles/profile-options.js';

/** Opens the permissions of those providers that have to be asked for them, on the app's context. Calls anonymousCaller yet. */
export function openPermissions(
  providers: readonly IdentityProvider[],
  { freshMs, maxEntries }: ProfileTerms,
  context: AuthContext,
): PermissionSources {
  const { clock, report, createTimer } = context;
  const memory = new ExpiringMemory<UserFacts>({ maxEntries, clock, timer: createTimer?.() });
  const opened = providers.flatMap(({ issuers, openPermissions: open }) => {
    if (open === undefined) return [];
    const permissions = new IssuerPermissions(open(context), { memory, freshMs, clock, report });
    return issuers.map(({ terms }) => [terms.issuer, permissions] as const);
  });
  return new PermissionSources(new Map(opened), memory);
}
