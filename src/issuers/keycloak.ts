import { requireAddress } from '../configuration/read-address.js';
import {
  type GivenOptions,
  path,
  readOptions,
  readSwitch,
  requireText,
  requireTexts,
} from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { publicKeyAlgorithms } from '../keys/algorithm.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import type { AudienceRule, ExplainRefusal } from '../token/trusted-issuer.js';
import type { Organization } from '../user/auth-user.js';
import { readListClaim, readObjectClaim, readTextClaim } from '../user/claim-map.js';
import { type AuthorizedPartyOptions, findPartyFault, readAuthorizedParties } from './authorized-parties.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, knownIssuers } from './known-issuers.js';
import { addRoles } from './read-roles-claim.js';
import { readAddressRule, readAudience, type TermOptions } from './read-terms.js';

/** A realm of a Keycloak server. */
export interface KeycloakOptions
  extends KnownIssuerOptions,
    AuthorizedPartyOptions,
    Pick<TermOptions, 'audience' | 'algorithms' | 'tokenType'> {
  /**
   * The address of the server for users and clients, `'https://id.example.com'`, which is a part of the tokens' `iss`.
   * With the path that old servers have: `'https://id.example.com/auth'`.
   */
  readonly serverUrl: string;
  /** The realm's name. */
  readonly realm: string;
  /**
   * The address of the server for this app, when it is another one: `'https://keycloak.internal:8443'`. Keys are fetched
   * there, while tokens still have to name `serverUrl`. @defaultValue `serverUrl`
   */
  readonly internalUrl?: string;
  /**
   * The client id of this API, which an Audience mapper adds to tokens. Not `'account'`, which is in the tokens of every
   * client.
   */
  readonly audience: TermOptions['audience'];
  /**
   * The clients whose roles (`resource_access`) are in `user.roles`. @defaultValue the clients that `audience` names
   */
  readonly clientRoles?: string | readonly string[];
  /** Whether the roles of the realm (`realm_access`) are in `user.roles`, too. @defaultValue true */
  readonly realmRoles?: boolean;
  /** The algorithms with which the realm signs. @defaultValue `['RS256']`, Keycloak's own default */
  readonly algorithms?: readonly string[];
}

const where = 'keycloak';

/**
 * Trusts a realm of a Keycloak server. Only access tokens are accepted: ID, refresh and logout tokens of the realm are
 * refused. Roles of other clients are ignored. A client's role and a realm's role of the same name cannot be
 * distinguished; turn one of the two off if that matters.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function keycloak(given: KeycloakOptions): IdentityProvider {
  const options = readOptions(where, given, [
    ...['serverUrl', 'realm', 'internalUrl', 'audience', 'clientRoles', 'realmRoles'],
    ...['authorizedParties', 'algorithms', 'tokenType', ...knownIssuerNames],
  ]);
  const realm = encodeURIComponent(requireText(where, options, 'realm', 'It is in the address of the admin console'));
  const serverUrl = readServer(options, 'serverUrl');
  const internalUrl = options['internalUrl'] === undefined ? serverUrl : readServer(options, 'internalUrl');
  const audience = readApi(options);
  const parties = readAuthorizedParties(where, options);
  const roles = readRoleSources(options, audience);
  const issuer = `${serverUrl}/realms/${realm}`;
  const inner = `${internalUrl}/realms/${realm}`;
  return knownIssuers(where, options, {
    issuers: [
      {
        issuer,
        jwksUri: `${inner}/protocol/openid-connect/certs`,
        discoveryUrl: `${inner}/.well-known/openid-configuration`,
      },
    ],
    audience,
    algorithms: publicKeyAlgorithms,
    usualAlgorithms: ['RS256'],
    explain,
    findFault: (claims) => findTypeFault(claims) ?? (parties && findPartyFault(claims, ['azp'], parties)),
    addClaims: (mapped, claims) => ({
      ...addRoles(mapped, readRoles(claims, roles)),
      organizations: readOrganizations(claims),
    }),
    ...(internalUrl !== serverUrl && { issuerHints: hintFor(inner, issuer) }),
  });
}

function readServer(options: GivenOptions, option: string): string {
  const fix = 'Write the address of the server';
  const url = requireAddress(where, options, option, readAddressRule(options), fix).replace(/\/+$/, '');
  const realms = url.indexOf('/realms');
  if (realms === -1 && !url.includes('?')) return url;
  throw new ConfigurationError(
    path(where, option),
    'it has a path that does not belong to it',
    `Write it without the realm: ${realms === -1 ? new URL(url).origin : url.slice(0, realms)}`,
  );
}

/** Keycloak adds its own account console to the tokens of nearly every client, so it would not restrict anything. */
function readApi(options: GivenOptions): AudienceRule {
  const audience = readAudience(where, options);
  if (typeof audience !== 'symbol' && audience.includes('account')) {
    throw new ConfigurationError(
      path(where, 'audience'),
      "the tokens of every client have 'account'",
      'Make a client for this API, add an Audience mapper for it to the clients that call, and write its id',
    );
  }
  return audience;
}

