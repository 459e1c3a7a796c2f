import { readScopeImplies, type ScopeHierarchy } from './access/scope-hierarchy.js';
import { type OptionalAuthOptions, readOptionalAuthOptions } from './access/route-metadata.js';
import { type ResolvedRouteAudit, readRouteAudit } from './audit/route-audit-options.js';
import type { AuthenticationScheme } from './authentication/authentication-scheme.js';
import { checkSchemes, type ToUser } from './authentication/request-authenticator.js';
import { type Clock, SystemClock } from './clock/clock.js';
import { readPublicUrl } from './configuration/public-url.js';
import { type GivenOptions, path, readNumber, readOptions, readSwitch } from './configuration/read-options.js';
import { type DpopTerms, readDpopOptions } from './dpop/dpop-options.js';
import { type ClientCertificateSource, readClientCertificateSource } from './mtls/client-certificate.js';
import { ConfigurationError } from './errors/auth-error.js';
import { readTransports, readUnguardedContexts } from './transports/transports.js';
import type { TransportPlugin } from './transports/transport.js';
import { type IdentityProvider, isIdentityProvider } from './issuers/identity-provider.js';
import { isModuleIssuer, type ModuleIssuer } from './issuers/module-issuer.js';
import { type ProfileTerms, readProfileOptions } from './profiles/profile-options.js';
import { ProtectedResources } from './resource-metadata/protected-resources.js';
import { readResources } from './resource-metadata/read-resources.js';
import { readTrustedOrigins } from './request/request-origin.js';
import { isTokenSource, mergeSources, type TokenSource } from './request/token-sources.js';
import type { ReportEvent } from './telemetry/auth-event.js';
import { type ClaimsCheck, createClaimsCheck } from './token/claims-class.js';
import type { WarmUp } from './token/issuer-keys.js';
import type { ProviderClientsOptions } from './upstream/provider-clients.js';
import { HttpClient } from './upstream/http-client.js';
import type { Fetch } from './upstream/http-exchange.js';

/** The token under which the options are injected, once they have been read. */
export const READ_AUTH_OPTIONS = Symbol('nest-gatehouse.read-options');

/** The token under which the options are injected, once they have been completed by the other modules of the app. */
export const AUTH_MODULE_OPTIONS = Symbol('nest-gatehouse.options');

/** The options as far as they do not depend on other modules of the app, filled in and checked. */
export interface ReadAuthOptions {
  /** Who gave them, for messages: `AuthModule.forRoot`. */
  readonly where: string;
  readonly issuers: readonly (IdentityProvider | ModuleIssuer)[];
  /** `null` where the presets of the issuers decide. */
  readonly tokenFrom: readonly TokenSource[] | null;
  /** Those of the app; `Bearer` is added when the issuers are open. */
  readonly schemes: readonly AuthenticationScheme[];
  readonly onEvent: ReportEvent | null;
  /** As it was given: in production it has no effect. */
  readonly explainInAnswers: boolean;
  readonly optionalAuth: Required<OptionalAuthOptions>;
  readonly cacheEntries: number;
  readonly onlineVerdictSeconds: number;
  readonly claimsCheck: ClaimsCheck | null;
  readonly toUser: ToUser | null;
  readonly warmUp: WarmUp;
  readonly transports: readonly TransportPlugin[];
  readonly unguardedContexts: readonly string[];
  /** Without a slash at its end; `null` where it was left out. */
  readonly publicUrl: string | null;
  readonly trustedOrigins: readonly string[];
  /** `null` where the app publishes no metadata about itself. */
  readonly resources: ProtectedResources | null;
  readonly scopes: ScopeHierarchy;
  /** As it was given. What it is when it was left out depends on the modules of the app. */
  readonly givenRevocation: unknown;
  readonly dpop: DpopTerms;
  /** `null` where only the certificate of the connection itself counts. */
  readonly clientCertificate: ClientCertificateSource | null;
  readonly clock: Clock;
  readonly upstream: HttpClient;
  readonly providerClients: ProviderClientsOptions;
  readonly profiles: ProfileTerms;
  readonly hasProfileOptions: boolean;
  /** `null` where no audit is wanted. */
  readonly routeAudit: ResolvedRouteAudit | null;
}

