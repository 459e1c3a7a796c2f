import type { AddressRule, allowInsecureHttpOffLoopback } from '../configuration/address-rule.js';
import { checkAddress, readAddress } from '../configuration/read-address.js';
import { path, readOptions } from '../configuration/read-options.js';
import { fromBearer } from '../request/from-bearer.js';
import type { acceptAnyAudience } from '../token/trusted-issuer.js';
import { mapStandardClaims } from '../user/standard-claims.js';
import { type IdentityProvider, identityProvider, type OpenKeys } from './identity-provider.js';
import { readAddressRule, readTerms, termNames } from './read-terms.js';
import { type KeyOptions, keyNames, readJwksUris, readKeyOptions } from './read-key-options.js';
import type { Jwk } from '../keys/import-jwk.js';
import { discoveredKeys, keysAt } from './remote-keys.js';

/** An OpenID Connect or OAuth 2 issuer that publishes its keys. */
export interface OidcOptions {
  /** The exact `iss` of its tokens, to the last slash; a list when it goes by several names. */
  readonly issuer: string | readonly string[];
  /**
   * The audiences that this API answers to: a token must name one of them. `acceptAnyAudience` turns the
   * check off, and lets in tokens that were made for somebody else's API.
   */
  readonly audience: string | readonly string[] | typeof acceptAnyAudience;
  /**
   * The signature algorithms to accept. Narrower is safer; the key's own type and `alg` narrow it anyway.
   *
   * @defaultValue every RS, PS, ES algorithm and EdDSA
   */
  readonly algorithms?: readonly string[];
  /** Where the keys are; a list is tried in order. Left out, the issuer's discovery document says it. */
  readonly jwksUri?: string | readonly string[];
  /**
   * Where the discovery document is, when not under the issuer's own name: inside a container network, say.
   *
   * @defaultValue `/.well-known/openid-configuration` under the issuer, then RFC 8414's place
   */
  readonly discoveryUrl?: string;
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
  /** Seconds since `iat` after which a token is refused, whatever its `exp`. Left out, only `exp` counts. */
  readonly maxTokenAgeSeconds?: number;
  /**
   * Seconds past their life for which known keys serve on while the issuer does not answer; 0 to 30 days. A key
   * that the issuer withdraws during its own outage is trusted for that long.
   *
   * @defaultValue 86400 (a day)
   */
  readonly staleKeysForSeconds?: number;
  /** A key set to start with, from a file or the environment, until the issuer has been asked. */
  readonly initialKeys?: { readonly keys: readonly Jwk[] };
  /** Allows plain http off this machine. For closed test networks: who sits on the wire can sign any token. */
  readonly [allowInsecureHttpOffLoopback]?: true;
}

/**
 * Trusts an OpenID Connect or OAuth 2 issuer: Auth0, Keycloak, Cognito, Entra ID, Okta and any other that
 * publishes its keys. The first token has the keys fetched; nothing is called before.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function oidc(given: OidcOptions): IdentityProvider {
  const options = readOptions('oidc', given, [
    'issuer',
    'audience',
    'jwksUri',
    'discoveryUrl',
    ...termNames,
    ...keyNames,
  ]);
  const rule = readAddressRule(options);
  const terms = readTerms('oidc', options);
  for (const { issuer } of terms) checkAddress(path('oidc', 'issuer'), issuer, rule);
  const jwksUris = readJwksUris('oidc', options, rule);
  const discoveryUrl = readAddress('oidc', options, 'discoveryUrl', rule);
  const kept = readKeyOptions('oidc', options);
  const names = terms.map(({ issuer }) => issuer);
  // One key set for all names where one place was given for it; else each name is asked for its own.
  const shared = jwksUris === undefined ? findByDocument(names, rule, kept, discoveryUrl) : keysAt(jwksUris, kept);
  return identityProvider({
    issuers: terms.map((term) => ({
      terms: term,
      openKeys: shared ?? discoveredKeys([term.issuer], rule, undefined, kept),
    })),
    claimMap: { provider: 'oidc', map: mapStandardClaims },
    tokenSources: [fromBearer()],
    advice: new Map(),
  });
}

function findByDocument(
  names: readonly string[],
  rule: AddressRule,
  kept: KeyOptions,
  discoveryUrl: string | undefined,
): OpenKeys | undefined {
  return discoveryUrl === undefined ? undefined : discoveredKeys(names, rule, discoveryUrl, kept);
}
