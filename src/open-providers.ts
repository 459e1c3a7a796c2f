import { IssuerPermissions, PermissionSources, type UserFacts } from './access/issuer-permissions.js';
import type { ApiKeySource } from './authentication/api-key-source.js';
import type { AuthenticationScheme, AuthenticationSchemes } from './authentication/authentication-scheme.js';
import { ConfirmedKeys } from './authentication/confirmed-keys.js';
import { RevokedKeys } from './authentication/ended-keys.js';
import { ProviderKeyScheme } from './authentication/provider-key-scheme.js';
import { RefusedKeys } from './authentication/refused-keys.js';
import type { Authenticator } from './authentication/authenticator.js';
import { checkSchemes, RequestAuthenticator } from './authentication/request-authenticator.js';
import type { MissingCapabilities } from './audit/capability-check.service.js';
import { ErrorAnswers } from './challenge/error-answers.js';
import { path } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';
import {
  acceptingTokens,
  findMissingOption,
  type IdentityProvider,
  type ProvidedIssuer,
} from './issuers/identity-provider.js';
import { IndexedKeySet } from './keys/key-set.js';
import { type KeySource, StaticKeySource } from './keys/key-source.js';
import { ExpiringMemory } from './profiles/expiring-memory.js';
import { IssuerProfiles } from './profiles/issuer-profiles.js';
import { ProfileCache, type HeldProfile } from './profiles/profile-cache.js';
import { newTally } from './profiles/profile-record.js';
import type { ProfileTerms } from './profiles/profile-options.js';
import { SharedStore } from './profiles/shared-store.js';
import { UserProfileService } from './profiles/user-profile.service.js';
import { OriginCheck } from './request/request-origin.js';
import type { ProtectedResources } from './resource-metadata/protected-resources.js';
import { withBothSpellings } from './resource-metadata/read-resources.js';
import { ResourceAuthenticator } from './resource-metadata/resource-authenticator.js';
import { isProduction, type ReadAuthOptions } from './read-auth-options.js';
import type { ReportEvent } from './telemetry/auth-event.js';
import { CallAnswers } from './transports/call-answers.js';
import type { ResolvedAuthOptions } from './resolve-auth-options.js';
import { IssuerRegistry } from './token/issuer-registry.js';
import type { TokenStatusCheck } from './token/token-status-check.js';
import type { TrustedIssuer } from './token/trusted-issuer.js';
import { type AuthContext, type Capability, createCapability, missingOptionOf } from './upstream/auth-context.js';
import type { ProviderClients } from './upstream/provider-clients.js';
import type { ClaimMap } from './user/claim-map.js';

/** Creates the keys and the introspection of every issuer, once for those that share them. Makes no calls yet. */
export function openIssuers(
  providers: readonly IdentityProvider[],
  context: AuthContext,
  resources: ProtectedResources | null = null,
): IssuerRegistry {
  const createShared = createOnce(context);
  const accepted = acceptingTokens(providers);
  const issuers = accepted.flatMap(({ name, issuers: provided, verification }) =>
    provided.map(
      ({ terms, keys, introspection, sessions }): TrustedIssuer => ({
        terms: withBothSpellings(terms, resources?.all ?? []),
        keys: createShared(keys) ?? noKeys({ verification, keys }),
        verification,
        statusSource: createShared(introspection),
        sessions: sessions === undefined ? null : createShared(sessions),
        statusSourceHint: missingOptionOf(introspection) ?? { option: name, hint: 'It can be asked' },
      }),
    ),
  );
  return new IssuerRegistry(issuers, new Map(accepted.flatMap(({ issuerHints }) => [...issuerHints])));
}

/** Capabilities that share the function `create` share what it makes. */
function createOnce(context: AuthContext): <Value>(capability: Capability<Value>) => Value | null {
  const created = new Map<unknown, unknown>();
  return <Value>(capability: Capability<Value>): Value | null => {
    if ('missing' in capability) return null;
    const known = created.get(capability.create) as Value | undefined;
    const value = known ?? capability.create(context);
    created.set(capability.create, value);
    return value;
  };
}

/** An issuer that is asked about every token needs no keys. Of any other, no token could be verified. */
function noKeys({
  verification,
  keys,
}: Pick<IdentityProvider, 'verification'> & Pick<ProvidedIssuer, 'keys'>): KeySource {
  if (verification === 'online') return new StaticKeySource(new IndexedKeySet([]));
  const { option, hint } = missingOptionOf(keys) ?? { option: 'keys', hint: 'Write them' };
  throw new ConfigurationError(option, 'tokens are verified by their signature, and there are no keys', hint);
}

/** How the claims of each issuer are read, by the issuer's name. */
export function claimMapsOf(providers: readonly IdentityProvider[]): ReadonlyMap<string, ClaimMap> {
  return new Map(
    acceptingTokens(providers).flatMap(({ issuers, claimMap }) =>
      issuers.map(({ terms }) => [terms.issuer, claimMap] as const),
    ),
  );
}

