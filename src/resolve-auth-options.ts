import { path } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';
import type { AuthenticationScheme } from './authentication/authentication-scheme.js';
import { acceptingTokens, findMissingOption, type IdentityProvider } from './issuers/identity-provider.js';
import { checkSchemes } from './authentication/request-authenticator.js';
import {
  isModuleIssuer,
  type OwnApiKeys,
  type OwnTokens,
  type ProviderSessions,
  sessionCookieSource,
} from './issuers/module-issuer.js';
import type { ReadAuthOptions } from './read-auth-options.js';
import { checkAudiences } from './resource-metadata/read-resources.js';
import { firstOf, fromBearer, mergeSources, type TokenSource } from './request/token-sources.js';
import { readRevocationOptions, type RevocationTerms } from './revocation/revocation-options.js';

/** The options with everything filled in and checked. */
export interface ResolvedAuthOptions extends ReadAuthOptions {
  readonly providers: readonly IdentityProvider[];
  readonly sources: readonly TokenSource[];
  /** `null` where revocation is off. */
  readonly revocation: RevocationTerms | null;
}

/** What other modules of the app issue. */
export interface OwnIssuers {
  /** The app's own tokens; `null` without a `SessionsModule`. */
  readonly tokens: OwnTokens | null;
  /** The app's own API keys; `null` without an `ApiKeysModule`. */
  readonly keys: OwnApiKeys | null;
  /** The sessions that a provider keeps for the app; `null` without a module for them. */
  readonly sessions: ProviderSessions | null;
}

const noOwnIssuers: OwnIssuers = Object.freeze({ tokens: null, keys: null, sessions: null });

/**
 * Completes the options with what other modules of the app provide.
 *
 * @throws {ConfigurationError} for the first option that does not go with the modules of the app.
 */
export function resolveAuthOptions(
  read: ReadAuthOptions,
  { tokens: own, keys, sessions }: OwnIssuers = noOwnIssuers,
): ResolvedAuthOptions {
  const providers = resolveProviders(read, own);
  const { where, hasProfileOptions, resources } = read;
  if (resources !== null) checkAudiences(where, resources.all, providers);
  const missing = findMissingOption(providers, ({ profiles }) => [profiles]);
  // Options for what can never be looked up were not meant for this app.
  if (hasProfileOptions && missing !== null) {
    const problem = `no issuer gives profiles: there is no ${missing.option}`;
    throw new ConfigurationError(path(where, 'profiles'), problem, missing.hint);
  }
  const sources = resolveSources(read, providers, { tokens: own, sessions });
  return Object.freeze({
    ...read,
    providers,
    sources,
    schemes: resolveSchemes(read, sources, keys),
    revocation: resolveRevocation(read, own),
  });
}

/** Whether the options can be resolved before the app is created. */
export function isIndependent({ issuers, tokenFrom }: ReadAuthOptions): boolean {
  const sources = (tokenFrom ?? []).flatMap((source) => [source, ...(source.alternatives ?? [])]);
  return !issuers.some(isModuleIssuer) && !sources.includes(sessionCookieSource);
}

function resolveProviders({ where, issuers }: ReadAuthOptions, own: OwnTokens | null): readonly IdentityProvider[] {
  const providers = issuers.flatMap((issuer) => {
    if (!isModuleIssuer(issuer)) return [issuer];
    // API keys are a scheme, and no tokens.
    if (issuer.preset === 'apiKeys') return [];
    return [requireOwnTokens(path(where, `issuers: ${issuer.preset}()`), own).toProvider(issuer.allowAnonymous)];
  });
  checkNamedOnce(where, providers, issuers.some(isApiKeys));
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

function isApiKeys(issuer: unknown): boolean {
  return isModuleIssuer(issuer) && issuer.preset === 'apiKeys';
}

/** The schemes of the app, and that of its API keys. */
function resolveSchemes(
  { where, issuers, schemes }: ReadAuthOptions,
  sources: readonly TokenSource[],
  keys: OwnApiKeys | null,
): readonly AuthenticationScheme[] {
  const option = path(where, 'issuers: apiKeys()');
  const count = issuers.filter(isApiKeys).length;
  if (count === 0) return schemes;
  if (count > 1) throw new ConfigurationError(option, 'it is listed twice', 'Write it once');
  if (keys === null) {
    throw new ConfigurationError(
      option,
      'there is no ApiKeysModule in this app, so it has no API keys',
      "Add ApiKeysModule.forRoot({ prefix: 'acme' }) of nest-gatehouse/api-keys to the imports of the root module",
    );
  }
  const all = Object.freeze([...schemes, keys.toScheme(sources)]);
  checkSchemes(path(where, 'schemes'), all);
  return all;
}

/** Of two descriptions that both accept tokens of one issuer, the more permissive one would decide. */
function checkNamedOnce(where: string, providers: readonly IdentityProvider[], hasApiKeys: boolean): void {
  const accepting = acceptingTokens(providers);
  if (accepting.length === 0 && !hasApiKeys) {
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
  { tokens: own, sessions }: Omit<OwnIssuers, 'keys'>,
): readonly TokenSource[] {
  const cookies = [own?.cookieSource ?? null, sessions?.cookieSource ?? null].filter((source) => source !== null);
  if (tokenFrom === null) {
    const named = acceptingTokens(providers).flatMap(({ tokenSources }) => tokenSources);
    return named.length === 0 ? [fromBearer()] : mergeSources([...named, ...cookies]);
  }
  const option = path(where, 'tokenFrom: [fromSessionCookie()]');
  const resolve = (source: TokenSource): readonly TokenSource[] => {
    if (source.alternatives?.includes(sessionCookieSource) === true) {
      return [firstOf(...source.alternatives.flatMap(resolve))];
    }
    if (source !== sessionCookieSource) return [source];
    return cookies.length === 0 ? [requireCookieSource(option, own, sessions)] : cookies;
  };
  return mergeSources(tokenFrom.flatMap(resolve));
}

function requireCookieSource(option: string, own: OwnTokens | null, sessions: ProviderSessions | null): TokenSource {
  const cookieSource = sessions === null ? requireOwnTokens(option, own).cookieSource : sessions.cookieSource;
  if (cookieSource !== null) return cookieSource;
  throw new ConfigurationError(
    option,
    `${sessions === null ? 'SessionsModule' : 'The module of the sessions'} delivers no cookies`,
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
