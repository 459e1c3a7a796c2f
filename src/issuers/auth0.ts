import { type GivenOptions, path, readOptions, requireTexts } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';
import type { AudienceRule } from '../token/trusted-issuer.js';
import { readTextClaim, type MappedClaims } from '../user/claim-map.js';
import { type AuthorizedPartyOptions, findPartyFault, readAuthorizedParties } from './authorized-parties.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, knownIssuers } from './known-issuers.js';
import { readAudience, type TermOptions } from './read-terms.js';

/** An API of an Auth0 tenant. */
export interface Auth0Options
  extends KnownIssuerOptions,
    AuthorizedPartyOptions,
    Pick<TermOptions, 'audience' | 'tokenType'> {
  /**
   * The tenant's host, `'your-tenant.eu.auth0.com'`, or the custom domain at which users sign in: tokens contain the one
   * that was used to sign in. A list when both are in use.
   */
  readonly domain: string | readonly string[];
  /**
   * The identifier of the API in Auth0. Clients have to name it when they sign in; otherwise they get an opaque token,
   * which only Auth0 can read.
   */
  readonly audience: TermOptions['audience'];
  /**
   * `'at+jwt'` when the API's token profile is RFC 9068. Left out, any type is accepted: in the default profile access
   * tokens have the type of ID tokens, and the audience distinguishes them.
   */
  readonly tokenType?: string;
  /** The algorithms with which the API signs: RS256 or PS256. @defaultValue both */
  readonly algorithms?: readonly ('RS256' | 'PS256')[];
}

const where = 'auth0';

/**
 * Trusts an Auth0 tenant. The organization to which a user has signed in (`org_id`) is in `user.organizations`, with
 * the token's roles and permissions, which Auth0 grants for it. Tokens contain roles only when an Action adds them: see
 * `rolesClaim`.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function auth0(given: Auth0Options): IdentityProvider {
  const options = readOptions(where, given, [
    'domain',
    'audience',
    'authorizedParties',
    'tokenType',
    'algorithms',
    ...knownIssuerNames,
  ]);
  const domains = readDomains(options);
  const audience = readApi(options, domains);
  const parties = readAuthorizedParties(where, options);
  return knownIssuers(where, options, {
    issuers: domains.map((domain) => ({
      issuer: `https://${domain}/`,
      jwksUri: `https://${domain}/.well-known/jwks.json`,
      discoveryUrl: `https://${domain}/.well-known/openid-configuration`,
    })),
    audience,
    algorithms: ['RS256', 'PS256'],
    addClaims: addOrganization,
    // The client is in "azp" with Auth0's own token profile, and in "client_id" with that of RFC 9068.
    ...(parties !== undefined && { findFault: (claims) => findPartyFault(claims, ['azp', 'client_id'], parties) }),
  });
}

function readDomains(options: GivenOptions): readonly string[] {
  const fix = 'Write the host alone, as in your-tenant.eu.auth0.com';
  const domains = requireTexts(where, options, 'domain', fix);
  for (const domain of domains) {
    if (!/^[a-z\d-]+(?:\.[a-z\d-]+)+$/.test(domain)) {
      throw new ConfigurationError(path(where, 'domain'), 'it is not a host name in lower case', fix);
    }
  }
  return domains;
}

/** Refuses the audience that every token with the scope openid has, because it would not restrict anything. */
function readApi(options: GivenOptions, domains: readonly string[]): AudienceRule {
  const audience = readAudience(where, options);
  const userinfo = domains.map((domain) => `https://${domain}/userinfo`);
  if (typeof audience !== 'symbol' && audience.some((name) => userinfo.includes(name))) {
    throw new ConfigurationError(
      path(where, 'audience'),
      'the tokens for all APIs of the tenant have it',
      'Write the identifier of this API',
    );
  }
  return audience;
}

function addOrganization(mapped: MappedClaims, claims: JsonObject): MappedClaims {
  const id = readTextClaim(claims, 'org_id');
  if (id === null) return mapped;
  const { roles, permissions } = mapped;
  // "org_name" is the name in addresses; the display name is not in the token.
  const organization = { id, name: null, slug: readTextClaim(claims, 'org_name'), roles, permissions };
  return { ...mapped, organizations: [organization] };
}
