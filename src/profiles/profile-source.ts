import type { MissingOption } from '../upstream/auth-context.js';
import type { AuthUser } from '../user/auth-user.js';
import type { UserProfile } from './user-profile.js';

/** A profile as a source returns it. Omitted fields become `null`. */
export type SourcedProfile = { readonly [Name in keyof UserProfile]?: UserProfile[Name] | undefined };

/**
 * Provides the profiles of an issuer's users. The presets of providers include one; for an issuer that you describe
 * yourself, pass an object with at least `get`:
 *
 * ```ts
 * jwtIssuer({ …, profiles: { get: (user) => accounts.findOne(user.id) } })
 * ```
 *
 * `UserProfileService` caches the results, so a source does not need a cache. `null` means that the user does not exist
 * or no longer exists. An error counts as an outage (503), except an `AuthError`, which is passed on unchanged: throw a
 * `RefusalError` where the provider refused the token, and an `AuthUnavailableError` to state a `Retry-After`.
 */
export interface ProfileSource {
  /**
   * The access with which the source reads profiles. Cached profiles are kept apart by access, because a provider shows
   * different fields to a client and to a server.
   *
   * @defaultValue 'own'
   */
  readonly access?: string;

  /**
   * Looks up the profile of the caller, whose token is `tokenOf(user)`. The result's `id` must equal the user's or be
   * omitted. `null` means that the provider has deleted the user.
   */
  get(user: AuthUser): SourcedProfile | null | Promise<SourcedProfile | null>;

  /**
   * Looks up the profile of any user with the app's own credentials. Without it, `UserProfileService.find` throws a
   * `ConfigurationError`.
   */
  find?(userId: string): SourcedProfile | null | Promise<SourcedProfile | null>;

  /**
   * Looks up several users by one call. The result has each profile with its `id`, in any order, and omits users who do
   * not exist. Without it, `find` is called for each user. One call has at most `mostAtOnce` ids.
   */
  getMany?(
    userIds: readonly string[],
  ):
    | readonly (SourcedProfile & { readonly id: string })[]
    | Promise<readonly (SourcedProfile & { readonly id: string })[]>;

  /**
   * States why a user is disabled although the token verifies, for example because the provider has locked the account
   * since the token was signed: a sentence for the log, or `undefined`. `UserProfileService.get` calls it at every
   * look-up, also for a cached profile, and refuses the caller with reason `revoked`. `find` does not call it.
   */
  findDisabledReason?(profile: UserProfile): string | undefined;

  /** @deprecated Use `findDisabledReason`. Removed in 1.0. */
  findBar?(profile: UserProfile): string | undefined;

  /** The maximum number of ids in one `getMany` call. @defaultValue 100 */
  readonly mostAtOnce?: number;

  /** For presets: the option that an app has to set to get a `find`. A `ConfigurationError` states it. */
  readonly findHint?: MissingOption;
}
