import { requireAddress } from '../configuration/read-address.js';
import { type GivenOptions, path, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';
import type { TokenHeader } from '../token/verified-token.js';
import { acceptAnyAudience } from '../token/trusted-issuer.js';
import { readListClaim, readObjectClaim, readTextClaim, type MappedClaims } from '../user/claim-map.js';
import type { Organization } from '../user/auth-user.js';
import { findPartyFault, readAuthorizedParties } from './authorized-parties.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, knownIssuers } from './known-issuers.js';
import { readAddressRule, readAudience, type TermOptions } from './read-terms.js';

/** A Clerk instance. One of `authorizedParties` and `audience` is needed: Clerk's tokens have no audience of their own. */
export interface ClerkOptions extends KnownIssuerOptions {
  /**
   * The Frontend API URL of the instance, which is the issuer: `'https://clerk.example.com'`, or
   * `'https://your-app-00.clerk.accounts.dev'` in development. It is under API keys in the dashboard.
   */
  readonly frontendApiUrl: string;
  /**
   * The origins of the web apps whose sessions are accepted, `'https://app.example.com'` (the claim `azp`). Tokens
   * without this claim, such as those of native apps, are then refused: use an `audience` for them.
   */
  readonly authorizedParties?: string | readonly string[];
  /**
   * The `aud` that a JWT template or a customized session token adds to tokens for this API. Tokens without this
   * audience are then refused, whatever their `azp` is.
   */
  readonly audience?: TermOptions['audience'];
  /** Accepts sessions with an unfinished task, such as choosing an organization. @defaultValue false */
  readonly allowPendingSessions?: boolean;
}

const where = 'clerk';
/** The header's `cat` of tokens from a template and of tokens for a machine, which the same key signs. */
const templateCategory = 'cl_B7d4PD222AAA';
const machineCategory = 'cl_B7d4PD333AAA';

/**
 * Trusts the session tokens of a Clerk instance. The active organization is in `user.organizations`, with the role by
 * the name that Clerk's own libraries use (`org:admin`). Machine and OAuth tokens, which the same key signs, are refused,
 * and so are those of JWT templates, which are for other services, unless `audience` states which ones are for this API.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function clerk(given: ClerkOptions): IdentityProvider {
  const options = readOptions(where, given, [
    ...['frontendApiUrl', 'authorizedParties', 'audience', 'allowPendingSessions'],
    ...knownIssuerNames,
  ]);
  const issuer = readIssuer(options);
  const parties = readAuthorizedParties(where, options);
  const audience = options['audience'] === undefined ? undefined : readAudience(where, options);
  if (parties === undefined && audience === undefined) {
    throw new ConfigurationError(
      path(where, 'authorizedParties'),
      'it is missing',
      "Write the origins of your web apps, or the 'audience' that your tokens have; otherwise a stolen token of another app would be accepted",
    );
  }
  const allowPending = readSwitch(where, options, 'allowPendingSessions', false);
  return knownIssuers(where, options, {
    issuers: [{ issuer, jwksUri: `${issuer}/.well-known/jwks.json` }],
    audience: audience ?? acceptAnyAudience,
    insteadOfAudience: parties === undefined ? undefined : 'authorizedParties',
    algorithms: ['RS256'],
    // An OAuth token of the same instance is of the type at+jwt.
    tokenType: 'jwt',
    findFault: (claims, header) =>
      findKindFault(claims, header, audience !== undefined) ??
      findSessionFault(claims, allowPending) ??
      (parties && findPartyFault(claims, ['azp'], parties)),
    addClaims,
  });
}

function readIssuer(options: GivenOptions): string {
  const fix = 'It is in the dashboard under API keys';
  const url = requireAddress(where, options, 'frontendApiUrl', readAddressRule(options), fix);
  const { origin } = new URL(url);
  if (url.replace(/\/$/, '') === origin) return origin;
  throw new ConfigurationError(path(where, 'frontendApiUrl'), 'it is not an origin', `Write ${origin}`);
}

function findKindFault(claims: JsonObject, header: TokenHeader | null, template: boolean): RefusalError | undefined {
  const cat = header?.['cat'];
  if (cat === machineCategory || readTextClaim(claims, 'sub')?.startsWith('mch_') === true) {
    return RefusalError.token('type', "It is the token of a machine, and not of a user's session");
  }
  if (cat !== templateCategory || template) return undefined;
  return RefusalError.token(
    'type',
    'It is the token of a JWT template, and not of a session. If the template is for this app, give it an ' +
      '"aud" and write that as clerk({ audience })',
  );
}

function findSessionFault(claims: JsonObject, allowPending: boolean): RefusalError | undefined {
  if (allowPending || claims['sts'] !== 'pending') return undefined;
  return RefusalError.token(
    'claim',
    'Its session is pending: the user has not finished a task. To accept such sessions, set clerk({ allowPendingSessions: true })',
  );
}

function addClaims(mapped: MappedClaims, claims: JsonObject): MappedClaims {
  const actor = readObjectClaim(claims, 'act');
  const organization = claims['v'] === 2 ? readOrganization(claims) : readOldOrganization(claims);
  return {
    ...mapped,
    // Its "azp" is the origin of a web app.
    clientId: readTextClaim(claims, 'client_id'),
    impersonatorId: actor && readTextClaim(actor, 'sub'),
    organizations: organization === null ? [] : [organization],
  };
}

function readOldOrganization(claims: JsonObject): Organization | null {
  const id = readTextClaim(claims, 'org_id');
  if (id === null) return null;
  const role = readTextClaim(claims, 'org_role');
  const permissions = readListClaim(claims, 'org_permissions');
  return { id, name: null, slug: readTextClaim(claims, 'org_slug'), roles: role === null ? [] : [role], permissions };
}

function readOrganization(claims: JsonObject): Organization | null {
  const active = readObjectClaim(claims, 'o');
  const id = active && readTextClaim(active, 'id');
  if (active === null || id === null) return null;
  const role = readTextClaim(active, 'rol');
  return {
    id,
    name: null,
    slug: readTextClaim(active, 'slg'),
    roles: role === null ? [] : [`org:${role}`],
    permissions: readPermissions(active, readTextClaim(claims, 'fea') ?? ''),
  };
}

/**
 * Permissions are encoded in three parts: a list of features, a list of actions, and for each feature of the organization
 * a number in which the lowest bit stands for the first action.
 */
function readPermissions(active: JsonObject, features: string): readonly string[] {
  const actions = wordsOf(readTextClaim(active, 'per'));
  const masks = wordsOf(readTextClaim(active, 'fpm'));
  return wordsOf(features)
    .map((feature) => /^(?<scope>o|ou|uo):(?<name>.+)$/.exec(feature)?.groups?.['name'])
    .filter((name) => name !== undefined)
    .flatMap((name, at) => {
      const mask = /^\d{1,40}$/.test(masks[at] ?? '') ? BigInt(masks[at] ?? 0) : 0n;
      return actions.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n).map((action) => `org:${name}:${action}`);
    });
}

function wordsOf(list: string | null): readonly string[] {
  return list === null || list === '' ? [] : list.split(',').map((word) => word.trim());
}
