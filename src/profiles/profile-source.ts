import type { MissingOption } from '../upstream/auth-context.js';
import type { AuthUser } from '../user/auth-user.js';
import type { UserProfile } from './user-profile.js';

/** A profile as a source gives it: what it does not know may be left out, and becomes `null`. */
export type SourcedProfile = { readonly [Name in keyof UserProfile]?: UserProfile[Name] | undefined };

/**
 * Where the profiles of an issuer's users come from. The presets bring theirs; for an issuer described by hand
 * it is an object of the app, and one function is enough:
 *
 * ```ts
 * jwtIssuer({ …, profiles: { get: (user) => accounts.findOne(user.id) } })
 * ```
 *
 * What it gives is remembered by `UserProfileService`, so a source simply asks each time. `null` says that
 * there is no such user, any more. What it throws is an outage, but for an `AuthError`, which stands as it is:
 * a `RefusalError` where the provider refused the token, a `AuthUnavailableError` with what is wrong and for how long.
 */
export interface ProfileSource {
  /**
   * What the source may see. Profiles of one access are never given to another, as `client` and `server`
   * show different sides of a user.
   *
   * @defaultValue 'own'
   */
  readonly access?: string;

  /**
   * The profile of the caller, whose token is `tokenOf(user)`. An `id` in it must be the user's; left out, it is.
   * `null`: the provider has deleted the user.
   */
  get(user: AuthUser): SourcedProfile | null | Promise<SourcedProfile | null>;

  /** The profile of anyone, by the app's own right. Left out, `UserProfileService.find` says so. */
  find?(userId: string): SourcedProfile | null | Promise<SourcedProfile | null>;

  /**
   * The profiles of several users by one call, each with its `id`, in any order; who does not exist is left out.
   * Without it, `find` is called for each. Never asked for more than `mostAtOnce`.
   */
  getMany?(
    userIds: readonly string[],
  ):
    | readonly (SourcedProfile & { readonly id: string })[]
    | Promise<readonly (SourcedProfile & { readonly id: string })[]>;

  /**
   * What bars a user from coming in although the token verifies: locked at the provider, or restricted since it was
   * signed. A sentence for the log, or `undefined`. `UserProfileService.get` asks each time, for a profile that was kept
   * as well, and refuses the caller with reason `revoked`; `find` shows the profile all the same.
   */
  findDisabledReason?(profile: UserProfile): string | undefined;

  /** How many ids one `getMany` may name. @defaultValue 100 */
  readonly mostAtOnce?: number;

  /** For presets: the option that an app has to set so that there is a `find`. Stated in a `ConfigurationError`. */
  readonly findHint?: MissingOption;
}
