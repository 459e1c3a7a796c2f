import type { PermissionSource } from '../../access/issuer-permissions.js';
import { RefusalError } from '../../errors/auth-error.js';
import type { Capability } from '../../upstream/auth-context.js';
import type { AuthUser } from '../../user/auth-user.js';
import { tokenOf } from '../../user/verified-user.js';
import { checkSameUser } from '../provider-answer.js';
import { StackAuthApi, type StackAuthProject } from './stack-auth-api.js';

/**
 * Teams and permissions from the REST API, requested with the user's own token. Tokens of Stack Auth contain neither;
 * their `selected_team_id` is a preference that proves no membership.
 */
export function stackAuthPermissions(project: StackAuthProject): Capability<PermissionSource> {
  return {
    create: ({ providerClient }) => {
      const api = new StackAuthApi(providerClient(project.baseUrl), project);
      return {
        name: 'the API of Stack Auth',
        permissionsOf: (user) => readPermissions(api, user, null),
        permissionsIn: (user, teamId) => readPermissions(api, user, teamId),
        organizationsOf: async (user) =>
          present(await api.myTeams(tokenOf(user))).map(({ id, display_name: name }) => ({
            id,
            name,
            slug: null,
            roles: [],
            permissions: [],
          })),
      };
    },
  };
}

async function readPermissions(api: StackAuthApi, user: AuthUser, teamId: string | null): Promise<readonly string[]> {
  const held = present(await api.myPermissions(tokenOf(user), teamId));
  for (const { user_id: userId } of held) {
    checkSameUser('The answer of Stack Auth about permissions', userId, user.id);
  }
  return held.filter(({ team_id: heldIn = null }) => heldIn === teamId).map(({ id }) => id);
}

function present<Found>(found: Found | null): Found {
  if (found === null) throw RefusalError.token('revoked', 'Stack Auth no longer has such a user');
  return found;
}
