import { requireAddress } from '../configuration/read-address.js';
import { type GivenOptions, path, readOptions, readSwitch, readText } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { plainType } from '../token/check-claims.js';
import type { JsonObject } from '../token/json-object.js';
import type { TokenHeader } from '../token/verified-token.js';
import { readBooleanClaim, readTextClaim, type MappedClaims } from '../user/claim-map.js';
import { findPartyFault, readAuthorizedParties } from './authorized-parties.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, knownIssuers } from './known-issuers.js';
import { addRoles, readRolesClaim } from './read-roles-claim.js';
import { readAddressRule, readAudience, type TermOptions } from './read-terms.js';

/** An app with Better Auth and its plugin `jwt`. */
export interface BetterAuthOptions extends KnownIssuerOptions {
  /** The `baseURL` of Better Auth, an origin: `'https://app.example.com'`. */
  readonly baseUrl: string;
  /** The `basePath` of Better Auth, below which the keys are fetched at `/jwks`. @defaultValue '/api/auth' */
  readonly basePath?: string;
  /** The plugin's `jwt.issuer`. @defaultValue `baseUrl` */
  readonly issuer?: string;
  /** The plugin's `jwt.audience`. @defaultValue `baseUrl` */
  readonly audience?: TermOptions['audience'];
  /** The algorithm of the plugin's key pair: EdDSA, ES256, ES512, PS256 or RS256. @defaultValue `['EdDSA']` */
  readonly algorithms?: TermOptions['algorithms'];
  /** Accepts users of the plugin `anonymous` who have not signed up. @defaultValue false */
  readonly allowAnonymous?: boolean;
  /**
   * The OAuth clients whose tokens are accepted in addition to those of the app's own users, when Better Auth is an OAuth
   * server for other apps. @defaultValue none
   */
  readonly clientId?: string | readonly string[];
}

const where = 'betterAuth';
/** The claims that name the OAuth client for which a token was issued. */
const clientClaims = ['azp', 'client_id'] as const;

/**
 * Trusts the JWTs that Better Auth's plugin `jwt` issues at `/token` or in the header `set-auth-jwt`. By default they
 * contain the user's whole record, so your own fields are claims: apart from the `role` of the plugin `admin`, no field
 * becomes a role, a scope or a permission because of its name. Tokens for OAuth clients, which the same key signs, are
 * refused unless the client is in `clientId`.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function betterAuth(given: BetterAuthOptions): IdentityProvider {
  const options = readOptions(where, given, [
    ...['baseUrl', 'basePath', 'issuer', 'audience', 'algorithms', 'allowAnonymous', 'clientId'],
    ...knownIssuerNames,
  ]);
  const baseUrl = readBaseUrl(options);
  const allowAnonymous = readSwitch(where, options, 'allowAnonymous', false);
  const clients = readAuthorizedParties(where, options, 'clientId') ?? [];
  const readRoles = readRolesClaim(where, options);
  return knownIssuers(where, options, {
    issuers: [
      {
        issuer: readText(where, options, 'issuer') ?? baseUrl,
        jwksUri: `${baseUrl}${readBasePath(options)}/jwks`,
      },
    ],
    audience: options['audience'] === undefined ? [baseUrl] : readAudience(where, options),
    algorithms: ['EdDSA', 'ES256', 'ES512', 'PS256', 'RS256'],
    usualAlgorithms: ['EdDSA'],
    findFault: (claims, header) =>
      (isForClient(claims, header) ? findPartyFault(claims, clientClaims, clients) : undefined) ??
      (allowAnonymous || claims['isAnonymous'] !== true ? undefined : anonymousRefused()),
    addClaims: (mapped, claims) => addRoles(readRecord(mapped, claims), readRoles?.(claims) ?? []),
  });
}

function readBaseUrl(options: GivenOptions): string {
  const fix = 'Write the baseURL of Better Auth';
  const url = requireAddress(where, options, 'baseUrl', readAddressRule(options), fix);
  const { origin } = new URL(url);
  if (url.replace(/\/$/, '') === origin) return origin;
  throw new ConfigurationError(
    path(where, 'baseUrl'),
    'it is not an origin',
    `Write ${origin}, and the rest as basePath`,
  );
}

function readBasePath(options: GivenOptions): string {
  const basePath = (readText(where, options, 'basePath') ?? '/api/auth').replace(/\/+$/, '');
  if (basePath === '' || /^\/[^?#\s]+$/.test(basePath)) return basePath;
  throw new ConfigurationError(path(where, 'basePath'), 'it is not a path', "It starts with a slash: '/api/auth'");
}

/** Access tokens for clients have the type of RFC 9068; the users' own tokens have none. */
function isForClient(claims: JsonObject, header: TokenHeader | null): boolean {
  return plainType(header?.typ ?? '') === 'at+jwt' || namesClient(claims);
}

function namesClient(claims: JsonObject): boolean {
  return clientClaims.some((name) => claims[name] !== undefined);
}

/** The plugin `admin` writes several roles into one text, separated by commas. */
function readRecord(mapped: MappedClaims, claims: JsonObject): MappedClaims {
  const roles = (readTextClaim(claims, 'role') ?? '').split(',').map((role) => role.trim());
  return {
    ...mapped,
    emailVerified: readBooleanClaim(claims, 'emailVerified') ?? mapped.emailVerified,
    isAnonymous: claims['isAnonymous'] === true,
    roles: [...new Set(roles.filter((role) => role !== ''))],
    // The record may have a field with the name of one of these claims, which users may be able to write.
    scopes: namesClient(claims) ? mapped.scopes : [],
    permissions: [],
  };
}

function anonymousRefused(): RefusalError {
  return RefusalError.token(
    'claim',
    'It is the token of an anonymous user. To accept such users, set betterAuth({ allowAnonymous: true })',
  );
}
