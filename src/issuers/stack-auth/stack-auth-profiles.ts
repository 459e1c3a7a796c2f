import { RefusalError } from '../../errors/auth-error.js';
import type { OAuthAccount, UserProfile } from '../../profiles/user-profile.js';
import type { ProfileSource, SourcedProfile } from '../../profiles/profile-source.js';
import type { JsonObject } from '../../token/json-object.js';
import type { TokenStatusSource } from '../../token/trusted-issuer.js';
import type { Capability } from '../../upstream/auth-context.js';
import type { AuthUser } from '../../user/auth-user.js';
import { tokenOf } from '../../user/verified-user.js';
import { callerOf, observedStatusSource } from '../observed-status-source.js';
import { checkSameUser, readAnswers } from '../provider-answer.js';
import { StackAuthApi, type StackAuthProject } from './stack-auth-api.js';
import { type StackAuthUser, stackAuthAccount } from './stack-auth-answers.js';

const findHint = {
  option: 'stackAuth({ secretServerKey })',
  hint: 'Set it, or the environment variable STACK_SECRET_SERVER_KEY',
};

/**
 * Profiles from the REST API: the caller's with their own token, together with the secret server key when the app has
 * one; other users' only with that key.
 */
export function stackAuthProfiles(project: StackAuthProject): Capability<ProfileSource> {
  const access = project.secretServerKey === null ? 'client' : 'server';
  return {
    create: ({ providerClient }) => {
      const api = new StackAuthApi(providerClient(project.baseUrl), project);
      return {
        access,
        findHint,
        get: (user) => getOwn(api, user),
        ...(access === 'server' && { find: (userId: string) => findAny(api, userId) }),
        findDisabledReason: ({ raw }: UserProfile) => findDisabledReason(raw, project),
      };
    },
  };
}

/** Why the app does not accept the user as Stack Auth knows them now; `undefined` when it does. */
export function findDisabledReason(
  user: { readonly is_anonymous?: unknown; readonly is_restricted?: unknown },
  { allowAnonymous, allowRestricted }: StackAuthProject,
): string | undefined {
  if (user.is_anonymous === true) return allowAnonymous ? undefined : 'Stack Auth knows the user as anonymous';
  if (user.is_restricted !== true || allowRestricted) return undefined;
  return 'The user has been restricted. To accept such users, set stackAuth({ allowRestricted: true })';
}

async function getOwn(api: StackAuthApi, user: AuthUser): Promise<SourcedProfile | null> {
  const me = await api.me(tokenOf(user));
  if (me === null) return null;
  checkSameUser('The answer of Stack Auth to GET /users/me', me.id, user.id);
  return toProfile(me, user.id);
}

async function findAny(api: StackAuthApi, userId: string): Promise<SourcedProfile | null> {
  const user = await api.user(userId);
  return user === null ? null : toProfile(user, userId);
}

/** @param id as it was asked for, because UUIDs may be written in either case. */
function toProfile(user: StackAuthUser & JsonObject, id: string): SourcedProfile {
  const lastActiveAt = user.last_active_at_millis ?? null;
  return {
    id,
    displayName: user.display_name,
    primaryEmail: user.primary_email,
    primaryEmailVerified: user.primary_email_verified,
    profileImageUrl: user.profile_image_url,
    signedUpAt: new Date(user.signed_up_at_millis),
    lastActiveAt: lastActiveAt === null ? null : new Date(lastActiveAt),
    hasPassword: user.has_password,
    isAnonymous: user.is_anonymous,
    oauthProviders: readAccounts(user.oauth_providers),
    raw: user,
  };
}

function readAccounts(given: readonly unknown[]): readonly OAuthAccount[] {
  const accounts = readAnswers('The list oauth_providers of Stack Auth', stackAuthAccount, given);
  return accounts.map(({ id, account_id: accountId, email = null }) => ({ id, accountId, email }));
}

/** Asks `GET /users/me` with the token itself: the server verifies it, and says whether its user still exists. */
export function stackAuthStatusSource(project: StackAuthProject): Capability<TokenStatusSource> {
  return {
    create: (context) => {
      const api = new StackAuthApi(context.providerClient(project.baseUrl), project);
      const ask: TokenStatusSource['ask'] = async (token, _claims, about) => {
        const me = await api.me(token, callerOf(token, about));
        if (me === null) throw RefusalError.token('revoked', 'Stack Auth no longer has a user for it');
        const disabledReason = findDisabledReason(me, project);
        if (disabledReason !== undefined) throw RefusalError.token('revoked', disabledReason);
        return { sub: me.id };
      };
      return observedStatusSource(context, project.baseUrl, { acceptsOpaqueTokens: false, ask });
    },
  };
}
