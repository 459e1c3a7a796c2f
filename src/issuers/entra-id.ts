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
import type { ExplainRefusal } from '../token/trusted-issuer.js';
import { readListClaim, readTextClaim } from '../user/claim-map.js';
import { type AuthorizedPartyOptions, findPartyFault, readAuthorizedParties } from './authorized-parties.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, type KnownIssuers, knownIssuers } from './known-issuers.js';
import { readAddressRule, readAudience, type TermOptions } from './read-terms.js';

/** An API that is registered in Microsoft Entra ID (Azure AD). */
export interface EntraIdOptions extends KnownIssuerOptions, AuthorizedPartyOptions, Pick<TermOptions, 'audience'> {
  /**
   * The directory (tenant) id, a GUID, or a list of them. There is no value for all tenants, because anyone can open a
   * tenant.
   */
  readonly tenantId: string | readonly string[];
  /**
   * The application (client) id of the API, and when the registration asks for tokens of version 1, its application
   * id URI: `['2d4d11a2-…', 'api://2d4d11a2-…']`.
   */
  readonly audience: TermOptions['audience'];
  /**
   * The claim that becomes `user.id`: `'oid'` is the same for all apps of a tenant, and the user's id in Microsoft
   * Graph; `'sub'` is different for each app.
   *
   * @defaultValue 'oid'
   */
  readonly userId?: 'oid' | 'sub';
  /** Accepts applications that call for themselves, with a role that an administrator has granted. @defaultValue true */
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

/** The issuers of tokens of version 1, by the authority at which users sign in. */
const oldIssuers: ReadonlyMap<string, string> = new Map([
  [cloud, 'https://sts.windows.net'],
  ['https://login.microsoftonline.us', 'https://sts.windows.net'],
  ['https://login.partner.microsoftonline.cn', 'https://sts.chinacloudapi.cn'],
]);

/**
 * Trusts access tokens of Entra ID tenants, of version 1 and 2. ID tokens are refused, and so are tokens with neither a
 * scope nor a role, which any application of the tenant can get. `roles` are in `user.roles`, `scp` in `user.scopes`. An
 * `email` claim may contain anything that the user's administrator wrote; do not find accounts by it.
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
    explain,
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
  const fix = 'Write the directory (tenant) id, a GUID, or a list of the ids of several tenants';
  const tenants = requireTexts(where, options, 'tenantId', fix).map((tenant) => tenant.toLowerCase());
  for (const tenant of tenants) {
    if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(tenant)) continue;
    const everybody = ['common', 'organizations', 'consumers'].includes(tenant);
    const problem = everybody ? 'it stands for every account, and not for a tenant' : 'it is not the id of a tenant';
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

/** The API's registration determines the version of its tokens, so both versions are trusted. */
function issuersOf(authority: string, tenant: string): KnownIssuers['issuers'] {
  const jwksUri = `${authority}/${tenant}/discovery/v2.0/keys`;
  const old = oldIssuers.get(authority);
  return [
    { issuer: `${authority}/${tenant}/v2.0`, jwksUri },
    ...(old === undefined ? [] : [{ issuer: `${old}/${tenant}/`, jwksUri }]),
  ];
}

/** Entra ID signs the tokens of its own APIs over another header than the one in the token, so nobody else can verify them. */
const explain: ExplainRefusal = (reason, _claims, header) => {
  if (reason !== 'signature' || (header as JsonObject | null)?.['nonce'] === undefined) return undefined;
  return (
    'It is a token for an API of Microsoft, such as Microsoft Graph (its header has a "nonce"), and only that API can verify it. ' +
    'Let the client ask for a scope of this API, such as api://<client id of the API>/.default'
  );
};

function findTenantFault(claims: JsonObject): RefusalError | undefined {
  const tenant = claims['tid'];
  const named = (readTextClaim(claims, 'iss') ?? '').split('/');
  if (tenant === undefined || named.some((part) => part === tenant)) return undefined;
  return RefusalError.token('claim', `Its "tid" is ${logText(tenant)}, which is another tenant than its issuer's`);
}

/** Only access tokens name the application that requested them: "appid" in version 1, "azp" in version 2. */
function findTypeFault(claims: JsonObject): RefusalError | undefined {
  if (claims['azp'] !== undefined || claims['appid'] !== undefined) return undefined;
  return RefusalError.token('type', 'It names no client ("azp" or "appid"). It may be an ID token');
}

function findRightsFault(claims: JsonObject): RefusalError | undefined {
  if (readTextClaim(claims, 'scp') !== null || readListClaim(claims, 'roles').length > 0) return undefined;
  return RefusalError.token(
    'claim',
    'It has neither scopes ("scp") nor roles. The client has to ask for a scope of this API, or an administrator to ' +
      'give it a role',
  );
}

/** A user grants scopes to a client, so an application's own token has none. */
function findApplicationFault(claims: JsonObject): RefusalError | undefined {
  if (claims['idtyp'] !== 'app' && readTextClaim(claims, 'scp') !== null) return undefined;
  return RefusalError.token(
    'claim',
    'It is the token of an application and not of a user. To accept such tokens, set entraId({ allowApplications: true })',
  );
}
