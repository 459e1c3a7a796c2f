import { readAddress } from '../configuration/read-address.js';
import {
  type GivenOptions,
  path,
  readChoice,
  readOptions,
  readSwitch,
  requireTexts,
} from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import { readListClaim, readTextClaim } from '../user/claim-map.js';
import { type AuthorizedPartyOptions, findPartyFault, readAuthorizedParties } from './authorized-parties.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, type KnownIssuers, knownIssuers } from './known-issuers.js';
import { readAddressRule, readAudience, type TermOptions } from './read-terms.js';

/** An API that is registered in Microsoft Entra ID (Azure AD). */
export interface EntraIdOptions extends KnownIssuerOptions, AuthorizedPartyOptions, Pick<TermOptions, 'audience'> {
  /**
   * The directory (tenant) id, a GUID. For users of several tenants a list of theirs: there is no word for all of
   * them, as then whoever opens a tenant would be let in.
   */
  readonly tenantId: string | readonly string[];
  /**
   * The application (client) id of the API, and where the registration asks for tokens of version 1, its application
   * id URI: `['2d4d11a2-…', 'api://2d4d11a2-…']`.
   */
  readonly audience: TermOptions['audience'];
  /**
   * The claim that becomes `user.id`: `'oid'` is the same for all apps of a tenant and what Microsoft Graph knows the
   * user by; `'sub'` is another one for each app.
   *
   * @defaultValue 'oid'
   */
  readonly userId?: 'oid' | 'sub';
  /** Lets in applications that call in their own name, with a role that an administrator gave them. @defaultValue true */
  readonly allowApplications?: boolean;
  /**
   * Where users sign in, for a national cloud or an external tenant: `'https://login.microsoftonline.us'`,
   * `'https://<tenant id>.ciamlogin.com'`.
   *
   * @defaultValue 'https://login.microsoftonline.com'
   */
  readonly authority?: string;
}

const where = 'entraId';
const cloud = 'https://login.microsoftonline.com';

/** Who signs tokens of version 1, by where users sign in. */
const oldIssuers: ReadonlyMap<string, string> = new Map([
  [cloud, 'https://sts.windows.net'],
  ['https://login.microsoftonline.us', 'https://sts.windows.net'],
  ['https://login.partner.microsoftonline.cn', 'https://sts.chinacloudapi.cn'],
]);

/**
 * Trusts access tokens of Entra ID tenants, of version 1 and 2. Refused are ID tokens, and tokens with neither a scope
 * nor a role: any application of the tenant can get such a one. `roles` are in `user.roles`, `scp` in `user.scopes`.
 * An `email` claim may be whatever the user's administrator wrote; do not find accounts by it.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function entraId(given: EntraIdOptions): IdentityProvider {
  const options = readOptions(where, given, [
    ...['tenantId', 'audience', 'authorizedParties', 'userId', 'allowApplications', 'authority'],
    ...knownIssuerNames,
  ]);
  const tenants = readTenants(options);
  const authority = readAuthority(options);
  const parties = readAuthorizedParties(where, options);
  const allowApplications = readSwitch(where, options, 'allowApplications', true);
  const subjectClaim = readChoice(where, options, 'userId', ['oid', 'sub'], 'oid');
  return knownIssuers(where, options, {
    issuers: tenants.flatMap((tenant) => issuersOf(authority, tenant)),
    audience: readAudience(where, options),
    algorithms: ['RS256'],
    subjectClaim,
    findFault: (claims) =>
      findTenantFault(claims) ??
      findTypeFault(claims) ??
      findRightsFault(claims) ??
      (allowApplications ? undefined : findApplicationFault(claims)) ??
      (parties && findPartyFault(claims, ['azp', 'appid'], parties)),
    addClaims: (mapped, claims) => ({
      ...mapped,
      id: readTextClaim(claims, subjectClaim) ?? '',
      // The name of "azp" in tokens of version 1.
      clientId: mapped.clientId ?? readTextClaim(claims, 'appid'),
    }),
  });
}

function readTenants(options: GivenOptions): readonly string[] {
  const fix = 'Write the directory (tenant) id, a GUID, or a list of those whose users may come in';
  const tenants = requireTexts(where, options, 'tenantId', fix).map((tenant) => tenant.toLowerCase());
  for (const tenant of tenants) {
    if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(tenant)) continue;
    const everybody = ['common', 'organizations', 'consumers'].includes(tenant);
    const problem = everybody ? 'that is no tenant, but whoever has an account' : 'it is not the id of a tenant';
    throw new ConfigurationError(path(where, 'tenantId'), problem, fix);
  }
  return tenants;
}

function readAuthority(options: GivenOptions): string {
  const url = readAddress(where, options, 'authority', readAddressRule(options)) ?? cloud;
  const { origin } = new URL(url);
  if (url.replace(/\/$/, '') === origin) return origin;
  throw new ConfigurationError(path(where, 'authority'), 'it is not an origin', `Write ${origin}`);
}

/** The API's registration chooses the version, and not who asks for the token: so both are trusted. */
function issuersOf(authority: string, tenant: string): KnownIssuers['issuers'] {
  const jwksUri = `${authority}/${tenant}/discovery/v2.0/keys`;
  const old = oldIssuers.get(authority);
  return [
    { issuer: `${authority}/${tenant}/v2.0`, jwksUri },
    ...(old === undefined ? [] : [{ issuer: `${old}/${tenant}/`, jwksUri }]),
  ];
}

function findTenantFault(claims: JsonObject): RefusalError | undefined {
  const tenant = claims['tid'];
  const named = (readTextClaim(claims, 'iss') ?? '').split('/');
  if (tenant === undefined || named.some((part) => part === tenant)) return undefined;
  return RefusalError.token('claim', `Its "tid" is ${logText(tenant)}, which is another tenant than its issuer's`);
}

/** Only an access token names the application that asked for it: in version 1 as "appid", in version 2 as "azp". */
function findTypeFault(claims: JsonObject): RefusalError | undefined {
  if (claims['azp'] !== undefined || claims['appid'] !== undefined) return undefined;
  return RefusalError.token(
    'type',
    'It names no client ("azp" or "appid"). An ID token sent in place of an access token?',
  );
}

function findRightsFault(claims: JsonObject): RefusalError | undefined {
  if (readTextClaim(claims, 'scp') !== null || readListClaim(claims, 'roles').length > 0) return undefined;
  return RefusalError.token(
    'claim',
    'It has neither scopes ("scp") nor roles. The client has to ask for a scope of this API, or an administrator to ' +
      'give it a role',
  );
}

/** Scopes are what a user lets a client do, so that an application's own token has none. */
function findApplicationFault(claims: JsonObject): RefusalError | undefined {
  if (claims['idtyp'] !== 'app' && readTextClaim(claims, 'scp') !== null) return undefined;
  return RefusalError.token(
    'claim',
    'It is the token of an application and not of a user. To let these in, set entraId({ allowApplications: true })',
  );
}
