import { crc32 } from 'node:zlib';

import type { ApiKeySource, ConfirmedApiKey } from '../../authentication/api-key-source.js';
import { RefusalError } from '../../errors/auth-error.js';
import type { JsonObject } from '../../token/json-object.js';
import type { Capability } from '../../upstream/auth-context.js';
import { StackAuthApi, type StackAuthProject } from './stack-auth-api.js';
import type { StackAuthKey } from './stack-auth-answers.js';
import { findDisabledReason } from './stack-auth-profiles.js';

/** Whether a key belongs to a user or to a team. */
type StackAuthKeyKind = 'user' | 'team';

/** Secret keys, and those that may be published. */
const prefixes = ['sk_', 'pk_'] as const;

/** Keys of other services that begin in the same way. They are no business of Stack Auth. */
const foreign = /^[sp]k_(?:live|test)_/;
const sendable = /^[\w-]{4,256}$/;
/** What precedes the checksum of keys: their kind, one character, and a fixed word. Older keys have a shorter checksum. */
const ending = /(?<kind>user|team)[0-9a-z]574ck4u7h[0-9a-z]{6,8}$/;
/** The form of keys since May 2025: 45 random characters, the id, the ending; at last the CRC-32 of all that precedes. */
const usualForm = /^(?<checked>[sp]k_[0-9a-z]{45}[0-9a-f]{32}(?:user|team)[0-9a-z]574ck4u7h)(?<checksum>[0-9a-f]{8})$/;

/**
 * The API keys that Stack Auth issues to users and teams. A key of a user stands for them as they are now: they are looked up with
 * the key, because Stack Auth also confirms the keys of users who were deleted or restricted.
 */
export function stackAuthApiKeys(project: StackAuthProject): Capability<ApiKeySource> {
  return {
    create: ({ providerClient }) => {
      const api = new StackAuthApi(providerClient(project.baseUrl), project);
      return {
        name: 'stackAuth API keys',
        prefixes,
        findFault,
        check: async (text, { isKnown }) => {
          // A pause for unknown keys does not concern the known ones, and each of these has its own.
          const caller = isKnown ? `the API key ${text}` : 'unknown API keys';
          const kind = kindOf(text);
          const key = await api.checkKey(text, kind, caller);
          if (typeof key.manually_revoked_at_millis === 'number') {
            throw RefusalError.apiKey('revoked', 'Stack Auth states when it was revoked');
          }
          const owner = await (key.type === 'team' ? teamOf(key) : userOf(api, project, key, caller));
          const expiresAt = key.expires_at_millis ?? null;
          return { id: key.id, owner, expiresAt: expiresAt === null ? null : new Date(expiresAt) };
        },
      };
    },
  };
}

function findFault(text: string): string | undefined {
  if (foreign.test(text)) return 'It has the form of a key of another service';
  if (!sendable.test(text)) return 'It contains characters that no key of Stack Auth has, or is too short or too long';
  const { checked, checksum } = usualForm.exec(text)?.groups ?? {};
  if (checked === undefined || crc32(checked).toString(16).padStart(8, '0') === checksum) return undefined;
  return 'Its checksum is wrong: a part of it was mistyped or lost';
}

/** The kind by the text, which decides only whom to ask. */
function kindOf(text: string): StackAuthKeyKind {
  return ending.exec(text)?.groups?.['kind'] === 'team' ? 'team' : 'user';
}

type Owner = ConfirmedApiKey['owner'];

async function userOf(api: StackAuthApi, project: StackAuthProject, key: StackAuthKey, caller: string): Promise<Owner> {
  const user = await api.user(key.user_id ?? '', caller);
  if (user === null) throw RefusalError.apiKey('revoked', 'Stack Auth no longer has its user');
  const disabledReason = findDisabledReason(user, project);
  if (disabledReason !== undefined) throw RefusalError.apiKey('revoked', disabledReason);
  return {
    id: user.id,
    isAnonymous: user.is_anonymous,
    email: user.primary_email,
    emailVerified: user.primary_email === null ? null : user.primary_email_verified,
    name: user.display_name,
    claims: claimsOf(key),
  };
}

/** A team is no user: it has neither roles nor permissions, and is the only organization of its key. */
function teamOf(key: StackAuthKey): Owner {
  const id = key.team_id ?? '';
  return {
    id,
    organizations: [{ id, name: null, slug: null, roles: [], permissions: [] }],
    claims: claimsOf(key),
  };
}

/** Whether a caller is a team, by the claims that describe its key. */
export function isTeamKey(claims: JsonObject): boolean {
  return claims['type'] === 'team';
}

function claimsOf({ type, description = null, is_public: isPublic = null }: StackAuthKey): JsonObject {
  return { type, description, is_public: isPublic };
}