/** Creates the permissions of the providers whose tokens do not contain them. Makes no calls yet. */
export function openPermissions(
  providers: readonly IdentityProvider[],
  { freshMs, maxEntries }: ProfileTerms,
  context: AuthContext,
): PermissionSources {
  const { clock, createTimer } = context;
  const memory = new ExpiringMemory<UserFacts>({ maxEntries, clock, timer: createTimer?.() });
  const opened = acceptingTokens(providers).flatMap(({ issuers, permissions }) => {
    const source = createCapability(permissions, context);
    if (source === null) return [];
    const remembered = new IssuerPermissions(source, context, { memory, freshMs });
    return issuers.map(({ terms }) => [terms.issuer, remembered] as const);
  });
  return new PermissionSources(new Map(opened), memory);
}

/** Creates the profiles of every provider, over one cache. Makes no calls yet. */
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
  const opened = acceptingTokens(providers).map(({ issuers, profiles }) => {
    const names = issuers.map(({ terms: { issuer } }) => issuer);
    return new IssuerProfiles({ issuers: names, profiles }, context, { cache, tally });
  });
  return new UserProfileService({
    providers: opened,
    cache,
    counters: tally,
    breakers: () => clients.breakers(),
    onForget,
  });
}

/**
 * Creates the schemes of the API keys that the providers issue. Makes no calls yet.
 *
 * @param check the revocations, by which a key is asked about again; `null` where they are off
 * @throws {ConfigurationError} when it would not be known whose key a text is.
 */
export function openKeySchemes(
  { where, providers, schemes, sources }: Pick<ResolvedAuthOptions, 'where' | 'providers' | 'schemes' | 'sources'>,
  context: AuthContext,
  { opaqueIssuer }: IssuerRegistry,
  check: TokenStatusCheck | null,
): readonly AuthenticationScheme[] {
  const { clock, report } = context;
  const refused = new RefusedKeys(clock);
  const opened = acceptingTokens(providers).flatMap(({ apiKeys, issuers: [first] }) => {
    const source: ApiKeySource | null = apiKeys === undefined ? null : createCapability(apiKeys, context);
    if (source === null || first === undefined) return [];
    const { issuer } = first.terms;
    const ended = check === null ? null : new RevokedKeys(check, issuer);
    const keys = new ConfirmedKeys({ source, issuer, clock, report, ended });
    return [new ProviderKeyScheme({ source, keys, refused, clock, sources })];
  });
  checkSchemes(path(where, 'issuers'), [...schemes, ...opened]);
  const opaque = opened.filter(({ isOpaque }) => isOpaque);
  if (opaque.length > 1 || (opaque.length === 1 && opaqueIssuer !== undefined)) {
    const names = [...opaque.map(({ name }) => name), ...(opaqueIssuer === undefined ? [] : ['opaque tokens'])];
    throw new ConfigurationError(
      path(where, 'issuers'),
      `${names.join(' and ')} have no form by which they can be told apart`,
      'Leave apiKeys out, or set introspection: { opaqueTokens: false }, so that one of them remains',
    );
  }
  // What has no form is claimed last.
  return [...opened.filter(({ isOpaque }) => !isOpaque), ...opaque];
}

/** The check of requests from other sites. An app of microservices alone has no HTTP adapter. */
export function openOriginCheck(
  { publicUrl, trustedOrigins }: Pick<ReadAuthOptions, 'publicUrl' | 'trustedOrigins'>,
  host: { readonly httpAdapter?: { getInstance(): unknown } },
): OriginCheck {
  const publicOrigin = publicUrl === null ? null : new URL(publicUrl).origin;
  return new OriginCheck({ publicOrigin, trustedOrigins, findAdapterInstance: () => host.httpAdapter?.getInstance() });
}

/** The authenticator of requests. Only an app with resources has one that looks at the address of the request. */
export function openAuthenticator(
  { sources, toUser, clock, resources }: Pick<ResolvedAuthOptions, 'sources' | 'toUser' | 'clock' | 'resources'>,
  schemes: readonly AuthenticationScheme[],
  { check: checkRequest }: OriginCheck,
): Authenticator {
  const authenticator = new RequestAuthenticator({ schemes, sources, toUser, clock, checkRequest });
  return resources === null ? authenticator : new ResourceAuthenticator(authenticator, resources);
}

/** The capabilities that no provider and no scheme of the app has, each with the option that the first provider lacks. */
export function missingCapabilitiesOf({
  providers,
  schemes,
}: Pick<ResolvedAuthOptions, 'providers' | 'schemes'>): MissingCapabilities {
  const confirmed =
    schemes.some((scheme) => scheme.authenticateOnline !== undefined) ||
    acceptingTokens(providers).some(({ apiKeys }) => apiKeys !== undefined && 'create' in apiKeys);
  const introspection = findMissingOption(providers, ({ issuers }) => issuers.map((issuer) => issuer.introspection));
  return {
    online: confirmed ? null : introspection,
    profile: findMissingOption(providers, ({ profiles }) => [profiles]),
  };
}

/** The answers to errors. In production they explain nothing, whatever the option says. */
export function openCallAnswers(
  { resources, explainInAnswers }: Pick<ResolvedAuthOptions, 'resources' | 'explainInAnswers'>,
  { challengers, headersOfSuccess }: AuthenticationSchemes,
  { report }: { readonly report: ReportEvent },
): CallAnswers {
  const answers = new ErrorAnswers(challengers, resources, explainInAnswers && !isProduction());
  return new CallAnswers(answers, report, headersOfSuccess);
}
