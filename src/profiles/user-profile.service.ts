import type { Clock } from '../clock/clock.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { BreakerState } from '../upstream/call-policy.js';
import type { AuthUser } from '../user/auth-user.js';
import type { IssuerProfiles } from './issuer-profiles.js';
import type { ProfileCache, ProfileFreshness } from './profile-cache.js';
import type { ProfileCounters } from './profile-record.js';
import type { UserProfile } from './user-profile.js';

/** A profile, and how new it is. */
export interface ProfileLookUp {
  readonly profile: UserProfile;
  /**
   * `fresh`: the provider was asked for this look-up. `cached`: it was asked before, within `freshForSeconds`.
   * `stale`: before that; it is being asked again, or does not answer.
   */
  readonly freshness: ProfileFreshness;
  /** When the provider was asked. */
  readonly askedAt: Date;
}

/** Which issuer's user is meant; needed where the app trusts several providers. */
export interface OfIssuer {
  /** The exact name, as in `AuthUser.issuer`. */
  readonly issuer?: string;
}

/** What `UserProfileService` has done, and how the providers stand, by their origins. */
export interface ProfileState extends ProfileCounters {
  readonly breakers: ReadonlyMap<string, BreakerState>;
}

export interface UserProfileServiceParts {
  readonly providers: readonly IssuerProfiles[];
  readonly cache: ProfileCache;
  readonly counters: ProfileCounters;
  readonly breakers: () => ReadonlyMap<string, BreakerState>;
  /** Has others forget a user, too, of whom they know something. */
  readonly onForget?: ((userId: string, issuer: string) => void) | undefined;
}

/**
 * Who users are, as their provider knows them now. A token says who calls and was true when it was signed; this asks the
 * provider, and remembers the answer for a while: `AuthModule.forRoot({ profiles: { … } })` says for how long. Inject it
 * wherever a look-up is wanted; for the caller of a route there is `@CurrentProfile()`.
 */
export class UserProfileService {
  constructor(private readonly parts: UserProfileServiceParts) {}

  /**
   * The caller's profile.
   *
   * @throws {RefusalError} `INVALID_TOKEN`, reason `revoked`: the provider has deleted the user, or bars them; or
   * what the provider said of their token.
   * @throws {AuthUnavailableError} `SERVER_ERROR`: the provider could not be asked, and nothing is known that is new enough.
   * @throws {ConfigurationError} when the user's issuer gives no profiles as it is configured.
   * @throws {TypeError} for anything but the very user that the guard made.
   */
  async get(user: AuthUser): Promise<UserProfile> {
    return (await this.lookUp(user)).profile;
  }

  /** The same, and how new the answer is. */
  async lookUp(user: AuthUser): Promise<ProfileLookUp> {
    const { profile, freshness, askedAt } = await this.providerOf(user.issuer, 'get(user)').get(user);
    return Object.freeze({ profile, freshness, askedAt: new Date(askedAt) });
  }

  /**
   * The profile of anyone; `null` when there is no such user. It is asked for by the app's own right, the server key
   * say, and not by the caller's: whether they may see it is for the app to decide.
   *
   * @throws {AuthUnavailableError} `SERVER_ERROR`: the provider could not be asked, and nothing is known that is new enough.
   * @throws {ConfigurationError} when the issuer cannot be asked as it is configured, or several could be meant.
   */
  async find(userId: string, { issuer }: OfIssuer = {}): Promise<UserProfile | null> {
    const { provider, name } = this.choose(issuer, 'find(userId');
    return provider.find(userId, name);
  }

  /**
   * The profiles of several users, by their ids; who does not exist is not in it. Asks the provider by as few calls
   * as it allows, and by none for those that are known.
   *
   * @throws as `find` does, when one of them cannot be had.
   */
  async getMany(userIds: readonly string[], { issuer }: OfIssuer = {}): Promise<Map<string, UserProfile>> {
    const { provider, name } = this.choose(issuer, 'getMany(userIds');
    return provider.getMany(userIds, name);
  }

  /**
   * Drops what is known of a user, here and in the shared store, so that the next look-up asks the provider; permissions
   * that were looked up for them, too. Call it when your app has changed the user there, or a webhook says that somebody has. Of every issuer, unless one is named. What
   * other instances of the app have in memory they give on until it is no longer fresh.
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

  /** What has been done since the app started: for a metrics page. */
  counters(): ProfileState {
    return Object.freeze({ ...this.parts.counters, breakers: this.parts.breakers() });
  }

  /**
   * For what cannot do without profiles, when the app starts.
   *
   * @throws {ConfigurationError} when no issuer gives any: which option would let it.
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
    // An id is unique within its issuer: of two, one may know somebody else by it.
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

interface LookedUp {
  readonly user: AuthUser;
  readonly at: number;
  readonly profile: Promise<UserProfile>;
}

/** For how long a request is one moment. An operation of GraphQL may last for hours, and its events should not show the first one's profile. */
const momentMs = 10_000;

/** The profile of a request's caller: looked up once, whoever wants it, also where nothing is kept. */
export class RequestProfiles {
  private readonly lookedUp = createPrivateSlot<LookedUp>();

  constructor(
    private readonly service: UserProfileService,
    private readonly clock: Clock,
  ) {}

  /** @throws {ConfigurationError} when no issuer gives profiles, so that an app which wants them does not start. */
  checkCapabilities(where: string): void {
    this.service.checkCapabilities(where);
  }

  /** @throws as `UserProfileService.get` does. */
  get(request: object, user: AuthUser): Promise<UserProfile> {
    const now = this.clock.now().getTime();
    const known = this.lookedUp.find(request);
    const isSame = known?.user.id === user.id && known.user.issuer === user.issuer;
    if (known !== undefined && isSame && Math.abs(now - known.at) < momentMs) return known.profile;
    const profile = this.service.get(user);
    this.lookedUp.set(request, { user, at: now, profile });
    return profile;
  }
}
