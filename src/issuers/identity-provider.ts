import type { PermissionSource } from '../access/issuer-permissions.js';
import type { Clock, Timer } from '../clock/clock.js';
import type { KeySource } from '../keys/key-source.js';
import type { ProfileHint, ProfileSource } from '../profiles/profile-source.js';
import { fromBearer, type TokenSource } from '../request/token-sources.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { deepFreeze } from '../token/json-object.js';
import type { MissingOption, TokenStatusSource, Verification, IssuerTerms } from '../token/trusted-issuer.js';
import type { ProviderClient } from '../upstream/provider-client.js';
import type { UpstreamClient } from '../upstream/upstream-client.js';
import type { ClaimMap } from '../user/claim-map.js';

/** What a running app lends to its issuers. */
export interface AuthContext {
  readonly clock: Clock;
  readonly upstream: UpstreamClient;
  /** The client of a provider's API, by its origin; one for each, whoever calls it. */
  readonly providerClient: (origin: string) => ProviderClient;
  readonly report: ReportEvent;
  /** Makes what wakes key sources up. @defaultValue the machine's timers */
  readonly createTimer?: () => Timer;
}

/** Opens a key source on an app's context. Issuers that share the function share the source. */
export type OpenKeys = (context: AuthContext) => KeySource;

/** Opens the source of profiles on an app's context; it is asked for them later. */
export type OpenProfiles = (context: AuthContext) => ProfileSource;

/** Opens the way to ask about tokens on an app's context. Issuers that share the function are asked as one. */
export type CreateStatusSource = (context: AuthContext) => TokenStatusSource;

/** Opens the source of permissions on an app's context; it is asked only where a route requires some. */
export type OpenPermissions = (context: AuthContext) => PermissionSource;

/** One issuer of a provider: a provider may sign under several names. */
export interface ProvidedIssuer {
  readonly terms: IssuerTerms;
  readonly openKeys: OpenKeys;
  /** `null` where it cannot be asked about a token as it is configured. */
  readonly createStatusSource: CreateStatusSource | null;
}

/**
 * The form that a preset (`stackAuth`, `propelAuth`, `oidc`, `jwtIssuer`) fills in: who may sign, what must
 * hold for the tokens, how their claims are read, where requests send them, where profiles come from. Frozen; it calls anonymousCaller.
 */
export interface IdentityProvider {
  readonly issuers: readonly ProvidedIssuer[];
  /** How its tokens are judged, on routes that do not ask for more. */
  readonly verification: Verification;
  /** The option that is missing, where it cannot be asked about a token. */
  readonly statusSourceHint: MissingOption;
  readonly claimMap: ClaimMap;
  /** Where its clients put the token. */
  readonly tokenSources: readonly TokenSource[];
  /** Where profiles of its users come from; `null` where nothing can be asked as it is configured. */
  readonly openProfiles: OpenProfiles | null;
  /** The option that is missing, where `UserProfileService` cannot get the caller's profile, or find anyone's. */
  readonly profileHint: { readonly get: ProfileHint; readonly find: ProfileHint };
  /** Where permissions and organizations come from that its tokens do not name. Left out: the token says it all. */
  readonly openPermissions?: OpenPermissions;
  /** Names of its issuers that are not trusted as configured, each with what to change if they should be. */
  readonly hint: ReadonlyMap<string, string>;
}

/** What every preset gives is marked, so that `issuers` can tell a preset's result from a look-alike. */
const providers = new WeakSet<object>();

export function identityProvider(form: IdentityProvider): IdentityProvider {
  const provider = deepFreeze({ ...form });
  providers.add(provider);
  return provider;
}

export function isIdentityProvider(value: unknown): value is IdentityProvider {
  return typeof value === 'object' && value !== null && providers.has(value);
}

/** What differs between the presets for issuers of OpenID Connect and OAuth 2. */
export interface OpenIdForm extends Omit<IdentityProvider, 'claimMap' | 'tokenSources' | 'hint'> {
  readonly map: ClaimMap['map'];
  readonly hint?: IdentityProvider['hint'];
}

/** Fills in the form for issuers of OpenID Connect and OAuth 2: whichever product it is, they are used alike. */
export function openIdForm({ map, hint, ...form }: OpenIdForm): IdentityProvider {
  return identityProvider({
    ...form,
    claimMap: { provider: 'oidc', map },
    tokenSources: [fromBearer()],
    hint: hint ?? new Map(),
  });
}
