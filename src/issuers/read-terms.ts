import { type AddressRule, allowInsecureHttpOffLoopback } from '../configuration/read-address.js';
import { type GivenOptions, path, readNumber, readText, requireTexts } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { type Algorithm, findAlgorithm, publicKeyAlgorithms } from '../keys/algorithm.js';
import { plainType } from '../token/check-claims.js';
import type { JsonObject } from '../token/json-object.js';
import { acceptAnyAudience, type AudienceRule, type IssuerTerms } from '../token/trusted-issuer.js';
import { mapStandardClaims, type MappedClaims, readTextClaim } from '../user/claim-map.js';
import { usualTerms } from './identity-provider.js';

/** What an app may require of the tokens of an issuer. */
export interface TermOptions {
  /**
   * The audiences of this API, of which a token must name one. `acceptAnyAudience` turns the check off, and accepts tokens
   * that were issued for other APIs.
   */
  readonly audience: string | readonly string[] | typeof acceptAnyAudience;
  /**
   * The signature algorithms to accept. Fewer are safer; the key's own type and `alg` restrict them anyway.
   *
   * @defaultValue every RS, PS, ES algorithm and EdDSA; with keys that the app provides, the algorithms of these keys
   */
  readonly algorithms?: readonly string[];
  /**
   * The `typ` that a token's header must have, without regard to case and `application/`. `'at+jwt'`
   * (RFC 9068) refuses ID tokens. Left out, any type is accepted.
   */
  readonly tokenType?: string;
  /**
   * The tolerance in seconds for tokens that have expired or are not valid yet, because clocks differ; 0 to 600.
   *
   * @defaultValue 5
   */
  readonly clockToleranceSeconds?: number;
  /**
   * The age in seconds (since `iat`) at which a token is refused, whatever its `exp`; 1 to 315,360,000 (ten years). A token
   * without `iat` is then refused, too. Left out, only `exp` is checked.
   */
  readonly maxTokenAgeSeconds?: number;
  /** Allows plain http to other machines, for closed test networks: an attacker on the network could sign any token. */
  readonly [allowInsecureHttpOffLoopback]?: true;
}

/** Which claim has the id of the user. */
export interface SubjectClaimOptions {
  /**
   * The claim that becomes `user.id`, a text that is not empty: `'common_name'`. Choose one that the issuer never gives to another
   * user.
   *
   * @defaultValue 'sub'
   */
  readonly subjectClaim?: string;
}

/** The names of the options that may be left out. */
export const termNames = ['algorithms', 'tokenType', 'clockToleranceSeconds', 'maxTokenAgeSeconds'] as const;

export const longestToleranceSeconds = 600;
const longestAgeSeconds = 315_360_000;

/** The terms of an issuer, once for each of its names. */
export function readTerms(
  where: string,
  options: GivenOptions,
  allowed: readonly Algorithm[] = publicKeyAlgorithms,
): readonly IssuerTerms[] {
  const issuers = requireTexts(where, options, 'issuer', 'Write the exact "iss" of the tokens');
  const audience = readAudience(where, options);
  const shared = readSharedTerms(where, options, allowed);
  const subjectClaim = readText(where, options, 'subjectClaim') ?? usualTerms.subjectClaim;
  return issuers.map((issuer) => ({ ...shared, audience, issuer, subjectClaim }));
}

/** Maps the standard claims, with the id of the user in the claim that the terms name. */
export function mapClaimsBy([terms]: readonly IssuerTerms[]): (claims: JsonObject) => MappedClaims {
  const subjectClaim = terms?.subjectClaim ?? usualTerms.subjectClaim;
  if (subjectClaim === usualTerms.subjectClaim) return mapStandardClaims;
  return (claims) => ({ ...mapStandardClaims(claims), id: readTextClaim(claims, subjectClaim) ?? '' });
}

/** The terms without issuer and audience. `usual` are the algorithms when the app names none. */
export function readSharedTerms(
  where: string,
  options: GivenOptions,
  allowed: readonly Algorithm[],
  usual: readonly Algorithm[] = allowed,
): Omit<IssuerTerms, 'issuer' | 'audience'> {
  const tokenType = readText(where, options, 'tokenType');
  const tolerance = { least: 0, most: longestToleranceSeconds };
  const age = { least: 1, most: longestAgeSeconds };
  return {
    ...usualTerms,
    algorithms: readAlgorithms(where, options, allowed, usual),
    tokenType: tokenType === undefined ? usualTerms.tokenType : plainType(tokenType),
    clockToleranceSeconds:
      readNumber(where, options, 'clockToleranceSeconds', tolerance) ?? usualTerms.clockToleranceSeconds,
    maxTokenAgeSeconds: readNumber(where, options, 'maxTokenAgeSeconds', age) ?? usualTerms.maxTokenAgeSeconds,
  };
}

/** Which addresses may be called: those of plain http on other machines only when the app has allowed it. */
export function readAddressRule(options: GivenOptions): AddressRule {
  return {
    insecureHttp: (options as { [allowInsecureHttpOffLoopback]?: unknown })[allowInsecureHttpOffLoopback] === true,
  };
}

/** The audiences of the app, or `acceptAnyAudience`. */
export function readAudience(where: string, options: GivenOptions): AudienceRule {
  if (options['audience'] === acceptAnyAudience) return acceptAnyAudience;
  return requireTexts(
    where,
    options,
    'audience',
    "Write the audience of this API, the 'aud' of the tokens meant for it",
  );
}

function readAlgorithms(
  where: string,
  options: GivenOptions,
  allowed: readonly Algorithm[],
  usual: readonly Algorithm[],
): ReadonlySet<Algorithm> {
  const given = options['algorithms'];
  if (given === undefined) return new Set(usual);
  const names: readonly unknown[] = Array.isArray(given) ? given : [];
  const algorithms = names.map(findAlgorithm).filter((name) => name !== undefined && allowed.includes(name));
  if (algorithms.length === 0 || algorithms.length < names.length) {
    throw new ConfigurationError(
      path(where, 'algorithms'),
      'a list of signature algorithms is expected',
      `Out of ${allowed.join(', ')}; left out, ${usual === allowed ? 'all of them' : usual.join(', ')}`,
    );
  }
  return new Set(algorithms as readonly Algorithm[]);
}
