import { path } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { findAlgorithm, publicKeyAlgorithms } from '../keys/algorithm.js';
import type { KeySource } from '../keys/key-source.js';
import { fromBearer, isTokenSource } from '../request/token-sources.js';
import {
  acceptAnyAudience,
  type IssuerTerms,
  type SessionStatusSource,
  type TokenStatusSource,
  type Verification,
  verifications,
} from '../token/trusted-issuer.js';
import type { Capability } from '../upstream/auth-context.js';
import type { ClaimMap } from '../user/claim-map.js';
import {
  type IdentityProvider,
  identityProvider,
  type IssuerAddresses,
  type ProvidedIssuer,
  usualTerms,
} from './identity-provider.js';

/** The terms of one issuer, of which only name and audience are required. */
export interface IssuerTermsForm extends Partial<IssuerTerms> {
  readonly issuer: IssuerTerms['issuer'];
  readonly audience: IssuerTerms['audience'];
}

/** One issuer, as `defineProvider` takes it. */
export interface IssuerForm {
  /**
   * What its tokens must fulfil. Defaults: every public-key algorithm, any `typ`, 5 seconds of clock tolerance, no limit
   * of age besides `exp`, the user in `sub`.
   */
  readonly terms: IssuerTermsForm;
  readonly keys: Capability<KeySource>;
  /** @defaultValue missing: `@VerifyOnline()` cannot be used for its tokens */
  readonly introspection?: Capability<TokenStatusSource>;
  /** @defaultValue missing: open connections end with their tokens */
  readonly sessions?: Capability<SessionStatusSource> | undefined;
  /** Where its documents are read, for `npx nest-gatehouse doctor`. @defaultValue below its name */
  readonly addresses?: IssuerAddresses | undefined;
  /** What restricts its tokens to this app where they have no audience, for `npx nest-gatehouse doctor`. @defaultValue nothing */
  readonly insteadOfAudience?: string | undefined;
}

/** The description of an identity provider, as `defineProvider` takes it. */
export interface ProviderForm extends Partial<Omit<IdentityProvider, 'issuers'>> {
  readonly name: string;
  readonly issuers: readonly IssuerForm[];
  /** Reads users out of claims, such as `{ provider: 'oidc', map: mapStandardClaims }`. Must not throw. */
  readonly claimMap: ClaimMap;
}

/**
 * Describes an identity provider for which there is no preset, or changes what a preset returns. Use it in an app, or
 * in a package that offers a preset of its own. `describeIdentityProvider` of `nest-gatehouse/testing` tests the result.
 *
 * ```ts
 * export function acmeId({ tenant }: { tenant: string }): IdentityProvider {
 *   return defineProvider({
 *     name: 'acmeId',
 *     issuers: [{
 *       terms: { issuer: `https://${tenant}.acme.example`, audience: ['api'] },
 *       keys: keysAt(`https://${tenant}.acme.example/jwks`),
 *     }],
 *     claimMap: { provider: 'oidc', map: mapStandardClaims },
 *   });
 * }
 * ```
 *
 * Everything but `name`, `issuers` and `claimMap` has a default: tokens are accepted and verified locally, they are sent
 * as `Authorization: Bearer`, and the capabilities are missing.
 *
 * @returns the frozen provider. Nothing is called before the app starts.
 * @throws {ConfigurationError} naming the member of the form that is missing or wrong.
 */
export function defineProvider(form: ProviderForm): IdentityProvider {
  checkForm(form);
  const { name } = form;
  const without = (what: string): Capability<never> => ({
    missing: { option: name, hint: `This preset has no ${what}` },
  });
  return identityProvider({
    name,
    issuers: form.issuers.map(({ terms, keys, introspection, sessions, addresses, insteadOfAudience }) => ({
      terms: { ...usualTerms, ...terms, algorithms: new Set(terms.algorithms ?? publicKeyAlgorithms) },
      keys,
      introspection: introspection ?? without('introspection'),
      ...(sessions !== undefined && { sessions }),
      ...(addresses !== undefined && { addresses }),
      ...(insteadOfAudience !== undefined && { insteadOfAudience }),
    })),
    acceptsTokens: form.acceptsTokens ?? true,
    verification: form.verification ?? 'local',
    claimMap: form.claimMap,
    tokenSources: form.tokenSources ?? [fromBearer()],
    profiles: form.profiles ?? without('profiles'),
    permissions: form.permissions ?? without('permissions'),
    ...(form.apiKeys !== undefined && { apiKeys: form.apiKeys }),
    ...(form.sessionApi !== undefined && { sessionApi: form.sessionApi }),
    issuerHints: new Map(form.issuerHints),
  });
}

interface Rule {
  readonly expected: string;
  readonly isOptional?: true;
  readonly fits: (value: unknown) => boolean;
}

const capability: Rule = {
  expected: 'an object with create(context), or with missing: { option, hint },',
  fits: (value) => isObject(value) && (typeof value['create'] === 'function' || isMissingOption(value['missing'])),
};