const names = [
  'issuers',
  'tokenFrom',
  'schemes',
  'onEvent',
  'explainInAnswers',
  'optionalAuth',
  'verifiedTokenCache',
  'onlineVerdictSeconds',
  'claims',
  'toUser',
  'warmUp',
  'transports',
  'unguardedContexts',
  'publicUrl',
  'trustedOrigins',
  'socketOrigins',
  'resource',
  'scopeImplies',
  'revocation',
  'dpop',
  'clientCertificate',
  'clock',
  'http',
  'profiles',
  'routeAudit',
];
/** Whether the app runs for its users, where answers explain nothing. */
export function isProduction(): boolean {
  return process.env['NODE_ENV'] === 'production';
}

const usualCacheEntries = 10_000;

/**
 * Fills in and checks what an app has given.
 *
 * @param extras further options: names that the caller has read, and those that belong to another place, with the place
 * @throws {ConfigurationError} for the first option that is wrong, missing or unknown.
 */
export function readAuthOptions(
  where: string,
  given: unknown,
  extras: { readonly read?: readonly string[]; readonly elsewhere?: string } = {},
): ReadAuthOptions {
  const options = readOptions(where, given, [...names, ...(extras.read ?? [])], extras.elsewhere);
  const clock = readClock(where, options);
  const publicUrl = readPublicUrl(where, options);
  const resources = readResources(where, options, publicUrl);
  return Object.freeze({
    where,
    issuers: readIssuers(where, options),
    tokenFrom: readSources(where, options),
    schemes: readSchemes(where, options),
    onEvent: readFunction(path(where, 'onEvent'), options['onEvent']) as ReportEvent | null,
    explainInAnswers: readSwitch(where, options, 'explainInAnswers', false),
    optionalAuth: Object.freeze({
      onInvalid: 'anonymous',
      onUnavailable: 'reject',
      ...readOptionalAuthOptions(path(where, 'optionalAuth'), options['optionalAuth'] ?? {}),
    } as const),
    cacheEntries: readCacheEntries(where, options),
    onlineVerdictSeconds: readNumber(where, options, 'onlineVerdictSeconds', { least: 0, most: 3_600 }) ?? 0,
    claimsCheck: options['claims'] === undefined ? null : createClaimsCheck(path(where, 'claims'), options['claims']),
    toUser: readFunction(path(where, 'toUser'), options['toUser']) as ToUser | null,
    warmUp: readWarmUp(where, options),
    transports: readTransports(where, options),
    unguardedContexts: readUnguardedContexts(where, options),
    publicUrl,
    trustedOrigins: readTrustedOrigins(where, options),
    resources: resources.length === 0 ? null : new ProtectedResources(resources),
    scopes: readScopeImplies(where, options),
    givenRevocation: options['revocation'],
    dpop: readDpopOptions(path(where, 'dpop'), options['dpop']),
    clientCertificate: readClientCertificateSource(path(where, 'clientCertificate'), options['clientCertificate']),
    clock,
    ...readHttp(path(where, 'http'), options['http'] ?? {}, clock),
    profiles: Object.freeze(readProfileOptions(path(where, 'profiles'), options['profiles'] ?? {})),
    hasProfileOptions: options['profiles'] !== undefined,
    routeAudit: readRouteAudit(path(where, 'routeAudit'), options['routeAudit']),
  });
}

function readIssuers(where: string, options: GivenOptions): readonly (IdentityProvider | ModuleIssuer)[] {
  const given = options['issuers'];
  const issuers: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (given === undefined || issuers.length === 0 || !issuers.every(isIssuer)) {
    throw new ConfigurationError(
      path(where, 'issuers'),
      given === undefined ? 'it is missing' : 'something in it is not an issuer',
      'Write what a preset gives, such as oidc({ … }), or a list of these',
    );
  }
  return Object.freeze([...issuers]);
}

