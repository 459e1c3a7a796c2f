import type { Clock } from '../clock/clock.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { BreakerState } from '../upstream/circuit-breaker.js';
import type { AuthUser } from '../user/auth-user.js';
import type { IssuerProfiles } from './issuer-profiles.js';
import type { ProfileCache, ProfileFreshness } from './profile-cache.js';
import type { ProfileCounters } from './profile-record.js';
import type { UserProfile } from './user-profile.js';

/** A profile with its age. */
export interface ProfileLookUp {
  readonly profile: UserProfile;
  /**
   * `fresh` was fetched for this look-up; `cached` was fetched before, within `freshForSeconds`; `stale` is older, and is
   * being refreshed or the provider does not answer.
   */
  readonly freshness: ProfileFreshness;
  /** When the profile was fetched from the provider. */
  readonly askedAt: Date;
}

/** Names the issuer of a user. Required where the app trusts several providers. */
export interface OfIssuer {
  /** The exact issuer, as in `AuthUser.issuer`. */
  readonly issuer?: string;
}

/** The counters of `UserProfileService`, and the circuit breakers of the providers by origin. */
export interface ProfileState extends ProfileCounters {
  readonly breakers: ReadonlyMap<string, BreakerState>;
}

export interface UserProfileServiceParts {
  readonly providers: readonly IssuerProfiles[];
  readonly cache: ProfileCache;
  readonly counters: ProfileCounters;
  readonly breakers: () => ReadonlyMap<string, BreakerState>;
  /** Called by `forget`, so that other caches drop the user too. */
  readonly onForget?: ((userId: string, issuer: string) => void) | undefined;
}

/**
 * Looks up the current profiles of users at their provider. A token describes its user as of the time when it was signed;
 * this service calls the provider and caches the result, as `AuthModule.forRoot({ profiles: { … } })` configures. Inject
 * it wherever you need a profile; for the caller of a route, `@CurrentProfile()` is shorter.
 */
export class UserProfileService {
  constructor(private readonly parts: UserProfileServiceParts) {}

  /**
   * Looks up the caller's profile.
   *
   * @throws {RefusalError} `INVALID_TOKEN` with reason `revoked` when the provider has deleted or disabled the user, or
   * the provider's own refusal of the token.
   * @throws {AuthUnavailableError} `SERVER_ERROR` when the provider does not answer and no usable profile is cached.
   * @throws {ConfigurationError} when the configuration of the user's issuer has no profile source.
   * @throws {TypeError} for an object other than the `AuthUser` that the guard created.
   */
  async get(user: AuthUser): Promise<UserProfile> {
    return (await this.lookUp(user)).profile;
  }

  /** Looks up the caller's profile and states its age. Throws as `get` does. */
  async lookUp(user: AuthUser): Promise<ProfileLookUp> {
    const { profile, freshness, askedAt } = await this.providerOf(user.issuer, 'get(user)').get(user);
    return Object.freeze({ profile, freshness, askedAt: new Date(askedAt) });
  }

  /**
   * Looks up the profile of any user; `null` when the user does not exist. The call uses the app's own credentials, for
   * example the server key, and not the caller's token, so your app decides whether the caller may see the profile.
   *
   * @throws {AuthUnavailableError} `SERVER_ERROR` when the provider does not answer and no usable profile is cached.
   * @throws {ConfigurationError} when the issuer has no source that can find users by id, or when the app trusts several
   * providers and `issuer` is missing.
   */
  async find(userId: string, { issuer }: OfIssuer = {}): Promise<UserProfile | null> {
    const { provider, name } = this.choose(issuer, 'find(userId');
    return provider.find(userId, name);
  }

  /**
   * Looks up several users and gives their profiles by id, without users who do not exist. Makes as few calls as the
   * provider allows, and none for cached profiles.
   *
   * @throws as `find` does, when one of the profiles cannot be looked up.
   */
  async getMany(userIds: readonly string[], { issuer }: OfIssuer = {}): Promise<Map<string, UserProfile>> {
    const { provider, name } = this.choose(issuer, 'getMany(userIds');
    return provider.getMany(userIds, name);
  }

