import type { allowInsecureHttpOffLoopback } from '../configuration/address-rule.js';
import { readAddress } from '../configuration/read-address.js';
import { type GivenOptions, readOptions, readSwitch, readText } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import type { Jwk } from '../keys/import-jwk.js';
import type { JsonObject } from '../token/json-object.js';
import type { IssuerTerms } from '../token/trusted-issuer.js';
import { type IdentityProvider, identityProvider, type ProvidedIssuer } from './identity-provider.js';
import { type FetchedKeysOptions, keyNames, readKeyOptions } from './read-key-options.js';
import { readAddressRule, usualTerms } from './read-terms.js';
import { keysAt } from './remote-keys.js';
import { stackAuthCarriers } from './stack-auth-carriers.js';
import { findFaultOfKind, mapStackAuthClaims, type UserKind } from './stack-auth-claims.js';
import { issuerHosts } from './stack-auth-hosts.js';

/** A Stack Auth / Hexclave project. */
export interface StackAuthOptions extends FetchedKeysOptions {
  /** The project's id. @defaultValue the environment variable `STACK_PROJECT_ID` */
  readonly projectId?: string;
  /** The key for REST calls with server access. Verifying tokens needs none. @defaultValue `STACK_SECRET_SERVER_KEY` */
  readonly secretServerKey?: string;
  /** The key for REST calls with client access. Verifying tokens needs none. @defaultValue `STACK_PUBLISHABLE_CLIENT_KEY` */
  readonly publishableClientKey?: string;
  /** The origin of the API, for a server of your own. @defaultValue 'https://api.stack-auth.com' */
  readonly baseUrl?: string;
  /** Lets in users who have not signed up. They are always restricted too. @defaultValue false */
  readonly allowAnonymous?: boolean;
  /** Lets in users who have yet to verify their e-mail, or whom an administrator has restricted. @defaultValue false */
  readonly allowRestricted?: boolean;
  /**
   * As for any issuer, for normal users' tokens only: the keys of anonymous and restricted users are another set,
   * which is always fetched.
   */
  readonly initialKeys?: { readonly keys: readonly Jwk[] };
  /** Allows a `baseUrl` of plain http off this machine, for closed test networks. */
  readonly [allowInsecureHttpOffLoopback]?: true;
}

const cloud = 'https://api.stack-auth.com';
const names = [
  'projectId',
  'secretServerKey',
  'publishableClientKey',
  'baseUrl',
  'allowAnonymous',
  'allowRestricted',
  ...keyNames,
] as const;

const profileAdvice = {
  option: 'stackAuth({ secretServerKey })',
  mend: 'Set it, or the environment variable STACK_SECRET_SERVER_KEY',
};

/** How each kind of user is told: by the issuer and the audience together, never by one of them. */
const kinds: Readonly<Record<UserKind, { readonly path: string; readonly suffix: string }>> = {
  normal: { path: 'projects', suffix: '' },
  restricted: { path: 'projects-restricted-users', suffix: ':restricted' },
  anonymous: { path: 'projects-anonymous-users', suffix: ':anon' },
};

/**
 * Trusts a Stack Auth / Hexclave project, in the cloud (tokens of both its hosts) or on a server of your own.
 * What is left out is read from the environment, once, when this is called.
 *
 * @throws {ConfigurationError} when there is no project id, or an option is wrong or unknown.
 */
export function stackAuth(given: StackAuthOptions = {}): IdentityProvider {
  const options = readOptions('stackAuth', given, names);
  const projectId = readProjectId(options);
  checkKeys(options);
  const baseUrl = readBaseUrl(options);
  const allowed: Readonly<Record<UserKind, boolean>> = {
    normal: true,
    restricted: readSwitch('stackAuth', options, 'allowRestricted', false),
    anonymous: readSwitch('stackAuth', options, 'allowAnonymous', false),
  };
  // The address is the project's for all kinds: under the other issuers' names nothing is served. The keys of
  // the other kinds are a set of their own, so that none of them can ever verify a normal user's token.
  const address = `${baseUrl}/api/v1/projects/${encodeURIComponent(projectId)}/.well-known/jwks.json`;
  const kept = readKeyOptions('stackAuth', options);
  const usual = keysAt([address], kept);
  // Older servers answer 400 to include_restricted; this one brings the restricted users' keys as well.
  const all = keysAt([`${address}?include_anonymous=true`], { staleKeysForSeconds: kept.staleKeysForSeconds });
  const kindsAndHosts = (Object.keys(kinds) as UserKind[]).flatMap((kind) =>
    issuerHosts(baseUrl).map((host) => ({ kind, issuer: `${host}/api/v1/${kinds[kind].path}/${projectId}` })),
  );
  return identityProvider({
    issuers: kindsAndHosts
      .filter(({ kind }) => allowed[kind])
      .map(({ kind, issuer }): ProvidedIssuer => {
        return { terms: termsOf(kind, issuer, projectId), openKeys: kind === 'normal' ? usual : all };
      }),
    claimMap: { provider: 'stack-auth', map: mapStackAuthClaims },
    tokenSources: stackAuthCarriers,
    openProfiles: null,
    profileAdvice: { get: profileAdvice, find: profileAdvice },
    advice: new Map(
      kindsAndHosts.filter(({ kind }) => !allowed[kind]).map(({ kind, issuer }) => [issuer, adviceFor(kind)]),
    ),
  });
}

function termsOf(kind: UserKind, issuer: string, projectId: string): IssuerTerms {
  return {
    ...usualTerms,
    issuer,
    audience: [`${projectId}${kinds[kind].suffix}`],
    algorithms: new Set(['ES256'] as const),
    findClaimFault: (claims: JsonObject) => findFaultOfKind(kind, projectId, claims),
  };
}

function adviceFor(kind: UserKind): string {
  const option = kind === 'anonymous' ? 'allowAnonymous' : 'allowRestricted';
  return `It is the token of an ${kind === 'anonymous' ? 'anonymous' : 'as yet restricted'} user. To let these in, set stackAuth({ ${option}: true })`;
}

function readProjectId(options: GivenOptions): string {
  const projectId = readText('stackAuth', options, 'projectId') ?? process.env['STACK_PROJECT_ID']?.trim();
  if (projectId === undefined || projectId === '') {
    throw new ConfigurationError(
      'stackAuth({ projectId })',
      'it is missing',
      "Write the project's id, or set the environment variable STACK_PROJECT_ID",
    );
  }
  return projectId;
}

function checkKeys(options: GivenOptions): void {
  readText('stackAuth', options, 'secretServerKey');
  readText('stackAuth', options, 'publishableClientKey');
}

function readBaseUrl(options: GivenOptions): string {
  const given = readAddress('stackAuth', options, 'baseUrl', readAddressRule(options)) ?? cloud;
  const baseUrl = given.replace(/\/+$/, '');
  if (/\/api(\/|$)/.test(new URL(baseUrl).pathname) || baseUrl.includes('?')) {
    throw new ConfigurationError(
      'stackAuth({ baseUrl })',
      'it goes too deep',
      `Write the origin only: ${new URL(baseUrl).origin}`,
    );
  }
  return baseUrl;
}