function isIssuer(value: unknown): value is IdentityProvider | ModuleIssuer {
  return isIdentityProvider(value) || isModuleIssuer(value);
}

function readSources(where: string, options: GivenOptions): readonly TokenSource[] | null {
  const given = options['tokenFrom'];
  if (given === undefined) return null;
  const sources: readonly unknown[] = Array.isArray(given) ? given : isTokenSource(given) ? [given] : [];
  if (sources.length === 0 || !sources.every(isTokenSource)) {
    throw new ConfigurationError(
      path(where, 'tokenFrom'),
      'a list of token sources is expected',
      "Write [fromBearer(), fromHeader('x-access-token'), fromCookie('access_token')] or a part of it",
    );
  }
  return mergeSources(sources);
}

function readSchemes(where: string, options: GivenOptions): readonly AuthenticationScheme[] {
  const given = options['schemes'] ?? [];
  const schemes: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (!Array.isArray(given) || !schemes.every(isScheme)) {
    throw new ConfigurationError(
      path(where, 'schemes'),
      'a list of authentication schemes is expected',
      'Write instances of classes that extend AuthenticationScheme: [new ApiKeyScheme()]',
    );
  }
  checkSchemes(path(where, 'schemes'), schemes);
  return Object.freeze([...schemes]);
}

/** By its members, as the class may come from another installed copy of the package. */
function isScheme(value: unknown): value is AuthenticationScheme {
  if (typeof value !== 'object' || value === null) return false;
  const { name, find, authenticate, challenge } = value as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && [find, authenticate, challenge].every((verb) => typeof verb === 'function');
}

function readCacheEntries(where: string, options: GivenOptions): number {
  const given = options['verifiedTokenCache'];
  if (given === false) return 0;
  const cache = path(where, 'verifiedTokenCache');
  const entries = readOptions(cache, given ?? { maxEntries: usualCacheEntries }, ['maxEntries']);
  return readNumber(cache, entries, 'maxEntries', { least: 0, most: 1_000_000, whole: true }) ?? usualCacheEntries;
}

function readWarmUp(where: string, options: GivenOptions): WarmUp {
  const given = options['warmUp'];
  if (given === undefined) return false;
  if (given === 'required' || typeof given === 'boolean') return given;
  throw new ConfigurationError(path(where, 'warmUp'), "true, false or 'required' is expected", 'Left out, it is false');
}

function readClock(where: string, options: GivenOptions): Clock {
  const given = options['clock'];
  if (given === undefined) return new SystemClock();
  if (typeof given === 'object' && given !== null && 'now' in given && typeof given.now === 'function') {
    return given as Clock;
  }
  throw new ConfigurationError(path(where, 'clock'), 'a clock is expected', 'Write { now: () => new Date() }');
}

function readHttp(where: string, given: unknown, clock: Clock): Pick<ReadAuthOptions, 'upstream' | 'providerClients'> {
  const options = readOptions(where, given, ['timeoutMs', 'fetch']);
  const timeoutMs = readNumber(where, options, 'timeoutMs', { least: 1, most: 60_000 });
  const fetch = (readFunction(path(where, 'fetch'), options['fetch']) ?? undefined) as Fetch | undefined;
  return {
    upstream: new HttpClient({ fetch, clock, limits: timeoutMs === undefined ? {} : { timeoutMs } }),
    providerClients: Object.freeze({ fetch, timeoutMs, clock }),
  };
}

function readFunction(where: string, given: unknown): ((...values: never[]) => unknown) | null {
  if (given === undefined) return null;
  if (typeof given !== 'function')
    throw new ConfigurationError(where, 'a function is expected', 'Write one, or leave it out');
  return given as (...values: never[]) => unknown;
}
