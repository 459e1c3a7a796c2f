import type { Clock } from '../clock/clock.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { AuthUser } from '../user/auth-user.js';
import type { UserProfileService } from './user-profile.service.js';
import type { UserProfile } from './user-profile.js';

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
