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
  /** The `basePath` of Better Auth. Keys are fetched below it, at `/jwks`. @defaultValue '/api/auth' */
  readonly basePath?: string;
  /** The plugin's `jwt.issuer`. @defaultValue `baseUrl` */
  readonly issuer?: string;
  /** The plugin's `jwt.audience`. @defaultValue `baseUrl` */
  readonly audience?: TermOptions['audience'];
  /** The plugin's key pair: EdDSA, ES256, ES512, PS256 or RS256. @defaultValue `['EdDSA']` */
  readonly algorithms?: TermOptions['algorithms'];
  /** Lets in users of the plugin `anonymous` who have not signed up. @defaultValue false */
  readonly allowAnonymous?: boolean;
  /**
   * The OAuth clients whose tokens are accepted beside those of the app's own users, where Better Auth is an OAuth
   * server for others. @defaultValue none
   */
  readonly clientId?: string | readonly string[];
}

const where = 'betterAuth';
/** The claims in which a token that was made for an OAuth client names it. */
const clientClaims = ['azp', 'client_id'] as const;

/**
 * Trusts the JWTs that Better Auth's plugin `jwt` gives, at `/token` or in the header `set-auth-jwt`. They hold the
 * user's whole record unless the plugin was told otherwise, so that fields of your own are claims: but for the `role`
 * of the plugin `admin`, no field becomes a role, a scope or a permission by its name. Tokens that Better Auth made for
 * OAuth clients, which the same key signs, are refused but for those in `clientId`.
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

/** Access tokens for clients are of the type of RFC 9068; the users' own have none. */
function isForClient(claims: JsonObject, header: TokenHeader | null): boolean {
  return plainType(header?.typ ?? '') === 'at+jwt' || namesClient(claims);
}

function namesClient(claims: JsonObject): boolean {
  return clientClaims.some((name) => claims[name] !== undefined);
}

/** The plugin `admin` writes several roles into one text, with commas between. */
function readRecord(mapped: MappedClaims, claims: JsonObject): MappedClaims {
  const roles = (readTextClaim(claims, 'role') ?? '').split(',').map((role) => role.trim());
  return {
    ...mapped,
    emailVerified: readBooleanClaim(claims, 'emailVerified') ?? mapped.emailVerified,
    isAnonymous: claims['isAnonymous'] === true,
    roles: [...new Set(roles.filter((role) => role !== ''))],
    // A field of the record may be called so as well, and may be one that users write.
    scopes: namesClient(claims) ? mapped.scopes : [],
    permissions: [],
  };
}

function anonymousRefused(): RefusalError {
  return RefusalError.token(
    'claim',
    'It is the token of an anonymous user. To let these in, set betterAuth({ allowAnonymous: true })',
  );
}
