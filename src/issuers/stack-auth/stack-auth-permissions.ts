import type { PermissionSource } from '../../access/issuer-permissions.js';
import { RefusalError } from '../../errors/auth-error.js';
import type { Capability } from '../../upstream/auth-context.js';
import type { AuthUser } from '../../user/auth-user.js';
import { isOfApiKey, tokenOf } from '../../user/verified-user.js';
import { checkSameUser } from '../provider-answer.js';
import { type AskedUser, StackAuthApi, type StackAuthProject } from './stack-auth-api.js';
import { isTeamKey } from './stack-auth-api-keys.js';

/**
 * Teams and permissions from the REST API, requested with the user's own token, or for a caller with an API key with the secret
 * server key. Tokens of Stack Auth contain neither; their `selected_team_id` is a preference that proves no membership.
 */
export function stackAuthPermissions(project: StackAuthProject): Capability<PermissionSource> {
  return {
    create: ({ providerClient }) => {
      const api = new StackAuthApi(providerClient(project.baseUrl), project);
      return {
        name: 'the API of Stack Auth',
        servesApiKeys: project.secretServerKey !== null,
        permissionsOf: (user) => readPermissions(api, user, null),
        permissionsIn: (user, teamId) => readPermissions(api, user, teamId),
        organizationsOf: async (user) => {
          if (isTeam(user)) return user.organizations;
          const teams = present(await api.teamsOf(toAsked(user)));
          return teams.map(({ id, display_name: name }) => ({ id, name, slug: null, roles: [], permissions: [] }));
        },
      };
    },
  };
}

async function readPermissions(api: StackAuthApi, user: AuthUser, teamId: string | null): Promise<readonly string[]> {
  // The caller with the key of a team is the team, which has no permissions.
  if (isTeam(user)) return [];
  const held = present(await api.permissionsOf(toAsked(user), teamId));
  for (const { user_id: userId } of held) {
    checkSameUser('The answer of Stack Auth about permissions', userId, user.id);
  }
  return held.filter(({ team_id: heldIn = null }) => heldIn === teamId).map(({ id }) => id);
}

function toAsked(user: AuthUser): AskedUser {
  return isOfApiKey(user) ? { userId: user.id } : { token: tokenOf(user) };
}

function isTeam(user: AuthUser): boolean {
  return isOfApiKey(user) && isTeamKey(user.claims);
}

function present<Found>(found: Found | null): Found {
  if (found === null) throw RefusalError.token('revoked', 'Stack Auth no longer has such a user');
  return found;
}
