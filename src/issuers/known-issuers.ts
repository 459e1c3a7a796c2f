import type { allowInsecureHttpOffLoopback } from '../configuration/read-address.js';
import type { GivenOptions } from '../configuration/read-options.js';
import type { Algorithm } from '../keys/algorithm.js';
import type { KeySource } from '../keys/key-source.js';
import type { ProfileSource } from '../profiles/profile-source.js';
import type { JsonObject } from '../token/json-object.js';
import type { AudienceRule, ExplainRefusal, FindFault, IssuerTerms } from '../token/trusted-issuer.js';
import type { Capability } from '../upstream/auth-context.js';
import { mapStandardClaims, type MappedClaims } from '../user/claim-map.js';
import { discoveredIssuer } from './discovered-issuer.js';
import { defineProvider } from './define-provider.js';
import { type IdentityProvider, usualTerms } from './identity-provider.js';
import { keyNames, readJwksUris, readKeyOptions, keysFrom, type FetchedKeysOptions } from './remote-keys.js';
import { profileHintsOf, type ProfilesOptions, readProfiles } from './read-profiles.js';
import { readRolesClaim, type RolesClaimOptions, withRoles } from './read-roles-claim.js';
import { readAddressRule, readSharedTerms, type TermOptions } from './read-terms.js';
import { userinfoProfiles } from './userinfo-profiles.js';

/** The options that all presets of known products have. */
export interface KnownIssuerOptions
  extends FetchedKeysOptions,
    RolesClaimOptions,
    ProfilesOptions,
    Pick<TermOptions, 'clockToleranceSeconds' | 'maxTokenAgeSeconds' | typeof allowInsecureHttpOffLoopback> {
  /**
   * The address of the keys, when it is not the product's own one: a mirror inside a closed network, a test server.
   * Several addresses are tried in order, and each is trusted in full: while those before it do not answer, whoever serves it decides
   * which keys sign. Tokens still have to name the issuer that the other options state.
   */
  readonly jwksUri?: string | readonly string[];
}

/** The names of these options. */
export const knownIssuerNames = [
  'jwksUri',
  'rolesClaim',
  'profiles',
  'clockToleranceSeconds',
  'maxTokenAgeSeconds',
  ...keyNames,
] as const;

/** A name under which a product signs. */
interface KnownIssuer {
  readonly issuer: string;
  /** The address of its keys. */
  readonly jwksUri: string;
  /**
   * The address of the metadata that names its userinfo endpoint. Left out, it has none, and the app provides the
   * profiles.
   */
  readonly discoveryUrl?: string;
}

/** What a preset knows about a product, in addition to the app's options. */
export interface KnownIssuers {
  readonly issuers: readonly KnownIssuer[];
  readonly audience: AudienceRule;
  /** The option that restricts its tokens to this app where they have no audience. */
  readonly insteadOfAudience?: string | undefined;
  /** The algorithms it can sign with, from which the option `algorithms` of the preset chooses. */
  readonly algorithms: readonly Algorithm[];
  /** The algorithms it signs with by default. @defaultValue all of `algorithms` */
  readonly usualAlgorithms?: readonly Algorithm[];
  /** The `typ` that distinguishes its access tokens from other tokens. */
  readonly tokenType?: string;
  /** @defaultValue 'sub' */
  readonly subjectClaim?: string;
  /** @defaultValue none */
  readonly otherSubjectClaims?: readonly string[];
  /** Where its clients put the token. @defaultValue `Authorization: Bearer` */
  readonly tokenSources?: IdentityProvider['tokenSources'];
  readonly findFault?: FindFault;
  readonly explain?: ExplainRefusal;
  /** Adds what its tokens contain besides the standard claims and the app's `rolesClaim`, which `mapped` has already. */
  readonly addClaims?: (mapped: MappedClaims, claims: JsonObject) => MappedClaims;
  readonly issuerHints?: IdentityProvider['issuerHints'];
  /** Keys that the app has provided, in place of fetched ones. */
  readonly keys?: Capability<KeySource>;
}

/**
 * Describes the issuers of a known product. Names and addresses are given, the other terms are read from the app's
 * options. Issuers that share an address of keys share the keys.
 *
 * @throws {ConfigurationError} for a wrong value of a shared option.
 */
export function knownIssuers(where: string, options: GivenOptions, known: KnownIssuers): IdentityProvider {
  const { audience, algorithms, findFault, explain, subjectClaim = usualTerms.subjectClaim, addClaims } = known;
  const shared = readSharedTerms(where, options, algorithms, known.usualAlgorithms);
  const terms: Omit<IssuerTerms, 'issuer'> = {
    ...shared,
    audience,
    subjectClaim,
    tokenType: shared.tokenType ?? known.tokenType ?? null,
    ...(known.otherSubjectClaims !== undefined && { otherSubjectClaims: known.otherSubjectClaims }),
    ...(findFault !== undefined && { findFault }),
    ...(explain !== undefined && { explain }),
  };
  const keysOf = readKeysAt(where, options, known.keys);
  const givenKeys = readJwksUris(where, options, readAddressRule(options));
  const map = withRoles(mapStandardClaims, readRolesClaim(where, options));
  return defineProvider({
    name: where,
    issuers: known.issuers.map(({ issuer, jwksUri, discoveryUrl }) => ({
      terms: { ...terms, issuer },
      keys: keysOf(jwksUri),
      introspection: {
        missing: {
          option: where,
          hint: 'It cannot be asked about tokens. Describe the issuer by oidc({ introspection }), or leave @VerifyOnline() out',
        },
      },
      insteadOfAudience: known.insteadOfAudience,
      addresses: {
        ...(discoveryUrl !== undefined && { metadata: [discoveryUrl] }),
        ...(known.keys === undefined && { keys: givenKeys ?? [jwksUri], hasGivenKeys: givenKeys !== undefined }),
      },
    })),
    profiles: readProfiles(where, options, findUserinfo(where, options, known.issuers)),
    claimMap: { provider: 'oidc', map: addClaims === undefined ? map : (claims) => addClaims(map(claims), claims) },
    ...(known.issuerHints !== undefined && { issuerHints: known.issuerHints }),
    ...(known.tokenSources !== undefined && { tokenSources: known.tokenSources }),
  });
}

/** The profiles of the product's userinfo endpoint; `undefined` when it has none. */
function findUserinfo(
  where: string,
  options: GivenOptions,
  issuers: readonly KnownIssuer[],
): Capability<ProfileSource> | undefined {
  const rule = readAddressRule(options);
  const found = issuers.flatMap(({ issuer, discoveryUrl }) =>
    discoveryUrl === undefined ? [] : [[issuer, discoveredIssuer([issuer], rule, discoveryUrl)] as const],
  );
  return found.length === 0 ? undefined : userinfoProfiles(where, new Map(found), profileHintsOf(where).find);
}

/** The keys by the product's address of them. All addresses lead to the same keys when the app names another place. */
function readKeysAt(
  where: string,
  options: GivenOptions,
  provided: Capability<KeySource> | undefined,
): (jwksUri: string) => Capability<KeySource> {
  if (provided !== undefined) return () => provided;
  const kept = readKeyOptions(where, options);
  const given = readJwksUris(where, options, readAddressRule(options));
  if (given !== undefined) {
    const everywhere = keysFrom(given, kept);
    return () => everywhere;
  }
  const byAddress = new Map<string, Capability<KeySource>>();
  return (jwksUri) => {
    const keys = byAddress.get(jwksUri) ?? keysFrom(jwksUri, kept);
    byAddress.set(jwksUri, keys);
    return keys;
  };
}
