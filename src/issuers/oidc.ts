import { checkAddress, readAddress } from '../configuration/read-address.js';
import { type GivenOptions, path, readChoice, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { verifications, acceptAnyAudience, type Verification } from '../token/trusted-issuer.js';
import { mapStandardClaims } from '../user/claim-map.js';
import { discoveredIssuer } from './discovered-issuer.js';
import { openIdForm, type IdentityProvider } from './identity-provider.js';
import { type IntrospectionOptions, introspectionsOf, readIntrospectionOptions } from './introspection.js';
import {
  keyNames,
  readJwksUris,
  readKeyOptions,
  discoveredKeys,
  keysAt,
  type FetchedKeysOptions,
} from './remote-keys.js';
import { readRolesClaim, type RolesClaimOptions, withRoles } from './read-roles-claim.js';
import { readAddressRule, readTerms, type TermOptions, termNames } from './read-terms.js';
import { userinfoProfiles } from './userinfo-profiles.js';

/** An OpenID Connect or OAuth 2 issuer that publishes its keys. */
export interface OidcOptions extends TermOptions, FetchedKeysOptions, RolesClaimOptions {
  /** The exact `iss` of its tokens, to the last slash; a list when it goes by several names. */
  readonly issuer: string | readonly string[];
  /**
   * Where the keys are; a list is tried in order. Left out, the issuer's discovery document says it; so it does not go
   * together with `discoveryUrl`.
   */
  readonly jwksUri?: string | readonly string[];
  /**
   * Where the discovery document is, when not under the issuer's own name: inside a container network, say.
   *
   * @defaultValue `/.well-known/openid-configuration` under the issuer, then RFC 8414's place
   */
  readonly discoveryUrl?: string;
  /**
   * Lets the issuer be asked about tokens: whether it stands by them now, and what opaque ones say.
   *
   * Unless `verify` says otherwise, it is then asked about every token, and signatures are left to it.
   */
  readonly introspection?: IntrospectionOptions;
  /**
   * How tokens are judged. `'local'`: by their signature; the issuer is asked about opaque ones only, and on routes
   * under `@VerifyOnline()`. `'online'`: by asking the issuer about each. `'hybrid'`: by their signature first, then
   * by asking. What claims say of time, audience and user is checked here in any case.
   *
   * @defaultValue 'online' with `introspection`, else 'local'
   */
  readonly verify?: Verification;
}

const profileHint = {
  option: 'oidc',
  fix: 'OpenID Connect shows a caller their own profile only. To look up anyone, describe the issuer by jwtIssuer({ profiles })',
};

const statusSourceHint = {
  option: 'oidc({ introspection })',
  fix: 'Write introspection: { clientId, clientSecret }, what the issuer knows this API by',
};

/**
 * Trusts an OpenID Connect or OAuth 2 issuer: any that publishes its keys. For those with a preset of their own, that
 * one knows more. The first token has the keys fetched, or the start of the app with `warmUp`; nothing is called
 * before.
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
  ]);
  const rule = readAddressRule(options);
  const terms = readTerms('oidc', options);
  for (const { issuer } of terms) checkAddress(path('oidc', 'issuer'), issuer, rule);
  const jwksUris = readJwksUris('oidc', options, rule);
  const discoveryUrl = readAddress('oidc', options, 'discoveryUrl', rule);
  if (jwksUris !== undefined && discoveryUrl !== undefined) refuseTwoPlaces();
  const kept = readKeyOptions('oidc', options);
  const names = terms.map(({ issuer }) => issuer);
  // One place for all names where one was given; else each name is asked for its own.
  const together = discoveryUrl === undefined ? undefined : discoveredIssuer(names, rule, discoveryUrl);
  const known = jwksUris === undefined ? together && discoveredKeys(together, kept) : keysAt(jwksUris, kept);
  const discovered = terms.map((term) => ({ term, issuer: together ?? discoveredIssuer([term.issuer], rule) }));
  const introspection = readIntrospectionOptions('oidc', options, rule);
  const statusSourceOf = introspection && introspectionsOf(introspection, options['audience'] === acceptAnyAudience);
  return openIdForm({
    issuers: discovered.map(({ term, issuer }) => ({
      terms: term,
      openKeys: known ?? discoveredKeys(issuer, kept),
      createStatusSource: statusSourceOf?.(issuer) ?? null,
    })),
    verification: readVerification(options, introspection !== undefined),
    statusSourceHint,
    map: withRoles(mapStandardClaims, readRolesClaim('oidc', options)),
    openProfiles: userinfoProfiles('oidc', new Map(discovered.map(({ term, issuer }) => [term.issuer, issuer]))),
    profileHint: { get: profileHint, find: profileHint },
  });
}

function readVerification(options: GivenOptions, isAskable: boolean): Verification {
  const verification = readChoice('oidc', options, 'verify', verifications, isAskable ? 'online' : 'local');
  if (isAskable || verification === 'local') return verification;
  const problem = `'${verification}' asks the issuer about tokens, and it cannot be asked`;
  throw new ConfigurationError(path('oidc', 'verify'), problem, statusSourceHint.fix);
}

/** One of them would be believed to do something. */
function refuseTwoPlaces(): never {
  const problem = 'it means nothing beside jwksUri, which says where the keys are';
  throw new ConfigurationError(path('oidc', 'discoveryUrl'), problem, 'Leave one of them out');
}
