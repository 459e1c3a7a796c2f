import { readAddress, type allowInsecureHttpOffLoopback } from '../../configuration/read-address.js';
import {
  type GivenOptions,
  path,
  readOptions,
  readChoice,
  readSwitch,
  readText,
} from '../../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../../errors/auth-error.js';
import type { Jwk } from '../../keys/import-jwk.js';
import { verifications, type Verification, type IssuerTerms } from '../../token/trusted-issuer.js';
import { type IdentityProvider, identityProvider, type ProvidedIssuer } from '../identity-provider.js';
import { keyNames, readKeyOptions, keysAt, type FetchedKeysOptions } from '../remote-keys.js';
import { readAddressRule, usualTerms } from '../read-terms.js';
import { checkSendableKey } from '../provider-answer.js';
import { issuerHosts, type StackAuthProject } from './stack-auth-api.js';
import { stackAuthTokenSources } from './stack-auth-token-sources.js';
import { hintForKind, findFaultOfKind, mapStackAuthClaims, type UserKind } from './stack-auth-claims.js';
import { stackAuthStatusSource } from './stack-auth-profiles.js';
import { stackAuthPermissions } from './stack-auth-permissions.js';
import { stackAuthProfiles } from './stack-auth-profiles.js';

/** A Stack Auth / Hexclave project. */
export interface StackAuthOptions extends FetchedKeysOptions {
  /** The project's id. @defaultValue the environment variable `STACK_PROJECT_ID` */
  readonly projectId?: string;
  /**
   * The key for REST calls with server access, which profiles of other users than the caller take. Verifying
   * tokens needs none. It is sent to `baseUrl` and nowhere else.
   *
   * @defaultValue the environment variable `STACK_SECRET_SERVER_KEY`; empty counts as left out
   */
  readonly secretServerKey?: string;
  /**
   * The key for REST calls with client access, where there is no secret one and the project asks for it.
   * Verifying tokens needs none.
   *
   * @defaultValue the environment variable `STACK_PUBLISHABLE_CLIENT_KEY`; empty counts as left out
   */
  readonly publishableClientKey?: string;
  /** The origin of the API, for a server of your own. @defaultValue 'https://api.stack-auth.com' */
  readonly baseUrl?: string;
  /** Lets in users who have not signed up. They are always restricted too. @defaultValue false */
  readonly allowAnonymous?: boolean;
  /** Lets in users who have yet to verify their e-mail, or whom an administrator has restricted. @defaultValue false */
  readonly allowRestricted?: boolean;
  /**
   * How tokens are judged. `'local'`: by their signature. `'online'`: by `GET /users/me` at every request, which refuses
   * the token of a user who was deleted or restricted. `'hybrid'`: by the signature first, then so. A token whose
   * session was signed out stays good at Stack Auth itself until it ends.
   *
   * @defaultValue 'local'; `@VerifyOnline()` has single routes ask
   */
  readonly verify?: Verification;
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
  'verify',
  ...keyNames,
] as const;

const profileHint = {
  option: 'stackAuth({ secretServerKey })',
  fix: 'Set it, or the environment variable STACK_SECRET_SERVER_KEY',
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
  const project = readProject(options);
  const { projectId, baseUrl } = project;
  const allowed: Readonly<Record<UserKind, boolean>> = {
    normal: true,
    restricted: project.allowRestricted,
    anonymous: project.allowAnonymous,
  };
  // The address is the project's for all kinds: under the other issuers' names nothing is served. The keys of
  // the other kinds are a set of their own, so that none of them can ever verify a normal user's token.
  const address = `${baseUrl}/api/v1/projects/${encodeURIComponent(projectId)}/.well-known/jwks.json`;
  const kept = readKeyOptions('stackAuth', options);
  const usual = keysAt([address], kept);
  // Older servers answer 400 to include_restricted; this one brings the restricted users' keys as well.
  const all = keysAt([`${address}?include_anonymous=true`], { staleKeysForSeconds: kept.staleKeysForSeconds });
  const createStatusSource = stackAuthStatusSource(project);
  const kindsAndHosts = (Object.keys(kinds) as UserKind[]).flatMap((kind) =>
    issuerHosts(baseUrl).map((host) => ({ kind, issuer: `${host}/api/v1/${kinds[kind].path}/${projectId}` })),
  );
  return identityProvider({
    issuers: kindsAndHosts
      .filter(({ kind }) => allowed[kind])
      .map(({ kind, issuer }): ProvidedIssuer => {
        return {
          terms: termsOf(kind, issuer, projectId),
          openKeys: kind === 'normal' ? usual : all,
          createStatusSource,
        };
      }),
    verification: readChoice('stackAuth', options, 'verify', verifications, 'local'),
    statusSourceHint: { option: 'stackAuth', fix: 'It can always be asked' },
    claimMap: { provider: 'stack-auth', map: mapStackAuthClaims },
    tokenSources: stackAuthTokenSources,
    openProfiles: stackAuthProfiles(project),
    profileHint: { get: profileHint, find: profileHint },
    openPermissions: stackAuthPermissions(project),
    hint: new Map(
      kindsAndHosts.flatMap(({ kind, issuer }) =>
        kind === 'normal' || allowed[kind] ? [] : [[issuer, hintForKind(kind)] as const],
      ),
    ),
  });
}

function termsOf(kind: UserKind, issuer: string, projectId: string): IssuerTerms {
  return {
    ...usualTerms,
    issuer,
    audience: [`${projectId}${kinds[kind].suffix}`],
    algorithms: new Set(['ES256'] as const),
    findFault: (claims) => {
      const fault = findFaultOfKind(kind, projectId, claims);
      return fault === undefined ? undefined : RefusalError.token('claim', fault);
    },
  };
}

function readProject(options: GivenOptions): StackAuthProject {
  return {
    projectId: readProjectId(options),
    secretServerKey: readKey(options, 'secretServerKey', 'STACK_SECRET_SERVER_KEY'),
    publishableClientKey: readKey(options, 'publishableClientKey', 'STACK_PUBLISHABLE_CLIENT_KEY'),
    baseUrl: readBaseUrl(options),
    allowAnonymous: readSwitch('stackAuth', options, 'allowAnonymous', false),
    allowRestricted: readSwitch('stackAuth', options, 'allowRestricted', false),
  };
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

/** `null` without one. What could not be sent is refused here: the platform's error about it would repeat the key. */
function readKey(options: GivenOptions, option: string, variable: string): string | null {
  const key = readText('stackAuth', options, option) ?? process.env[variable]?.trim() ?? '';
  if (key === '') return null;
  return checkSendableKey(path('stackAuth', option), key);
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
