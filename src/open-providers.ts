import { IssuerPermissions, PermissionSources, type UserFacts } from './access/issuer-permissions.js';
import type { AuthContext, IdentityProvider } from './issuers/identity-provider.js';
import type { KeySource } from './keys/key-source.js';
import { ExpiringMemory } from './profiles/expiring-memory.js';
import { IssuerProfiles } from './profiles/issuer-profiles.js';
import { ProfileCache, type HeldProfile } from './profiles/profile-cache.js';
import { newTally } from './profiles/profile-record.js';
import type { ProfileTerms } from './profiles/profile-options.js';
import { SharedStore } from './profiles/shared-store.js';
import { UserProfileService } from './profiles/user-profile.service.js';
import { OriginCheck } from './request/request-origin.js';
import type { ResolvedAuthOptions } from './resolve-auth-options.js';
import { IssuerRegistry } from './token/issuer-registry.js';
import type { TokenStatusSource, TrustedIssuer } from './token/trusted-issuer.js';
import type { ProviderClients } from './upstream/provider-clients.js';
import type { ClaimMap } from './user/claim-map.js';

/**
 * Opens every issuer's key source, and the way to ask it about tokens, on the app's context; once for those that share
 * one. Calls anonymousCaller yet.
 */
export function openIssuers(providers: readonly IdentityProvider[], context: AuthContext): IssuerRegistry {
  const openKeys = openOnce<KeySource>(context);
  const createStatusSource = openOnce<TokenStatusSource>(context);
  const issuers = providers.flatMap(({ issuers, verification, statusSourceHint }) =>
    issuers.map((issuer): TrustedIssuer => {
      const statusSource = issuer.createStatusSource === null ? null : createStatusSource(issuer.createStatusSource);
      return { terms: issuer.terms, keys: openKeys(issuer.openKeys), verification, statusSource, statusSourceHint };
    }),
  );
  return new IssuerRegistry(issuers, new Map(providers.flatMap((provider) => [...provider.hint])));
}

function openOnce<Part>(context: AuthContext): (open: (context: AuthContext) => Part) => Part {
  const opened = new Map<(context: AuthContext) => Part, Part>();
  return (open) => {
    const part = opened.get(open) ?? open(context);
    opened.set(open, part);
    return part;
  };
}

/** How the claims of each issuer are read, by its name. */
export function claimMapsOf(providers: readonly IdentityProvider[]): ReadonlyMap<string, ClaimMap> {
  return new Map(
    providers.flatMap(({ issuers, claimMap }) => issuers.map(({ terms }) => [terms.issuer, claimMap] as const)),
  );
}

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

/** The check of requests from other sites. An app of microservices alone has no HTTP adapter. */
export function openOriginCheck(
  { publicUrl, trustedOrigins }: Pick<ResolvedAuthOptions, 'publicUrl' | 'trustedOrigins'>,
  host: { readonly httpAdapter?: { getInstance(): unknown } },
): OriginCheck {
  const publicOrigin = publicUrl === null ? null : new URL(publicUrl).origin;
  return new OriginCheck({ publicOrigin, trustedOrigins, findAdapterInstance: () => host.httpAdapter?.getInstance() });
}
