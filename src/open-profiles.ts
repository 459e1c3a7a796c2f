import type { Ground, IdentityProvider } from './issuers/identity-provider.js';
import { ExpiringMemory } from './profiles/expiring-memory.js';
import { IssuerProfiles } from './profiles/issuer-profiles.js';
import { type HeldProfile, ProfileCache } from './profiles/profile-cache.js';
import { newTally } from './profiles/profile-counters.js';
import type { ProfileTerms } from './profiles/profile-options.js';
import { SharedStore } from './profiles/shared-store.js';
import { UserProfileService } from './profiles/user-profile.service.js';
import type { ProviderClients } from './upstream/provider-clients.js';

/** Opens every provider's source of profiles on the app's ground, over one cache. Calls nobody yet. */
export function openProfiles(
  providers: readonly IdentityProvider[],
  terms: ProfileTerms,
  clients: ProviderClients,
  ground: Ground,
  onForget?: (userId: string, issuer: string) => void,
): UserProfileService {
  const { clock, report, createAlarm } = ground;
  const tally = newTally();
  const memory = new ExpiringMemory<HeldProfile>({ maxEntries: terms.maxEntries, clock, alarm: createAlarm?.() });
  const store = terms.store === null ? null : new SharedStore({ store: terms.store, clock, report });
  const cache = new ProfileCache({ terms, memory, store, clock, tally });
  const opened = providers.map(({ issuers, openProfiles: open, profileAdvice }) => {
    const names = issuers.map(({ terms: { issuer } }) => issuer);
    const source = open?.(ground) ?? null;
    return new IssuerProfiles({ issuers: names, source, advice: profileAdvice }, { cache, tally, clock, report });
  });
  return new UserProfileService({
    providers: opened,
    cache,
    counters: tally,
    breakers: () => clients.breakers(),
    onForget,
  });
}
