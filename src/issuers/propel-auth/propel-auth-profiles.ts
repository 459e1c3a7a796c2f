import { AuthUnavailableError } from '../../errors/auth-error.js';
import type { ProfileSource, SourcedProfile } from '../../profiles/profile-source.js';
import type { UserProfile } from '../../profiles/user-profile.js';
import type { JsonObject } from '../../token/json-object.js';
import type { ProviderAnswer, ProviderCall, ProviderClient } from '../../upstream/provider-client.js';
import type { OpenProfiles } from '../identity-provider.js';
import { type PropelAuthApi, propelAuthAddress, propelAuthHeaders } from './propel-auth-keys.js';
import type { PropelAuthUser } from './propel-auth-user.js';
import { checkSameUser, readAnswer, readAnswers, secondsToRecover } from '../provider-answer.js';

/** Ids are UUIDs. Another one is anonymousCaller's, and would be read as a part of the path. */
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const one = 'GET /user/{user_id}';
const many = 'POST /user/user_ids';

/** Profiles by the backend API, whose key tells the app everything about everyone. */
export function propelAuthProfiles(api: PropelAuthApi): OpenProfiles {
  return ({ providerClient }): ProfileSource => {
    const client = providerClient(api.apiUrl);
    return {
      access: 'server',
      get: ({ id }) => findUser(client, api, id),
      find: (userId) => findUser(client, api, userId),
      getMany: (userIds) => findAll(client, api, userIds),
      findDisabledReason,
    };
  };
}

export async function findUser(
  client: ProviderClient,
  api: PropelAuthApi,
  userId: string,
): Promise<SourcedProfile | null> {
  if (!uuid.test(userId)) return null;
  const answer = await ask(client, api, one, { method: 'GET', path: `/user/${userId}` });
  if (answer.status === 404) return null;
  const { PropelAuthUser } = await import('./propel-auth-user.js');
  const user = await readAnswer(described(one), PropelAuthUser, bodyOf(answer, one));
  checkSameUser(described(one), user.user_id, userId);
  return toProfile(user, userId);
}

async function findAll(client: ProviderClient, api: PropelAuthApi, userIds: readonly string[]) {
  const asked = userIds.filter((userId) => uuid.test(userId));
  if (asked.length === 0) return [];
  // It only asks, so it may be sent again.
  const call = { method: 'POST', path: '/user/user_ids', json: { user_ids: asked }, repeatable: true } as const;
  const answer = await ask(client, api, many, call);
  const { PropelAuthUser } = await import('./propel-auth-user.js');
  const users = await readAnswers(described(many), PropelAuthUser, bodyOf(answer, many));
  const found = new Map(users.map((user) => [user.user_id.toLowerCase(), user]));
  return asked.flatMap((userId) => {
    const user = found.get(userId.toLowerCase());
    return user === undefined ? [] : [toProfile(user, userId)];
  });
}

async function ask(
  client: ProviderClient,
  api: PropelAuthApi,
  what: string,
  { path, ...call }: Omit<ProviderCall, 'url' | 'headers'> & { readonly path: string },
): Promise<ProviderAnswer> {
  const url = propelAuthAddress(api, `/api/backend/v1${path}`);
  const answer = await client.call({ ...call, url, headers: propelAuthHeaders(api) });
  // It speaks of our key; no token of any user is sent.
  if (answer.status === 401) {
    throw new AuthUnavailableError(
      `PropelAuth refuses ${what}: it does not accept propelAuth({ apiKey }). Check it`,
      secondsToRecover,
    );
  }
  return answer;
}

function bodyOf({ status, body }: ProviderAnswer, what: string): unknown {
  if (status === 200) return body;
  throw new AuthUnavailableError(
    `PropelAuth answered ${what} with status ${status}. Check propelAuth({ apiUrl, authUrl, apiKey })`,
    secondsToRecover,
  );
}

function described(what: string): string {
  return `The answer of PropelAuth to ${what}`;
}

/** A token says nothing of it. */
export function findDisabledReason({ raw }: Pick<UserProfile, 'raw'>): string | undefined {
  if (raw['enabled'] === false) return 'PropelAuth has the user blocked';
  return raw['locked'] === true ? 'PropelAuth has the user locked' : undefined;
}

/** @param id as it was asked for: in which case a UUID is written says nothing. */
function toProfile(user: PropelAuthUser & JsonObject, id: string): SourcedProfile & { readonly id: string } {
  const names = [user.first_name, user.last_name].filter((name) => name);
  return {
    id,
    displayName: names.join(' ') || user.username || null,
    primaryEmail: user.email,
    primaryEmailVerified: user.email_confirmed,
    profileImageUrl: user.picture_url || null,
    signedUpAt: new Date(user.created_at * 1_000),
    lastActiveAt: new Date(user.last_active_at * 1_000),
    hasPassword: user.has_password,
    // Nobody is let in there without an account.
    isAnonymous: false,
    raw: user,
  };
}