const formRules: Readonly<Record<keyof IdentityProvider, Rule>> = {
  name: { expected: 'a name', fits: isText },
  issuers: { expected: 'a list', fits: Array.isArray },
  acceptsTokens: { expected: 'true or false', isOptional: true, fits: (value) => typeof value === 'boolean' },
  verification: {
    expected: `one of ${verifications.join(', ')}`,
    isOptional: true,
    fits: (value) => verifications.some((known) => known === value),
  },
  claimMap: {
    expected: 'an object with provider and map(claims)',
    fits: (value) => isObject(value) && isText(value['provider']) && typeof value['map'] === 'function',
  },
  tokenSources: {
    expected: 'a list of token sources',
    isOptional: true,
    fits: (value) => Array.isArray(value) && value.length > 0 && value.every(isTokenSource),
  },
  profiles: { ...capability, isOptional: true },
  permissions: { ...capability, isOptional: true },
  apiKeys: { ...capability, isOptional: true },
  sessionApi: { ...capability, isOptional: true },
  issuerHints: { expected: 'a Map', isOptional: true, fits: (value) => value instanceof Map },
};

const issuerRules: Readonly<Record<keyof ProvidedIssuer, Rule>> = {
  terms: { expected: 'an object with issuer and audience', fits: isObject },
  keys: capability,
  introspection: { ...capability, isOptional: true },
  sessions: { ...capability, isOptional: true },
  addresses: { expected: 'an object with metadata and keys', isOptional: true, fits: isObject },
  insteadOfAudience: { expected: 'the name of an option', isOptional: true, fits: isText },
};

const seconds: Rule = {
  expected: 'a number from 0',
  isOptional: true,
  fits: (value) => Number.isFinite(value) && (value as number) >= 0,
};

const termRules: Readonly<Record<keyof IssuerTerms, Rule>> = {
  issuer: { expected: 'the exact "iss" of its tokens', fits: isText },
  audience: {
    expected: 'a list of audiences, or acceptAnyAudience,',
    fits: (value) => value === acceptAnyAudience || (Array.isArray(value) && value.length > 0 && value.every(isText)),
  },
  algorithms: {
    expected: 'a Set of signature algorithms',
    isOptional: true,
    fits: (value) =>
      value instanceof Set && value.size > 0 && [...value].every((name) => findAlgorithm(name) !== undefined),
  },
  tokenType: { expected: 'a text or null', isOptional: true, fits: (value) => value === null || isText(value) },
  clockToleranceSeconds: seconds,
  maxTokenAgeSeconds: { ...seconds, fits: (value) => value === null || seconds.fits(value) },
  subjectClaim: { expected: 'the name of a claim', isOptional: true, fits: isText },
  otherSubjectClaims: {
    expected: 'a list of names of claims',
    isOptional: true,
    fits: (value) => Array.isArray(value) && value.every(isText),
  },
  findFault: { expected: 'a function', isOptional: true, fits: (value) => typeof value === 'function' },
  explain: { expected: 'a function', isOptional: true, fits: (value) => typeof value === 'function' },
};

function checkForm(form: unknown): void {
  const where = 'defineProvider';
  checkMembers(where, form, formRules);
  const { issuers, verification = 'local' } = form as ProviderForm;
  for (const [index, issuer] of issuers.entries()) {
    const issuerPath = path(where, `issuers[${index}]`);
    checkMembers(issuerPath, issuer, issuerRules);
    checkMembers(path(issuerPath, 'terms'), issuer.terms, termRules);
    if (verification !== 'online') requireCapability(path(issuerPath, 'keys'), issuer.keys, verification);
    if (verification === 'local') continue;
    const introspection = issuer.introspection ?? { missing: { option: 'introspection', hint: 'Write it' } };
    requireCapability(path(issuerPath, 'introspection'), introspection, verification);
  }
}

function checkMembers(where: string, given: unknown, rules: Readonly<Record<string, Rule>>): void {
  const known = `Known members: ${Object.keys(rules).join(', ')}`;
  if (!isObject(given)) throw new ConfigurationError(where, 'an object is expected', known);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(rules, name));
  if (unknown !== undefined)
    throw new ConfigurationError(path(where, unknown), 'there is no member of this name', known);
  for (const [name, { expected, isOptional, fits }] of Object.entries(rules)) {
    const value = given[name];
    if ((isOptional === true && value === undefined) || fits(value)) continue;
    const problem = value === undefined ? 'it is missing' : `${expected} is expected`;
    throw new ConfigurationError(path(where, name), problem, value === undefined ? `Write ${expected}` : 'Correct it');
  }
}

function requireCapability(where: string, given: Capability<unknown>, verification: Verification): void {
  if (!('missing' in given)) return;
  throw new ConfigurationError(where, `verification: '${verification}' requires it`, given.missing.hint);
}

function isMissingOption(value: unknown): boolean {
  return isObject(value) && isText(value['option']) && isText(value['hint']);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