  /**
   * Removes a user's profile and permissions from the caches of this instance and from the shared store, so that the next
   * look-up calls the provider. Call it after your app or, by a webhook, someone else has changed the user. Without
   * `issuer` it applies to all issuers. Other instances of the app keep using their cached profile while it is fresh.
   */
  forget(userId: string, { issuer }: OfIssuer = {}): void {
    if (issuer !== undefined) {
      this.forgetAt(this.providerOf(issuer, 'forget(userId, { issuer })'), userId, issuer);
      return;
    }
    for (const provider of this.parts.providers) {
      for (const name of provider.issuers) this.forgetAt(provider, userId, name);
    }
  }

  /** Gives the counters since the app started, for example for a metrics endpoint. */
  counters(): ProfileState {
    return Object.freeze({ ...this.parts.counters, breakers: this.parts.breakers() });
  }

  /**
   * Checks, while the app starts, that at least one issuer has a profile source.
   *
   * @throws {ConfigurationError} when none has; it names the option to set.
   */
  checkCapabilities(where: string): void {
    const options = this.parts.providers.map(({ missing }) => missing);
    const [missing] = options;
    if (!missing || options.includes(null)) return;
    throw new ConfigurationError(where, `no issuer gives profiles: there is no ${missing.option}`, missing.hint);
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.parts.cache.close();
  }

  private forgetAt(provider: IssuerProfiles, userId: string, issuer: string): void {
    provider.forget(userId, issuer);
    this.parts.onForget?.(userId, issuer);
  }

  private choose(issuer: string | undefined, call: string): { provider: IssuerProfiles; name: string } {
    const [first, ...others] = this.parts.providers;
    if (issuer !== undefined) return { provider: this.providerOf(issuer, `${call}, { issuer })`), name: issuer };
    const name = first?.issuers[0];
    // An id is unique only within its issuer: two issuers may use the same id for different users.
    if (first === undefined || name === undefined || others.length > 0) throw this.unclear(`${call}, { issuer })`);
    return { provider: first, name };
  }

  private providerOf(issuer: string, call: string): IssuerProfiles {
    const found = this.parts.providers.find(({ issuers }) => issuers.includes(issuer));
    if (found !== undefined) return found;
    throw new ConfigurationError(`UserProfileService.${call}`, 'it is not a trusted issuer', this.fix());
  }

  private unclear(call: string): ConfigurationError {
    const problem = 'the app trusts several providers, and each may know a user of this id';
    return new ConfigurationError(`UserProfileService.${call}`, problem, this.fix());
  }

  private fix(): string {
    return `Write one of ${this.parts.providers.flatMap(({ issuers }) => issuers).join(', ')}`;
  }
}

interface CallerProfile {
  readonly user: AuthUser;
  readonly at: number;
  readonly profile: Promise<UserProfile>;
}

/** The time for which a request reuses its profile. A GraphQL subscription may last for hours and needs newer profiles. */
const reuseMs = 10_000;

/** Looks up the profile of a request's caller once for the request, also where the cache is off. */
export class RequestProfiles {
  private readonly callerProfile = createPrivateSlot<CallerProfile>();

  constructor(
    private readonly service: UserProfileService,
    private readonly clock: Clock,
  ) {}

  /** @throws {ConfigurationError} when no issuer has a profile source, so that an app which needs one does not start. */
  checkCapabilities(where: string): void {
    this.service.checkCapabilities(where);
  }

  /** @throws as `UserProfileService.get` does. */
  get(request: object, user: AuthUser): Promise<UserProfile> {
    const now = this.clock.now().getTime();
    const known = this.callerProfile.find(request);
    const isSame = known?.user.id === user.id && known.user.issuer === user.issuer;
    if (known !== undefined && isSame && Math.abs(now - known.at) < reuseMs) return known.profile;
    const profile = this.service.get(user);
    this.callerProfile.set(request, { user, at: now, profile });
    return profile;
  }
}
