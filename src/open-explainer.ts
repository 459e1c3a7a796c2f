import type { AuthenticationScheme, AuthenticationSchemes } from './authentication/authentication-scheme.js';
import { SystemClock } from './clock/clock.js';
import { createBindingCheck } from './dpop/token-binding.js';
import { ScopeHierarchy } from './access/scope-hierarchy.js';
import type { ExplainedParts } from './explain/explain-jwt.js';
import { type InspectedKeys, TokenExplainer } from './explain/token-explainer.js';
import { acceptingTokens, type IdentityProvider } from './issuers/identity-provider.js';
import { claimMapsOf, openIssuers } from './open-providers.js';
import type { ResolvedAuthOptions } from './resolve-auth-options.js';
import type { IssuerRegistry } from './token/issuer-registry.js';
import { TokenVerifier } from './token/token-verifier.js';
import { VerifiedTokenCache } from './token/verified-token-cache.js';
import { HttpClient } from './upstream/http-client.js';
import { ProviderClients } from './upstream/provider-clients.js';
import type { ClaimMap } from './user/claim-map.js';
import { toAuthUser } from './user/verified-user.js';

/** How far the time of a proof may be from now where the options of the app are not known: the default of `dpop`. */
const usualProofWindowSeconds = 300;

/** Creates the explainer of an app, with the verifier and the schemes that answer its requests. */
export function createTokenExplainer(
  { providers, clock, dpop, scopes, publicUrl }: ResolvedAuthOptions,
  issuers: IssuerRegistry,
  verifier: TokenVerifier,
  { inOrder }: AuthenticationSchemes,
): TokenExplainer {
  const claimMaps = claimMapsOf(providers);
  const checkUser = createBindingCheck(dpop.mode);
  return new TokenExplainer({
    issuers,
    clock,
    verify: (text) => verifier.inspect(text),
    presetOf: presetsOf(providers),
    keyAddressesOf: keyAddressesOf(providers),
    publicUrl,
    checkBinding: (text, token) => {
      const claimMap = claimMaps.get(token.issuer);
      return claimMap === undefined ? null : checkUser(toAuthUser(text, token, claimMap));
    },
    acceptsProofs: dpop.mode !== 'off',
    userOf: userBy(claimMaps),
    scopes,
    keys: inOrder.filter(({ prefixes }) => prefixes !== undefined && prefixes.length > 0).map(toInspected),
    proofWindowSeconds: dpop.windowSeconds,
  });
}

/** An explainer of tokens of one provider, without an app. */
export interface DetachedExplainer {
  readonly explainer: TokenExplainer;
  readonly issuers: IssuerRegistry;
  /** Ends what it has begun. */
  readonly close: () => Promise<void>;
}

/**
 * Creates an explainer without an app: what depends on the options of one is not checked.
 *
 * @param providers whose tokens it explains; none: it explains what needs no issuer
 */
export function openDetachedExplainer(...providers: readonly IdentityProvider[]): DetachedExplainer {
  const clock = new SystemClock();
  const clients = new ProviderClients({ fetch: undefined, timeoutMs: undefined, clock });
  const issuers = openIssuers(providers, {
    clock,
    upstream: new HttpClient({ clock }),
    providerClient: clients.get,
    report: () => undefined,
  });
  const verifier = new TokenVerifier({ issuers, clock, cache: new VerifiedTokenCache(0, clock), claimsCheck: null });
  const explainer = new TokenExplainer({
    issuers,
    clock,
    verify: (text) => verifier.inspect(text),
    presetOf: presetsOf(providers),
    keyAddressesOf: keyAddressesOf(providers),
    publicUrl: null,
    checkBinding: null,
    acceptsProofs: true,
    userOf: userBy(claimMapsOf(providers)),
    scopes: new ScopeHierarchy(),
    keys: [],
    proofWindowSeconds: usualProofWindowSeconds,
  });
  const close = async (): Promise<void> => {
    verifier.onModuleDestroy();
    for (const { keys } of issuers.all()) keys.close();
    await clients.onApplicationShutdown();
  };
  return { explainer, issuers, close };
}

function userBy(claimMaps: ReadonlyMap<string, ClaimMap>): ExplainedParts['userOf'] {
  return (text, token) => {
    const claimMap = claimMaps.get(token.issuer);
    // Every issuer of the registry has one.
    if (claimMap === undefined) throw new Error(`There is no claim map of ${token.issuer}`);
    return toAuthUser(text, token, claimMap);
  };
}

function presetsOf(providers: readonly IdentityProvider[]): (issuer: string) => string | null {
  const presets = new Map(
    acceptingTokens(providers).flatMap(({ name, issuers }) =>
      issuers.map(({ terms }) => [terms.issuer, name] as const),
    ),
  );
  return (issuer) => presets.get(issuer) ?? null;
}

function keyAddressesOf(providers: readonly IdentityProvider[]): (issuer: string) => readonly string[] {
  const given = new Map(
    acceptingTokens(providers).flatMap(({ issuers }) =>
      issuers.map(({ terms, addresses }) => [terms.issuer, addresses?.keys ?? []] as const),
    ),
  );
  return (issuer) => given.get(issuer) ?? [];
}

/** A scheme that can be asked about a key without using it. */
type AskableScheme = AuthenticationScheme & { inspect(text: string): Promise<void> };

function toInspected(scheme: AuthenticationScheme): InspectedKeys {
  const { prefixes = [] } = scheme;
  return { prefixes, inspect: isAskable(scheme) ? (text) => scheme.inspect(text) : null };
}

function isAskable(scheme: AuthenticationScheme): scheme is AskableScheme {
  return 'inspect' in scheme && typeof scheme.inspect === 'function';
}
