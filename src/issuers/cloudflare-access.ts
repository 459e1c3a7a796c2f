import { type GivenOptions, path, readOptions, readSwitch, requireText } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { fromHeader, type TokenSource } from '../request/token-sources.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import { readTextClaim } from '../user/claim-map.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, knownIssuers } from './known-issuers.js';
import { readAudience, type TermOptions } from './read-terms.js';

/** An application behind Cloudflare Access. */
export interface CloudflareAccessOptions extends KnownIssuerOptions, Pick<TermOptions, 'audience'> {
  /** The name of the team, `'lumenworks'` of `lumenworks.cloudflareaccess.com`. */
  readonly team: string;
  /** The AUD tag of the application in Access, or a list of tags. */
  readonly audience: TermOptions['audience'];
  /**
   * Accepts service tokens, by which programs call. `user.id` and `user.clientId` are then the client id of the service token.
   *
   * @defaultValue true
   */
  readonly allowServiceTokens?: boolean;
}

const where = 'cloudflareAccess';
const domain = 'cloudflareaccess.com';

/**
 * Cloudflare makes the header of a cookie, which a browser also sends with the requests of pages of other sites. The token is
 * therefore checked like one in a cookie.
 */
const assertion: TokenSource = Object.freeze({
  ...fromHeader('cf-access-jwt-assertion'),
  cookie: Object.freeze({ checkOrigin: true }),
});

/**
 * Trusts the application tokens of Cloudflare Access, which it adds to each request as `Cf-Access-Jwt-Assertion`. It takes them from
 * a cookie, so requests of pages of other sites are refused as with cookies (`publicUrl`, `trustedOrigins`). The global
 * session token of a team (`type: "org"`) is refused. Groups of the identity provider are in `user.claims`, if Access is configured
 * to add them: `rolesClaim: ['custom', 'groups']`.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function cloudflareAccess(given: CloudflareAccessOptions): IdentityProvider {
  const options = readOptions(where, given, ['team', 'audience', 'allowServiceTokens', ...knownIssuerNames]);
  const issuer = `https://${readTeam(options)}.${domain}`;
  const allowServiceTokens = readSwitch(where, options, 'allowServiceTokens', true);
  return knownIssuers(where, options, {
    issuers: [{ issuer, jwksUri: `${issuer}/cdn-cgi/access/certs` }],
    audience: readAudience(where, options),
    algorithms: ['RS256'],
    // The "sub" of a service token is an empty text.
    otherSubjectClaims: ['common_name'],
    tokenSources: [assertion],
    findFault: (claims) => findTypeFault(claims) ?? (allowServiceTokens ? undefined : findServiceFault(claims)),
    addClaims: (mapped, claims) => {
      const service = readService(claims);
      return service === null ? mapped : { ...mapped, id: service, clientId: service };
    },
  });
}

function readTeam(options: GivenOptions): string {
  const fix = `Write the name of the team, as in lumenworks.${domain}`;
  const team = requireText(where, options, 'team', fix);
  if (/^[a-z\d](?:[a-z\d-]*[a-z\d])?$/.test(team)) return team;
  throw new ConfigurationError(path(where, 'team'), 'it is not the name of a team', fix);
}

/** Only a token without a user may be that of a service. */
function readService(claims: JsonObject): string | null {
  return readTextClaim(claims, 'sub') === null ? readTextClaim(claims, 'common_name') : null;
}

function findTypeFault(claims: JsonObject): RefusalError | undefined {
  if (claims['type'] === 'app') return undefined;
  return RefusalError.token(
    'type',
    `Expected the token of an application, whose "type" is "app"; the token says ${logText(claims['type'])}`,
  );
}

function findServiceFault(claims: JsonObject): RefusalError | undefined {
  if (readService(claims) === null) return undefined;
  return RefusalError.token(
    'claim',
    'It is a service token and not of a user. To accept such tokens, set cloudflareAccess({ allowServiceTokens: true })',
  );
}
