import { AuthUnavailableError } from '../../errors/auth-error.js';
import type { ProfileSource, SourcedProfile } from '../../profiles/profile-source.js';
import type { UserProfile } from '../../profiles/user-profile.js';
import type { JsonObject } from '../../token/json-object.js';
import type { Capability } from '../../upstream/auth-context.js';
import type { HttpAnswer, HttpCall, HttpCaller } from '../../upstream/http-client.js';
import { type PropelAuthApi, propelAuthAddress, propelAuthHeaders } from './propel-auth-keys.js';
import { type PropelAuthUser, propelAuthUser } from './propel-auth-user.js';
import { checkSameUser, readAnswer, readAnswers, secondsToRecover } from '../provider-answer.js';

/** User ids are UUIDs. Another text belongs to no user, and could be read as a part of the path. */
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const one = 'GET /user/{user_id}';
const many = 'POST /user/user_ids';

/** Profiles from the backend API, whose key gives access to all users. */
export function propelAuthProfiles(api: PropelAuthApi): Capability<ProfileSource> {
  return {
    create: ({ providerClient }) => {
      const client = providerClient(api.apiUrl);
      return {
        access: 'server',
        get: ({ id }) => findUser(client, api, id),
        find: (userId) => findUser(client, api, userId),
        getMany: (userIds) => findAll(client, api, userIds),
        findDisabledReason,
      };
    },
  };
}

export async function findUser(client: HttpCaller, api: PropelAuthApi, userId: string): Promise<SourcedProfile | null> {
  if (!uuid.test(userId)) return null;
  const answer = await ask(client, api, one, { method: 'GET', path: `/user/${userId}` });
  if (answer.status === 404) return null;
  const user = readAnswer(described(one), propelAuthUser, bodyOf(answer, one));
  checkSameUser(described(one), user.user_id, userId);
  return toProfile(user, userId);
}

async function findAll(client: HttpCaller, api: PropelAuthApi, userIds: readonly string[]) {
  const asked = userIds.filter((userId) => uuid.test(userId));
  if (asked.length === 0) return [];
  // The call changes nothing, so it may be repeated.
  const call = { method: 'POST', path: '/user/user_ids', json: { user_ids: asked }, repeatable: true } as const;
  const answer = await ask(client, api, many, call);
  const users = readAnswers(described(many), propelAuthUser, bodyOf(answer, many));
  const found = new Map(users.map((user) => [user.user_id.toLowerCase(), user]));
  return asked.flatMap((userId) => {
    const user = found.get(userId.toLowerCase());
    return user === undefined ? [] : [toProfile(user, userId)];
  });
}

/** Makes a call to the API. @throws {AuthUnavailableError} when it does not accept the app's key. */
export async function ask(
  client: HttpCaller,
  api: PropelAuthApi,
  what: string,
  { path, ...call }: Omit<HttpCall, 'url' | 'headers'> & { readonly path: string },
): Promise<HttpAnswer> {
  const url = propelAuthAddress(api, `/api/backend/v1${path}`);
  const answer = await client.call({ ...call, url, headers: propelAuthHeaders(api) });
  // It concerns the app's API key, because no user's token is sent.
  if (answer.status === 401) {
    throw new AuthUnavailableError(
      `PropelAuth refuses ${what}: it does not accept propelAuth({ apiKey }). Check it`,
      secondsToRecover,
    );
  }
  return answer;
}

/** @throws {AuthUnavailableError} for any status other than 200. */
export function bodyOf({ status, body }: HttpAnswer, what: string): unknown {
  if (status === 200) return body;
  throw new AuthUnavailableError(
    `PropelAuth answered ${what} with status ${status}. Check propelAuth({ apiUrl, authUrl, apiKey })`,
    secondsToRecover,
  );
}

function described(what: string): string {
  return `The answer of PropelAuth to ${what}`;
}

/** Why PropelAuth does not let the user sign in, which their token does not say; `undefined` when it does. */
export function findDisabledReason({ raw }: Pick<UserProfile, 'raw'>): string | undefined {
  if (raw['enabled'] === false) return 'PropelAuth has the user blocked';
  return raw['locked'] === true ? 'PropelAuth has the user locked' : undefined;
}

/** @param id as it was asked for, because UUIDs may be written in either case. */
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
    // PropelAuth has no anonymous users.
    isAnonymous: false,
    raw: user,
  };
}