const explain: ExplainRefusal = (reason, claims) => {
  if (reason === 'audience') {
    return 'Keycloak names an API in a token only if an Audience mapper adds it: make one in a client scope of the client that calls';
  }
  if (reason !== 'claim' || claims['sub'] !== undefined) return undefined;
  return 'Since Keycloak 25 the client scope "basic" adds "sub": make it a default client scope of the client that calls';
};

/** Keycloak states the kind of a token in a claim: Bearer, ID, Refresh, Offline, Logout, DPoP. */
function findTypeFault(claims: JsonObject): RefusalError | undefined {
  const type = readTextClaim(claims, 'typ');
  if (type?.toLowerCase() === 'bearer') return undefined;
  return RefusalError.token(
    'type',
    `Expected an access token, whose "typ" claim is "Bearer"; the token says ${logText(claims['typ'])}. ` +
      'It may be an ID or a refresh token',
  );
}

interface RoleSources {
  readonly realm: boolean;
  readonly clients: readonly string[];
}

function readRoleSources(options: GivenOptions, audience: AudienceRule): RoleSources {
  const realm = readSwitch(where, options, 'realmRoles', true);
  if (options['clientRoles'] === undefined) return { realm, clients: typeof audience === 'symbol' ? [] : audience };
  return {
    realm,
    clients: requireTexts(where, options, 'clientRoles', 'Write the id of the client, or a list of ids'),
  };
}

function readRoles(claims: JsonObject, { realm, clients }: RoleSources): readonly string[] {
  const access = readObjectClaim(claims, 'resource_access') ?? {};
  const holders = [
    realm ? readObjectClaim(claims, 'realm_access') : null,
    ...clients.map((id) => readObjectClaim(access, id)),
  ];
  return holders.flatMap((holder) => (holder === null ? [] : readListClaim(holder, 'roles')));
}

/**
 * The claim is a list of aliases, an object that has aliases as its members' names, or one alias. Without ids, the alias is
 * used as the id. An organization whose id was overwritten by an attribute of that name is left out.
 */
function readOrganizations(claims: JsonObject): readonly Organization[] {
  const single = readTextClaim(claims, 'organization');
  if (single !== null) return [toOrganization(single, single)];
  const details = readObjectClaim(claims, 'organization');
  if (details === null) return readListClaim(claims, 'organization').map((alias) => toOrganization(alias, alias));
  return Object.keys(details).flatMap((alias) => {
    const added = readObjectClaim(details, alias) ?? {};
    const id = Object.hasOwn(added, 'id') ? readTextClaim(added, 'id') : alias;
    return id === null ? [] : [toOrganization(id, alias)];
  });
}

function toOrganization(id: string, alias: string): Organization {
  return { id, name: null, slug: alias, roles: [], permissions: [] };
}

function hintFor(inner: string, issuer: string): ReadonlyMap<string, string> {
  return new Map([
    [
      inner,
      `It was issued through the internal address, and only ${logText(issuer)} is trusted. Set Keycloak's hostname to the ` +
        'external address, with the backchannel dynamic, so that tokens name it wherever they are requested',
    ],
  ]);
}
