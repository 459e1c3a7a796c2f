import { type AddressRule, allowInsecureHttpOffLoopback } from '../configuration/read-address.js';
import { type GivenOptions, path, readNumber, readText, requireTexts } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { type Algorithm, findAlgorithm, publicKeyAlgorithms } from '../keys/algorithm.js';
import { plainType } from '../token/check-claims.js';
import { acceptAnyAudience, type AudienceRule, type IssuerTerms } from '../token/trusted-issuer.js';
import { usualTerms } from './identity-provider.js';

/** What an app may ask of the tokens of an issuer that signs plain JWTs. */
export interface TermOptions {
  /**
   * The audiences that this API answers to: a token must name one of them. `acceptAnyAudience` turns the
   * check off, and lets in tokens that were made for somebody else's API.
   */
  readonly audience: string | readonly string[] | typeof acceptAnyAudience;
  /**
   * The signature algorithms to accept. Narrower is safer; the key's own type and `alg` narrow it anyway.
   *
   * @defaultValue every RS, PS, ES algorithm and EdDSA; with keys that are handed in, those that go with them
   */
  readonly algorithms?: readonly string[];
  /**
   * The `typ` that a token's header must have, without regard to case and `application/`. `'at+jwt'`
   * (RFC 9068) keeps ID tokens out. Left out, any type passes.
   */
  readonly tokenType?: string;
  /**
   * Seconds a token may be past its end or ahead of its start, for clocks that differ; 0 to 600.
   *
   * @defaultValue 5
   */
  readonly clockToleranceSeconds?: number;
  /**
   * Seconds since `iat` after which a token is refused, whatever its `exp`; 1 to 315,360,000 (ten years). A token
   * without `iat` is then refused too. Left out, only `exp` counts.
   */
  readonly maxTokenAgeSeconds?: number;
  /** Allows plain http off this machine. For closed test networks: who sits on the transport can sign any token. */
  readonly [allowInsecureHttpOffLoopback]?: true;
}

/** The names of those that `readTerms` does not demand. */
export const termNames = ['algorithms', 'tokenType', 'clockToleranceSeconds', 'maxTokenAgeSeconds'] as const;

const longestToleranceSeconds = 600;
const longestAgeSeconds = 315_360_000;

/** The terms of issuers that sign plain JWTs, one for each name. */
export function readTerms(
  where: string,
  options: GivenOptions,
  allowed: readonly Algorithm[] = publicKeyAlgorithms,
): readonly IssuerTerms[] {
  const issuers = requireTexts(where, options, 'issuer', 'Write the exact "iss" of the tokens');
  const audience = readAudience(where, options);
  const shared = readSharedTerms(where, options, allowed);
  return issuers.map((issuer) => ({ ...shared, audience, issuer }));
}

/** The terms without issuer and audience. `usual` are the algorithms where the app names none. */
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

/** Whether the app has asked, in as many words, for plain http off this machine. */
export function readAddressRule(options: GivenOptions): AddressRule {
  return {
    insecureHttp: (options as { [allowInsecureHttpOffLoopback]?: unknown })[allowInsecureHttpOffLoopback] === true,
  };
}

/** The audiences that the app answers to, or that it does not care. */
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
