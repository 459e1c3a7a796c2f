/** An account at another provider that a user signs in with. */
export interface OAuthAccount {
  /** The other provider's name: `google`, `github`. */
  readonly id: string;
  /** The user's id there. */
  readonly accountId: string;
  readonly email: string | null;
}

/**
 * A user, as their provider knows them now; a token says what was so when it was signed. One shape for all
 * providers: what a provider does not tell is `null`. Frozen, all the way down.
 */
export interface UserProfile {
  /** The same as `AuthUser.id`. */
  readonly id: string;
  readonly displayName: string | null;
  readonly primaryEmail: string | null;
  readonly primaryEmailVerified: boolean | null;
  readonly profileImageUrl: string | null;
  readonly signedUpAt: Date | null;
  readonly lastActiveAt: Date | null;
  readonly hasPassword: boolean | null;
  readonly isAnonymous: boolean | null;
  readonly oauthProviders: readonly OAuthAccount[] | null;
  /** What the provider answered, under its own names. `{}` where a source of your own gives nothing of it. */
  readonly raw: Readonly<Record<string, unknown>>;
}
