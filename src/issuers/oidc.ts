import { type AddressRule, checkAddress, readAddress } from '../configuration/read-address.js';
import { type GivenOptions, path, readChoice, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { verifications, acceptAnyAudience, type Verification } from '../token/trusted-issuer.js';
import type { MissingOption } from '../upstream/auth-context.js';
import { discoveredIssuer } from './discovered-issuer.js';
import { defineProvider } from './define-provider.js';
import type { IdentityProvider } from './identity-provider.js';
import { type IntrospectionOptions, introspectionsOf, readIntrospectionOptions } from './introspection.js';
import {
  keyNames,
  readJwksUris,
  readKeyOptions,
  discoveredKeys,
  keysFrom,
  type FetchedKeysOptions,
} from './remote-keys.js';
import { readRolesClaim, type RolesClaimOptions, withRoles } from './read-roles-claim.js';
import {
  mapClaimsBy,
  readAddressRule,
  readTerms,
  type SubjectClaimOptions,
  type TermOptions,
  termNames,
} from './read-terms.js';
import { userinfoProfiles } from './userinfo-profiles.js';

/** An OpenID Connect or OAuth 2 issuer that publishes its keys. */
export interface OidcOptions extends TermOptions, SubjectClaimOptions, FetchedKeysOptions, RolesClaimOptions {
  /** The exact `iss` of its tokens, including a slash at the end; a list for an issuer with several names. */
  readonly issuer: string | readonly string[];
  /**
   * The address of the keys; several addresses are tried in order. Each is trusted in full: while those before it do not answer,
   * whoever serves it decides which keys sign. Cannot be combined with `discoveryUrl`.
   *
   * @defaultValue the `jwks_uri` of the issuer's metadata
   */
  readonly jwksUri?: string | readonly string[];
  /**
   * The address of the metadata, when it is not below the issuer's name: inside a container network, for example.
   *
   * @defaultValue `/.well-known/openid-configuration` under the issuer, then RFC 8414's place
   */
  readonly discoveryUrl?: string;
  /**
   * The credentials with which this API asks the issuer about tokens: whether they are active, and what opaque ones
   * contain (RFC 7662).
   *
   * Unless `verify` states otherwise, the issuer is then asked about every token, and checks the signatures.
   */
  readonly introspection?: IntrospectionOptions;
  /**
   * How tokens are verified. `'local'`: by their signature; the issuer is asked about opaque ones, and on routes with
   * `@VerifyOnline()`. `'online'`: by asking the issuer about each token. `'hybrid'`: by their signature first, then
   * by asking. Time, audience and user are checked by this package in any case.
   *
   * @defaultValue 'online' with `introspection`, else 'local'
   */
  readonly verify?: Verification;
}

const findHint: MissingOption = {
  option: 'oidc',
  hint: 'OpenID Connect shows a caller their own profile only. To look up other users, describe the issuer by jwtIssuer({ profiles })',
};

const introspectionMissing: MissingOption = {
  option: 'oidc({ introspection })',
  hint: 'Write introspection: { clientId, clientSecret }, with which this API is registered at the issuer',
};

/**
 * Trusts any OpenID Connect or OAuth 2 issuer that publishes its keys. Where a product has a preset of its own, that
 * preset knows more about its tokens. The keys are fetched with the first token, or with `warmUp` when the app starts.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function oidc(given: OidcOptions): IdentityProvider {
  const options = readOptions('oidc', given, [
    'issuer',
    'audience',
    'jwksUri',
    'discoveryUrl',
    'introspection',
    'verify',
    ...termNames,
    ...keyNames,
    'rolesClaim',
    'subjectClaim',
  ]);
  const rule = readAddressRule(options);
  const terms = readTerms('oidc', options);
  for (const { issuer } of terms) checkIssuer(issuer, rule);
  const jwksUris = readJwksUris('oidc', options, rule);
  const discoveryUrl = readAddress('oidc', options, 'discoveryUrl', rule);
  if (jwksUris !== undefined && discoveryUrl !== undefined) refuseTwoPlaces();
  const kept = readKeyOptions('oidc', options);
  const names = terms.map(({ issuer }) => issuer);
  // A given address serves all names; otherwise each name has its own.
  const together = discoveryUrl === undefined ? undefined : discoveredIssuer(names, rule, discoveryUrl);
  const known = jwksUris === undefined ? together && discoveredKeys(together, kept) : keysFrom(jwksUris, kept);
  const discovered = terms.map((term) => ({ term, issuer: together ?? discoveredIssuer([term.issuer], rule) }));
  const introspection = readIntrospectionOptions('oidc', options, rule);
  const introspectionOf = introspection && introspectionsOf(introspection, options['audience'] === acceptAnyAudience);
  return defineProvider({
    name: 'oidc',
    issuers: discovered.map(({ term, issuer }) => ({
      terms: term,
      keys: known ?? discoveredKeys(issuer, kept),
      introspection: introspectionOf?.(issuer) ?? { missing: introspectionMissing },
      addresses: {
        ...(discoveryUrl !== undefined && { metadata: [discoveryUrl] }),
        ...(jwksUris !== undefined && { keys: jwksUris, hasGivenKeys: true }),
      },
    })),
    verification: readVerification(options, introspection !== undefined),
    claimMap: { provider: 'oidc', map: withRoles(mapClaimsBy(terms), readRolesClaim('oidc', options)) },
    profiles: userinfoProfiles('oidc', new Map(discovered.map(({ term, issuer }) => [term.issuer, issuer])), findHint),
  });
}

function readVerification(options: GivenOptions, isAskable: boolean): Verification {
  const verification = readChoice('oidc', options, 'verify', verifications, isAskable ? 'online' : 'local');
  if (isAskable || verification === 'local') return verification;
  const problem = `'${verification}' asks the issuer about tokens, and introspection is missing`;
  throw new ConfigurationError(path('oidc', 'verify'), problem, introspectionMissing.hint);
}

/** The address of the metadata is below the name of the issuer, and no token has it as its `iss`. */
function checkIssuer(issuer: string, rule: AddressRule): void {
  const where = path('oidc', 'issuer');
  checkAddress(where, issuer, rule);
  const { origin, pathname } = new URL(issuer);
  const [before = '', after] = pathname.split(/\/\.well-known\/[^/]*/);
  if (after === undefined) return;
  const problem = 'it is the address of the metadata, and not the name of the issuer';
  throw new ConfigurationError(
    where,
    problem,
    `Write the "issuer" that stands in the metadata, probably ${origin}${before}${after}`,
  );
}

/** Only one of the two would have an effect. */
function refuseTwoPlaces(): never {
  const problem = 'it has no effect together with jwksUri, which states where the keys are';
  throw new ConfigurationError(path('oidc', 'discoveryUrl'), problem, 'Leave one of them out');
}
