import type { ApiKeySource, ConfirmedApiKey } from '../../authentication/api-key-source.js';
import { RefusalError } from '../../errors/auth-error.js';
import type { JsonObject } from '../../token/json-object.js';
import type { Capability } from '../../upstream/auth-context.js';
import type { HttpAnswer, HttpCaller } from '../../upstream/http-client.js';
import type { Organization } from '../../user/auth-user.js';
import { readBooleanClaim, readTextClaim } from '../../user/claim-map.js';
import { type AnswerOf, filledText, object, optional } from '../answer-rules.js';
import { readAnswer } from '../provider-answer.js';
import { readName, readOrganizationsOfUser, toOrganization } from './propel-auth-claims.js';
import type { PropelAuthApi } from './propel-auth-keys.js';
import { ask, bodyOf, findDisabledReason } from './propel-auth-profiles.js';

/** Whom a key belongs to: a user, an organization, or a user in an organization. */
const keyOwners = {
  user: optional(object),
  org: optional(object),
  user_in_org: optional(object),
  /** What the app has stored with the key. */
  metadata: optional(object),
};

const what = 'POST /end_user_api_keys/validate';
const answerOf = `The answer of PropelAuth to ${what}`;
const sendable = /^[\x21-\x7e]{1,512}$/;

/** The API keys that PropelAuth issues to users and organizations. PropelAuth itself refuses those of blocked users. */
export function propelAuthApiKeys(api: PropelAuthApi): Capability<ApiKeySource> {
  return {
    create: ({ providerClient }) => {
      const client = providerClient(api.apiUrl);
      return {
        name: 'propelAuth API keys',
        prefixes: null,
        findFault: (text) =>
          sendable.test(text) ? undefined : 'It contains characters that no key of PropelAuth has, or is too long',
        check: (text, { isKnown }) => check(client, api, text, isKnown),
      };
    },
  };
}

async function check(client: HttpCaller, api: PropelAuthApi, text: string, isKnown: boolean): Promise<ConfirmedApiKey> {
  const answer = await ask(client, api, what, {
    method: 'POST',
    path: '/end_user_api_keys/validate',
    json: { api_key_token: text },
    // The call changes nothing, so it may be repeated.
    repeatable: true,
    // A pause for unknown keys does not concern the known ones, and each of these has its own.
    caller: isKnown ? `the API key ${text}` : 'unknown API keys',
    isDecision: (limited) => waitSecondsOf(limited) !== null,
  });
  refuse(answer);
  // The answer does not state the id of the key, and PropelAuth refuses a key that has expired.
  return { id: null, expiresAt: null, owner: ownerOf(readAnswer(answerOf, keyOwners, bodyOf(answer, what))) };
}

/** @throws {RefusalError} when PropelAuth does not accept the key. */
function refuse(answer: HttpAnswer): void {
  const seconds = waitSecondsOf(answer);
  if (seconds !== null) {
    const explanation = 'PropelAuth limits how often this key may be used';
    throw RefusalError.tooMany(seconds, explanation, 'The API key is used too often');
  }
  // A proxy, or a server at a wrong address, answers these without a JSON object.
  const isUnknown = (answer.status === 404 || answer.status === 400) && isObject(answer.body);
  if (isUnknown) throw RefusalError.apiKey('key', 'PropelAuth knows no such key, or it has expired');
}

/** How long a key must not be used, when its limit is exceeded. A 429 without it limits the calls of the app. */
function waitSecondsOf({ status, body }: HttpAnswer): number | null {
  const seconds = status === 429 && isObject(body) ? body['wait_seconds'] : null;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

function ownerOf(answer: AnswerOf<typeof keyOwners>): ConfirmedApiKey['owner'] {
  const { user = null, org = null, user_in_org: inOrg = null, metadata = null } = answer;
  const claims = { metadata };
  if (user !== null) return { ...userOf(user), organizations: organizationsOf(user, org, inOrg), claims };
  if (org !== null) {
    const { org_id: id } = readAnswer(`${answerOf}, at org,`, { org_id: filledText }, org);
    return { id, name: null, organizations: [organizationOf(org, id)], claims };
  }
  throw RefusalError.apiKey('key', 'It belongs neither to a user nor to an organization');
}

function userOf(user: JsonObject): ConfirmedApiKey['owner'] {
  const { user_id: id } = readAnswer(`${answerOf}, at user,`, { user_id: filledText }, user);
  const disabledReason = findDisabledReason({ raw: user });
  if (disabledReason !== undefined) throw RefusalError.apiKey('revoked', disabledReason);
  return {
    id,
    email: readTextClaim(user, 'email'),
    emailVerified: readBooleanClaim(user, 'email_confirmed'),
    name: readName(user),
  };
}

/** A key of an organization counts in this one only; another key of the user in all of theirs that the answer states. */
function organizationsOf(user: JsonObject, org: JsonObject | null, inOrg: JsonObject | null): readonly Organization[] {
  if (org === null) return readOrganizationsOfUser(user);
  const id = readTextClaim(org, 'org_id');
  // A user who has left the organization has no member info, and the key no organization.
  return toOrganization(inOrg, id).filter((organization) => organization.id === id);
}

/** The organization itself has neither roles nor permissions. */
function organizationOf(org: JsonObject, id: string): Organization {
  return {
    id,
    name: readTextClaim(org, 'org_name') ?? readTextClaim(org, 'name'),
    slug: readTextClaim(org, 'url_safe_org_slug') ?? readTextClaim(org, 'url_safe_org_name'),
    roles: [],
    permissions: [],
  };
}

function isObject(body: unknown): body is JsonObject {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}
