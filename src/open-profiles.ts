import type { AuthContext, IdentityProvider } from './issuers/identity-provider.js';
import { ExpiringMemory } from './profiles/expiring-memory.js';
import { IssuerProfiles } from './profiles/issuer-profiles.js';
import { type HeldProfile, ProfileCache } from './profiles/profile-cache.js';
import { newTally } from './profiles/profile-counters.js';
import type { ProfileTerms } from './profiles/profile-options.js';
import { SharedStore } from './profiles/shared-store.js';
import { UserProfileService } from './profiles/user-profile.service.js';
import type { ProviderClients } from './upstream/provider-clients.js';

/** Opens every provider's source of profiles on the app's context, over one cache. Calls anonymousCaller yet. */
export function openProfiles(
  providers: readonly IdentityProvider[],
  terms: ProfileTerms,
  clients: ProviderClients,
  context: AuthContext,
  onForget?: (userId: string, issuer: string) => void,
): UserProfileService {
  const { clock, report, createTimer } = context;
  const tally = newTally();
  const memory = new ExpiringMemory<HeldProfile>({ maxEntries: terms.maxEntries, clock, timer: createTimer?.() });
  const store = terms.store === null ? null : new SharedStore({ store: terms.store, clock, report });
  const cache = new ProfileCache({ terms, memory, store, clock, tally });
  const opened = providers.map(({ issuers, openProfiles: open, profileHint }) => {
    const names = issuers.map(({ terms: { issuer } }) => issuer);
    const source = open?.(context) ?? null;
    return new IssuerProfiles({ issuers: names, source, hint: profileHint }, { cache, tally, clock, report });
  });
  return new UserProfileService({
    providers: opened,
    cache,
    counters: tally,
    breakers: () => clients.breakers(),
    onForget,
  });
}
