import type { AuthContext, IdentityProvider } from './issuers/identity-provider.js';
import type { KeySource } from './keys/key-source.js';
import { IssuerRegistry } from './token/issuer-registry.js';
import type { TokenStatusSource } from './token/token-status-source.js';
import type { TrustedIssuer } from './token/trusted-issuer.js';
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
