import type { Ground, IdentityProvider, OpenKeys } from './issuers/identity-provider.js';
import type { KeySource } from './keys/key-source.js';
import { IssuerRegistry } from './token/issuer-registry.js';
import type { ClaimMap } from './user/claim-map.js';

/** Opens every issuer's key source on the app's ground, once for those that share it. Calls nobody yet. */
export function openIssuers(providers: readonly IdentityProvider[], ground: Ground): IssuerRegistry {
  const opened = new Map<OpenKeys, KeySource>();
  const open = (openKeys: OpenKeys): KeySource => {
    const source = opened.get(openKeys) ?? openKeys(ground);
    opened.set(openKeys, source);
    return source;
  };
  const issuers = providers.flatMap((provider) =>
    provider.issuers.map(({ terms, openKeys }) => ({ terms, keys: open(openKeys) })),
  );
  return new IssuerRegistry(issuers, new Map(providers.flatMap((provider) => [...provider.advice])));
}

/** How the claims of each issuer are read, by its name. */
export function claimMapsOf(providers: readonly IdentityProvider[]): ReadonlyMap<string, ClaimMap> {
  return new Map(
    providers.flatMap(({ issuers, claimMap }) => issuers.map(({ terms }) => [terms.issuer, claimMap] as const)),
  );
}
