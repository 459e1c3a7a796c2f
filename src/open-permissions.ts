import { IssuerPermissions, type UserFacts } from './access/issuer-permissions.js';
import { PermissionSources } from './access/permission-sources.js';
import type { Ground, IdentityProvider } from './issuers/identity-provider.js';
import { ExpiringMemory } from './profiles/expiring-memory.js';
import type { ProfileTerms } from './profiles/profile-options.js';

/** Opens the permissions of those providers that have to be asked for them, on the app's ground. Calls nobody yet. */
export function openPermissions(
  providers: readonly IdentityProvider[],
  { freshMs, maxEntries }: ProfileTerms,
  ground: Ground,
): PermissionSources {
  const { clock, report, createAlarm } = ground;
  const memory = new ExpiringMemory<UserFacts>({ maxEntries, clock, alarm: createAlarm?.() });
  const opened = providers.flatMap(({ issuers, openPermissions: open }) => {
    if (open === undefined) return [];
    const permissions = new IssuerPermissions(open(ground), { memory, freshMs, clock, report });
    return issuers.map(({ terms }) => [terms.issuer, permissions] as const);
  });
  return new PermissionSources(new Map(opened), memory);
}
