import { isLoopback } from '../../configuration/read-address.js';
import { readSwitch } from '../../configuration/read-options.js';
import type { JsonObject } from '../../token/json-object.js';
import { readTextClaim } from '../../user/claim-map.js';
import { type LoginProvider, loginProvider, type Person, type ProviderAnswers } from '../login-provider.js';
import { readSubject } from './oauth-provider.js';
import { addScopes, type LoginClientOptions, readLoginClient, readOrigin } from './read-login-options.js';

/** An OAuth app that is registered at GitHub. */
export interface GitHubOptions extends LoginClientOptions {
  /**
   * The address of a GitHub Enterprise Server, without a path. Its API is expected under `/api/v3`.
   *
   * @defaultValue 'https://github.com', with the API at https://api.github.com
   */
  readonly baseUrl?: string;
  /**
   * Whether the addresses that a GitHub Enterprise Server says are verified are believed. Its administrators can write any address into an
   * account. Those of github.com are believed in any case, and those of a stand-in on this machine.
   *
   * @defaultValue false
   */
  readonly trustEmail?: boolean;
}

const preset = 'github';
const usualBaseUrl = 'https://github.com';

/**
 * Signs people in with their GitHub account. The account is found by the number of the user, because a login name can be given to somebody
 * else. The address is the primary one, and only where GitHub has verified it; GitHub vouches for it.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function github(given: GitHubOptions): LoginProvider {
  const { options, client } = readLoginClient(preset, given, ['baseUrl', 'trustEmail']);
  const baseUrl = readOrigin(preset, options, 'baseUrl', usualBaseUrl);
  const api = baseUrl === usualBaseUrl ? 'https://api.github.com' : `${baseUrl}/api/v3`;
  const vouchesForEmail = readSwitch(preset, options, 'trustEmail', false) || isBelieved(baseUrl);
  return loginProvider({
    ...client,
    clientAuthentication: 'client_secret_post',
    metadata: {
      members: {
        // It comes with answers since April 2026, and not from every version of the server, so it is not demanded.
        issuer: `${baseUrl}/login/oauth`,
        authorization_endpoint: `${baseUrl}/login/oauth/authorize`,
        token_endpoint: `${baseUrl}/login/oauth/access_token`,
        userinfo_endpoint: `${api}/user`,
      },
    },
    scopes: addScopes(preset, options, ['read:user', 'user:email']),
    responseMode: 'query',
    pkce: true,
    idToken: null,
    userinfo: {
      headers: {
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        // The API refuses calls without one.
        'user-agent': 'nest-gatehouse',
      },
      addition: { member: 'emails', url: `${api}/user/emails?per_page=100` },
    },
    readPerson: (answers) => readPerson(answers, vouchesForEmail),
  });
}

function isBelieved(baseUrl: string): boolean {
  return baseUrl === usualBaseUrl || isLoopback(new URL(baseUrl).hostname);
}

function readPerson({ userinfo }: ProviderAnswers, vouchesForEmail: boolean): Person {
  const { id, emails } = userinfo;
  const email = readPrimaryEmail(emails);
  return {
    subject: typeof id === 'number' && id > 0 ? readSubject(id) : null,
    email,
    emailVerified: email !== null,
    vouchesForEmail,
    name: readTextClaim(userinfo, 'name'),
    pictureUrl: readTextClaim(userinfo, 'avatar_url'),
  };
}

/** The `email` of the user is what the person shows to others, and need not be verified. */
function readPrimaryEmail(emails: unknown): string | null {
  const entries: readonly unknown[] = Array.isArray(emails) ? emails : [];
  const primary = entries.find(
    (entry): entry is JsonObject =>
      typeof entry === 'object' && entry !== null && 'primary' in entry && entry.primary === true,
  );
  return primary?.['verified'] === true ? readTextClaim(primary, 'email') : null;
}
