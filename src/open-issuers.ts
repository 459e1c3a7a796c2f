import type { Ground, IdentityProvider } from './issuers/identity-provider.js';
import type { KeySource } from './keys/key-source.js';
import { IssuerRegistry } from './token/issuer-registry.js';
import type { TokenInquiry } from './token/token-inquiry.js';
import type { TrustedIssuer } from './token/trusted-issuer.js';
import type { ClaimMap } from './user/claim-map.js';

/**
 * Opens every issuer's key source, and the way to ask it about tokens, on the app's ground; once for those that share
 * one. Calls nobody yet.
 */
export function openIssuers(providers: readonly IdentityProvider[], ground: Ground): IssuerRegistry {
  const openKeys = openOnce<KeySource>(ground);
  const openInquiry = openOnce<TokenInquiry>(ground);
  const issuers = providers.flatMap(({ issuers, verification, inquiryAdvice }) =>
    issuers.map((issuer): TrustedIssuer => {
      const inquiry = issuer.openInquiry === null ? null : openInquiry(issuer.openInquiry);
      return { terms: issuer.terms, keys: openKeys(issuer.openKeys), verification, inquiry, inquiryAdvice };
    }),
  );
  return new IssuerRegistry(issuers, new Map(providers.flatMap((provider) => [...provider.advice])));
}

function openOnce<Part>(ground: Ground): (open: (ground: Ground) => Part) => Part {
  const opened = new Map<(ground: Ground) => Part, Part>();
  return (open) => {
    const part = opened.get(open) ?? open(ground);
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
