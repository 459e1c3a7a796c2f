import type { allowInsecureHttpOffLoopback } from '../configuration/read-address.js';
import type { GivenOptions } from '../configuration/read-options.js';
import type { Algorithm } from '../keys/algorithm.js';
import type { JsonObject } from '../token/json-object.js';
import type { AudienceRule, FindFault, IssuerTerms } from '../token/trusted-issuer.js';
import { mapStandardClaims, type MappedClaims } from '../user/claim-map.js';
import { discoveredIssuer } from './discovered-issuer.js';
import { openIdForm, type IdentityProvider, type OpenKeys, type OpenProfiles } from './identity-provider.js';
import { keyNames, readJwksUris, readKeyOptions, keysAt, type FetchedKeysOptions } from './remote-keys.js';
import { profileHintFor, type ProfilesOptions, readProfiles } from './read-profiles.js';
import { readRolesClaim, type RolesClaimOptions, withRoles } from './read-roles-claim.js';
import { readAddressRule, readSharedTerms, type TermOptions, usualTerms } from './read-terms.js';
import { userinfoProfiles } from './userinfo-profiles.js';

/** What the presets of known products leave to the app. */
export interface KnownIssuerOptions
  extends FetchedKeysOptions,
    RolesClaimOptions,
    ProfilesOptions,
    Pick<TermOptions, 'clockToleranceSeconds' | 'maxTokenAgeSeconds' | typeof allowInsecureHttpOffLoopback> {
  /**
   * Where the keys are, when not at the product's own place: a mirror inside a closed network, a stand-in in tests.
   * A list is tried in order. Tokens still have to name the issuer that the other options tell.
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

/** A name that a product signs under. */
interface KnownIssuer {
  readonly issuer: string;
  /** Where its keys are. */
  readonly jwksUri: string;
  /**
   * Where the document is that names the userinfo endpoint, at which the product shows users to their own access
   * tokens. Left out, it does not, and profiles are the app's.
   */
  readonly discoveryUrl?: string;
}

/** What a preset knows of a product beside what the app says. */
export interface KnownIssuers {
  readonly issuers: readonly KnownIssuer[];
  readonly audience: AudienceRule;
  /** What it can sign with; `algorithms`, where a preset has that option, chooses among these. */
  readonly algorithms: readonly Algorithm[];
  /** What it signs with unless told otherwise. @defaultValue all of `algorithms` */
  readonly usualAlgorithms?: readonly Algorithm[];
  /** The `typ` of its access tokens, where it has one of their own. */
  readonly tokenType?: string;
  /** @defaultValue 'sub' */
  readonly subjectClaim?: string;
  readonly findFault?: FindFault;
  /** Adds what its tokens say beyond the standard claims and the app's `rolesClaim`, which `mapped` has. */
  readonly addClaims?: (mapped: MappedClaims, claims: JsonObject) => MappedClaims;
  readonly hint?: IdentityProvider['hint'];
  /** Keys that are at hand, in place of fetched ones. */
  readonly openKeys?: OpenKeys;
}

/**
 * Describes the issuers of a known product: names and addresses are the product's, what an app may choose is read
 * from its options. Names that share an address share its keys.
 *
 * @throws {ConfigurationError} for a wrong value of a shared option.
 */
export function knownIssuers(where: string, options: GivenOptions, known: KnownIssuers): IdentityProvider {
  const { audience, algorithms, findFault, subjectClaim = usualTerms.subjectClaim, addClaims } = known;
  const shared = readSharedTerms(where, options, algorithms, known.usualAlgorithms);
  const terms: Omit<IssuerTerms, 'issuer'> = {
    ...shared,
    audience,
    subjectClaim,
    tokenType: shared.tokenType ?? known.tokenType ?? null,
    ...(findFault !== undefined && { findFault }),
  };
  const openKeys = readKeysAt(where, options, known.openKeys);
  const map = withRoles(mapStandardClaims, readRolesClaim(where, options));
  return openIdForm({
    issuers: known.issuers.map(({ issuer, jwksUri }) => ({
      terms: { ...terms, issuer },
      openKeys: openKeys(jwksUri),
      createStatusSource: null,
    })),
    verification: 'local',
    statusSourceHint: {
      option: where,
      fix: 'It is asked nothing about tokens. Describe it by oidc({ introspection }), or leave @VerifyOnline() out',
    },
    openProfiles: readProfiles(where, options) ?? showProfiles(where, options, known.issuers),
    profileHint: profileHintFor(where),
    map: addClaims === undefined ? map : (claims) => addClaims(map(claims), claims),
    ...(known.hint !== undefined && { hint: known.hint }),
  });
}

/** Profiles by the product itself, where it has them. */
function showProfiles(where: string, options: GivenOptions, issuers: readonly KnownIssuer[]): OpenProfiles | null {
  const rule = readAddressRule(options);
  const shown = issuers.flatMap(({ issuer, discoveryUrl }) =>
    discoveryUrl === undefined ? [] : [[issuer, discoveredIssuer([issuer], rule, discoveryUrl)] as const],
  );
  return shown.length === 0 ? null : userinfoProfiles(where, new Map(shown));
}

/** Keys by their usual address: once for each, and the same for all where the app names another place. */
function readKeysAt(where: string, options: GivenOptions, atHand: OpenKeys | undefined): (jwksUri: string) => OpenKeys {
  if (atHand !== undefined) return () => atHand;
  const kept = readKeyOptions(where, options);
  const given = readJwksUris(where, options, readAddressRule(options));
  if (given !== undefined) {
    const everywhere = keysAt(given, kept);
    return () => everywhere;
  }
  const byAddress = new Map<string, OpenKeys>();
  return (jwksUri) => {
    const openKeys = byAddress.get(jwksUri) ?? keysAt(jwksUri, kept);
    byAddress.set(jwksUri, openKeys);
    return openKeys;
  };
}
