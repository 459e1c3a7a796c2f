import { type GivenOptions, path, readOptions, requireText, requireTexts } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import { acceptAnyAudience } from '../token/trusted-issuer.js';
import { readListClaim, readTextClaim } from '../user/claim-map.js';
import { findPartyFault } from './authorized-parties.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, knownIssuers } from './known-issuers.js';
import { addRoles } from './read-roles-claim.js';
import { readAudience, type TermOptions } from './read-terms.js';

/** A user pool of Amazon Cognito. */
export interface CognitoOptions extends KnownIssuerOptions {
  /** The id of the pool, which contains its region: `'eu-central-1_AbCdEf123'`. */
  readonly userPoolId: string;
  /** The app clients whose access tokens are accepted. It replaces the audience, which these tokens lack. */
  readonly clientId: string | readonly string[];
  /**
   * The `aud` to require, when clients bind their tokens to this API (the parameter `resource` at sign-in). Left out,
   * the audience is not checked.
   */
  readonly audience?: TermOptions['audience'];
}

const where = 'cognito';

/**
 * Trusts the access tokens of a Cognito user pool, under both names with which a pool can sign, the original and the
 * updated one. ID tokens are refused. Groups are in `user.roles`.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function cognito(given: CognitoOptions): IdentityProvider {
  const options = readOptions(where, given, ['userPoolId', 'clientId', 'audience', ...knownIssuerNames]);
  const issuers = readPool(options);
  const clients = requireTexts(where, options, 'clientId', "Write the ids of the pool's app clients that may call");
  return knownIssuers(where, options, {
    issuers: issuers.map((issuer) => ({
      issuer,
      jwksUri: `${issuer}/.well-known/jwks.json`,
      discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    })),
    audience: options['audience'] === undefined ? acceptAnyAudience : readAudience(where, options),
    insteadOfAudience: 'clientId',
    algorithms: ['RS256'],
    findFault: (claims) => findUseFault(claims) ?? findPartyFault(claims, ['client_id'], clients),
    addClaims: (mapped, claims) => ({
      ...addRoles(mapped, readListClaim(claims, 'cognito:groups')),
      // The same for all tokens of one sign-in.
      sessionId: readTextClaim(claims, 'origin_jti'),
    }),
  });
}

function readPool(options: GivenOptions): readonly string[] {
  const fix = 'Write the id of the user pool, as in eu-central-1_AbCdEf123';
  const pool = requireText(where, options, 'userPoolId', fix);
  const region = /^(?<region>[a-z]{2}(?:-[a-z]+)+-\d+)_[\dA-Za-z]+$/.exec(pool)?.groups?.['region'];
  if (region === undefined) {
    throw new ConfigurationError(path(where, 'userPoolId'), 'it is not the id of a user pool', fix);
  }
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return ['cognito-idp', 'issuer-cognito-idp'].map((host) => `https://${host}.${region}.${domain}/${pool}`);
}

function findUseFault(claims: JsonObject): RefusalError | undefined {
  if (claims['token_use'] === 'access') return undefined;
  return RefusalError.token(
    'type',
    `Expected an access token, whose "token_use" is "access"; the token says ${logText(claims['token_use'])}. ` +
      'It may be an ID token',
  );
}
