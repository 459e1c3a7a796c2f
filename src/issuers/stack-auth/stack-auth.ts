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
import { verifications, type Verification } from '../../token/trusted-issuer.js';
import { defineProvider, type IssuerForm } from '../define-provider.js';
import type { IdentityProvider } from '../identity-provider.js';
import { keyNames, readKeyOptions, keysFrom, type FetchedKeysOptions } from '../remote-keys.js';
import { readAddressRule } from '../read-terms.js';
import { checkSendableKey } from '../provider-answer.js';
import { issuersOf, type StackAuthProject } from './stack-auth-api.js';
import { stackAuthApiKeys } from './stack-auth-api-keys.js';
import { stackAuthTokenSources } from './stack-auth-token-sources.js';
import { hintForKind, findFaultOfKind, mapStackAuthClaims, type UserKind } from './stack-auth-claims.js';
import { stackAuthStatusSource } from './stack-auth-profiles.js';
import { stackAuthPermissions } from './stack-auth-permissions.js';
import { stackAuthProfiles } from './stack-auth-profiles.js';
import { stackAuthSessionApi } from './stack-auth-session-api.js';

/** A Stack Auth / Hexclave project. */
export interface StackAuthOptions extends FetchedKeysOptions {
  /** The project's id. @defaultValue the environment variable `STACK_PROJECT_ID` */
  readonly projectId?: string;
  /**
   * The key for REST calls with server access, which the profiles of users other than the caller require. Tokens are
   * verified without it. It is only sent to `baseUrl`.
   *
   * @defaultValue the environment variable `STACK_SECRET_SERVER_KEY`, unless it is empty
   */
  readonly secretServerKey?: string;
  /**
   * The key for REST calls with client access, when there is no secret key and the project requires one. Tokens are
   * verified without it.
   *
   * @defaultValue the environment variable `STACK_PUBLISHABLE_CLIENT_KEY`, unless it is empty
   */
  readonly publishableClientKey?: string;
  /** The origin of the API, for a server of your own. @defaultValue 'https://api.stack-auth.com' */
  readonly baseUrl?: string;
  /**
   * Accepts the API keys that Stack Auth issues to users and teams, wherever access tokens are read. It requires
   * `secretServerKey`. Stack Auth is asked about a key, and about its user; its answer is used for 30 seconds.
   *
   * @defaultValue false
   */
  readonly apiKeys?: boolean;
  /** Accepts users who have not signed up. They are always restricted, too. @defaultValue false */
  readonly allowAnonymous?: boolean;
  /** Accepts users who have not verified their e-mail yet, or whom an administrator has restricted. @defaultValue false */
  readonly allowRestricted?: boolean;
  /**
   * How tokens are verified. `'local'`: by their signature. `'online'`: by `GET /users/me` at every request, which refuses
   * the token of a user who was deleted or restricted. `'hybrid'`: by the signature first, then online. Stack Auth itself
   * accepts the token of a session that was signed out until the token expires.
   *
   * @defaultValue 'local'; with `@VerifyOnline()` single routes ask
   */
  readonly verify?: Verification;
  /**
   * A key set to start with, for the tokens of normal users only: the keys of anonymous and restricted users are another
   * set, which is always fetched.
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
  'apiKeys',
  'allowAnonymous',
  'allowRestricted',
  'verify',
  ...keyNames,
] as const;

/** What the audience of each kind of user ends with. Issuer and audience determine the kind together, never one alone. */
const audienceSuffixes: Readonly<Record<UserKind, string>> = {
  normal: '',
  restricted: ':restricted',
  anonymous: ':anon',
};

/**
 * Trusts a Stack Auth / Hexclave project, in the cloud (with the tokens of both its hosts) or on a server of your own.
 * Options that are left out are read from the environment when this function is called.
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
  // The keys of all kinds are below the project's address, because nothing is served below the other issuers' names.
  // Those of the other kinds are a set of their own, so that none of them can verify a normal user's token.
  const address = `${baseUrl}/api/v1/projects/${encodeURIComponent(projectId)}/.well-known/jwks.json`;
  const kept = readKeyOptions('stackAuth', options);
  const usual = keysFrom([address], kept);
  // Older servers answer 400 to include_restricted; include_anonymous adds the restricted users' keys as well.
  const all = keysFrom([`${address}?include_anonymous=true`], { staleKeysForSeconds: kept.staleKeysForSeconds });
  const introspection = stackAuthStatusSource(project);
  const kindsAndHosts = issuersOf(project);
  return defineProvider({
    name: 'stackAuth',
    issuers: kindsAndHosts
      .filter(({ kind }) => allowed[kind])
      .map(({ kind, issuer }) => ({
        terms: termsOf(kind, issuer, projectId),
        keys: kind === 'normal' ? usual : all,
        introspection,
      })),
    verification: readChoice('stackAuth', options, 'verify', verifications, 'local'),
    claimMap: { provider: 'stack-auth', map: mapStackAuthClaims },
    tokenSources: stackAuthTokenSources,
    profiles: stackAuthProfiles(project),
    permissions: stackAuthPermissions(project),
    ...readApiKeys(options, project),
    sessionApi: stackAuthSessionApi(project),
    issuerHints: new Map(
      kindsAndHosts.flatMap(({ kind, issuer }) =>
        kind === 'normal' || allowed[kind] ? [] : [[issuer, hintForKind(kind)] as const],
      ),
    ),
  });
}

/** @throws {ConfigurationError} for keys without the key of the app that is needed to ask about them. */
function readApiKeys(options: GivenOptions, project: StackAuthProject): Pick<IdentityProvider, 'apiKeys'> {
  if (!readSwitch('stackAuth', options, 'apiKeys', false)) return {};
  if (project.secretServerKey !== null) return { apiKeys: stackAuthApiKeys(project) };
  throw new ConfigurationError(
    'stackAuth({ secretServerKey })',
    'it is missing, and apiKeys: true requires it',
    'Write it, or set the environment variable STACK_SECRET_SERVER_KEY',
  );
}

function termsOf(kind: UserKind, issuer: string, projectId: string): IssuerForm['terms'] {
  return {
    issuer,
    audience: [`${projectId}${audienceSuffixes[kind]}`],
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

/** The key, or `null`. A key that no header can contain is refused here, because the platform's error would repeat it. */
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
      'it has a path that does not belong to it',
      `Write the origin only: ${new URL(baseUrl).origin}`,
    );
  }
  return baseUrl;
}
