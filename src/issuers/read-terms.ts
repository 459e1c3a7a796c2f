import { type AddressRule, allowInsecureHttpOffLoopback } from '../configuration/address-rule.js';
import { type GivenOptions, path, readNumber, readText, requireTexts } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { type Algorithm, findAlgorithm, publicKeyAlgorithms } from '../keys/algorithm.js';
import { plainType } from '../token/check-claims.js';
import { acceptAnyAudience, type AudienceRule, type IssuerTerms } from '../token/trusted-issuer.js';

/** The options that presets share; each is documented where it is offered. */
export const termNames = ['algorithms', 'tokenType', 'clockToleranceSeconds', 'maxTokenAgeSeconds'] as const;

const usualToleranceSeconds = 5;
const longestToleranceSeconds = 600;

/** The terms of issuers that sign plain JWTs, one for each name. */
export function readTerms(
  where: string,
  options: GivenOptions,
  allowed: readonly Algorithm[] = publicKeyAlgorithms,
): readonly IssuerTerms[] {
  const issuers = requireTexts(where, options, 'issuer', 'Write the exact "iss" of the tokens');
  const tokenType = readText(where, options, 'tokenType');
  const tolerance = { least: 0, most: longestToleranceSeconds };
  const shared: Omit<IssuerTerms, 'issuer'> = {
    audience: readAudience(where, options),
    algorithms: readAlgorithms(where, options, allowed),
    tokenType: tokenType === undefined ? null : plainType(tokenType),
    clockToleranceSeconds: readNumber(where, options, 'clockToleranceSeconds', tolerance) ?? usualToleranceSeconds,
    maxTokenAgeSeconds: readNumber(where, options, 'maxTokenAgeSeconds', { least: 1, most: 315_360_000 }) ?? null,
    subjectClaim: 'sub',
  };
  return issuers.map((issuer) => ({ ...shared, issuer }));
}

/** Whether the app has asked, in as many words, for plain http off this machine. */
export function readAddressRule(options: GivenOptions): AddressRule {
  return {
    insecureHttp: (options as { [allowInsecureHttpOffLoopback]?: unknown })[allowInsecureHttpOffLoopback] === true,
  };
}

function readAudience(where: string, options: GivenOptions): AudienceRule {
  if (options['audience'] === acceptAnyAudience) return acceptAnyAudience;
  return requireTexts(
    where,
    options,
    'audience',
    "Write the audience of this API, the 'aud' of the tokens meant for it",
  );
}

function readAlgorithms(where: string, options: GivenOptions, allowed: readonly Algorithm[]): ReadonlySet<Algorithm> {
  const given = options['algorithms'];
  if (given === undefined) return new Set(allowed);
  const names: readonly unknown[] = Array.isArray(given) ? given : [];
  const algorithms = names.map(findAlgorithm).filter((name) => name !== undefined && allowed.includes(name));
  if (algorithms.length === 0 || algorithms.length < names.length) {
    throw new ConfigurationError(
      path(where, 'algorithms'),
      'a list of signature algorithms is expected',
      `Out of ${allowed.join(', ')}; left out, all of them`,
    );
  }
  return new Set(algorithms as readonly Algorithm[]);
}
