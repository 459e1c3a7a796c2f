import { path } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';
import { acceptingTokens, findMissingOption, type IdentityProvider } from './issuers/identity-provider.js';
import { isModuleIssuer, type OwnTokens, sessionCookieSource } from './issuers/module-issuer.js';
import type { ReadAuthOptions } from './read-auth-options.js';
import { firstOf, mergeSources, type TokenSource } from './request/token-sources.js';
import { readRevocationOptions, type RevocationTerms } from './revocation/revocation-options.js';

/** The options with everything filled in and checked. */
export interface ResolvedAuthOptions extends ReadAuthOptions {
  readonly providers: readonly IdentityProvider[];
  readonly sources: readonly TokenSource[];
  /** `null` where revocation is off. */
  readonly revocation: RevocationTerms | null;
}

/**
 * Completes the options with what other modules of the app provide.
 *
 * @param own the app's own tokens; `null` without a `SessionsModule`
 * @throws {ConfigurationError} for the first option that does not go with the modules of the app.
 */
export function resolveAuthOptions(read: ReadAuthOptions, own: OwnTokens | null): ResolvedAuthOptions {
  const providers = resolveProviders(read, own);
  const { where, hasProfileOptions } = read;
  const missing = findMissingOption(providers, ({ profiles }) => [profiles]);
  // Options for what can never be looked up were not meant for this app.
  if (hasProfileOptions && missing !== null) {
    const problem = `no issuer gives profiles: there is no ${missing.option}`;
    throw new ConfigurationError(path(where, 'profiles'), problem, missing.hint);
  }
  return Object.freeze({
    ...read,
    providers,
    sources: resolveSources(read, providers, own),
    revocation: resolveRevocation(read, own),
  });
}

/** Whether the options can be resolved before the app is created. */
export function isIndependent({ issuers, tokenFrom }: ReadAuthOptions): boolean {
  const sources = (tokenFrom ?? []).flatMap((source) => [source, ...(source.alternatives ?? [])]);
  return !issuers.some(isModuleIssuer) && !sources.includes(sessionCookieSource);
}

function resolveProviders({ where, issuers }: ReadAuthOptions, own: OwnTokens | null): readonly IdentityProvider[] {
  const providers = issuers.map((issuer) => {
    if (!isModuleIssuer(issuer)) return issuer;
    return requireOwnTokens(path(where, `issuers: ${issuer.preset}()`), own).toProvider(issuer.allowAnonymous);
  });
  checkNamedOnce(where, providers);
  return Object.freeze(providers);
}

function requireOwnTokens(where: string, own: OwnTokens | null): OwnTokens {
  if (own !== null) return own;
  throw new ConfigurationError(
    where,
    'there is no SessionsModule in this app, so it issues no tokens',
    'Add SessionsModule.forRoot({ … }) of nest-gatehouse/sessions to the imports of the root module',
  );
}

/** Of two descriptions that both accept tokens of one issuer, the more permissive one would decide. */
function checkNamedOnce(where: string, providers: readonly IdentityProvider[]): void {
  const accepting = acceptingTokens(providers);
  if (accepting.length === 0) {
    const fix = 'Write the issuer whose access tokens the app accepts; acceptsTokens: false is for other purposes';
    throw new ConfigurationError(path(where, 'issuers'), 'none of them accepts tokens', fix);
  }
  const seen = new Set<string>();
  for (const { terms } of accepting.flatMap((provider) => provider.issuers)) {
    if (seen.has(terms.issuer)) {
      throw new ConfigurationError(
        path(where, 'issuers'),
        `the issuer ${terms.issuer} is described twice`,
        'Describe it once; for several audiences, write them as a list',
      );
    }
    seen.add(terms.issuer);
  }
}

function resolveSources(
  { where, tokenFrom }: ReadAuthOptions,
  providers: readonly IdentityProvider[],
  own: OwnTokens | null,
): readonly TokenSource[] {
  if (tokenFrom === null) return mergeSources(acceptingTokens(providers).flatMap(({ tokenSources }) => tokenSources));
  const option = path(where, 'tokenFrom: [fromSessionCookie()]');
  const resolve = (source: TokenSource): TokenSource => {
    if (source.alternatives?.includes(sessionCookieSource) === true)
      return firstOf(...source.alternatives.map(resolve));
    return source === sessionCookieSource ? requireCookieSource(option, own) : source;
  };
  return mergeSources(tokenFrom.map(resolve));
}

function requireCookieSource(option: string, own: OwnTokens | null): TokenSource {
  const { cookieSource } = requireOwnTokens(option, own);
  if (cookieSource !== null) return cookieSource;
  throw new ConfigurationError(
    option,
    'SessionsModule delivers no cookies',
    "Add 'cookies' to its option delivery, or leave fromSessionCookie() out",
  );
}

function resolveRevocation({ where, givenRevocation }: ReadAuthOptions, own: OwnTokens | null): RevocationTerms | null {
  const option = path(where, 'revocation');
  if (own === null) return readRevocationOptions(option, givenRevocation);
  if (givenRevocation === false) {
    throw new ConfigurationError(
      option,
      'it is off, and SessionsModule ends sessions by revoking their access tokens',
      'Leave it out: with SessionsModule revocation is on',
    );
  }
  return readRevocationOptions(option, givenRevocation ?? true, { serveStaleForSeconds: own.lifetimeSeconds });
}
