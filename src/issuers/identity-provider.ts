import type { PermissionSource } from '../access/issuer-permissions.js';
import type { ApiKeySource } from '../authentication/api-key-source.js';
import type { KeySource } from '../keys/key-source.js';
import type { ProfileSource } from '../profiles/profile-source.js';
import type { TokenSource } from '../request/token-sources.js';
import { deepFreeze } from '../token/json-object.js';
import type { IssuerTerms, SessionStatusSource, TokenStatusSource, Verification } from '../token/trusted-issuer.js';
import { type Capability, type MissingOption, missingOptionOf } from '../upstream/auth-context.js';
import type { ClaimMap } from '../user/claim-map.js';

/** One issuer of a provider. A provider that signs under several names has several. */
export interface ProvidedIssuer {
  readonly terms: IssuerTerms;
  /** The keys that its tokens are verified with. May only be missing with `verification: 'online'`. */
  readonly keys: Capability<KeySource>;
  /** How it is asked about a token. */
  readonly introspection: Capability<TokenStatusSource>;
  /**
   * How it is asked about sessions, by which open connections outlive their tokens. Absent or missing: connections end
   * with their tokens.
   */
  readonly sessions?: Capability<SessionStatusSource> | undefined;
  /** Where its documents are read, for what looks at them before the app runs. Absent: below its name. */
  readonly addresses?: IssuerAddresses | undefined;
  /**
   * What restricts its tokens to this app where they have no audience, for what describes the issuer: `clientId`. Absent: nothing
   * does, if `terms.audience` is `acceptAnyAudience`.
   */
  readonly insteadOfAudience?: string | undefined;
}

/** Where an app reads what an issuer publishes. */
export interface IssuerAddresses {
  /** Its metadata, in the order in which the addresses are tried. */
  readonly metadata?: readonly string[] | undefined;
  /** Its keys, where their address does not come from the metadata. */
  readonly keys?: readonly string[] | undefined;
  /** Whether the app has written the address of the keys, so that it may be that of another issuer. */
  readonly hasGivenKeys?: boolean | undefined;
}

/** The API by which a provider signs people in and keeps their sessions. The module for it knows what else it has. */
export interface ProviderSessionApi {
  /** Which API it is: `'stack-auth'`. */
  readonly kind: string;
}

/**
 * An issuer that an app can put into `AuthModule.forRoot({ issuers })`: what a preset (`oidc()`, `stackAuth()`, …) or
 * `defineProvider` returns. Frozen. It describes and calls nothing; the app creates its capabilities when it starts.
 */
export interface IdentityProvider {
  /** The name of the preset, as apps write it; messages use it. */
  readonly name: string;
  readonly issuers: readonly ProvidedIssuer[];
  /**
   * Whether the app accepts its tokens as credentials. Of several descriptions of one issuer only one may do so; the
   * others serve another purpose, such as signing in.
   */
  readonly acceptsTokens: boolean;
  /** How its tokens are verified, on routes that do not require more. */
  readonly verification: Verification;
  readonly claimMap: ClaimMap;
  /** Where its clients put the token in a request. */
  readonly tokenSources: readonly TokenSource[];
  /** The profiles of its users. */
  readonly profiles: Capability<ProfileSource>;
  /** Permissions and organizations that its tokens do not contain. Missing means that the tokens contain everything. */
  readonly permissions: Capability<PermissionSource>;
  /** The API keys that it issues to its users, where the app accepts them. Absent or missing: it does not. */
  readonly apiKeys?: Capability<ApiKeySource> | undefined;
  /** How it signs people in. Absent or missing: only the frontend can do so. */
  readonly sessionApi?: Capability<ProviderSessionApi> | undefined;
  /** Names of its issuers that are known but not trusted, each with the option that would change it. For the log. */
  readonly issuerHints: ReadonlyMap<string, string>;
}

/** The terms that apply when neither the app nor the provider states others. */
export const usualTerms = {
  tokenType: null,
  clockToleranceSeconds: 5,
  maxTokenAgeSeconds: null,
  subjectClaim: 'sub',
} as const satisfies Partial<IssuerTerms>;

// A registered symbol, so that a provider that a second copy of the package has made is recognized. It is not
// enumerable: a spread copy is a form and no provider, until defineProvider has checked it.
const brand = Symbol.for('nest-gatehouse.identity-provider');

/** Freezes and brands a complete form. */
export function identityProvider(form: IdentityProvider): IdentityProvider {
  return deepFreeze(Object.defineProperty({ ...form }, brand, { value: true }));
}

/** Whether a value is an identity provider, of any loaded copy of the package. */
export function isIdentityProvider(value: unknown): value is IdentityProvider {
  return typeof value === 'object' && value !== null && brand in value && Object.isFrozen(value);
}

/** The providers whose tokens the app accepts; the others are described for another purpose. */
export function acceptingTokens(providers: readonly IdentityProvider[]): readonly IdentityProvider[] {
  return providers.filter(({ acceptsTokens }) => acceptsTokens);
}

/** The providers whose tokens an app accepts, for the modules that work with one of them. */
export class IdentityProviders {
  constructor(readonly all: readonly IdentityProvider[]) {}
}

/** The option to set so that some issuer has a capability; `null` when one has it. */
export function findMissingOption(
  providers: readonly IdentityProvider[],
  capabilitiesOf: (provider: IdentityProvider) => readonly Capability<unknown>[],
): MissingOption | null {
  const missing = acceptingTokens(providers).flatMap(capabilitiesOf).map(missingOptionOf);
  return missing.includes(null) ? null : (missing[0] ?? null);
}
