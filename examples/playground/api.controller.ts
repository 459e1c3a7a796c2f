import { Controller, Get, Inject } from '@nestjs/common';
import {
  type AuthUser,
  CurrentUser,
  OptionalAuth,
  type ProfileLookUp,
  Public,
  RequireRoles,
  UserProfileService,
} from 'nest-gatehouse';

/** The guarded API, with one route of each kind. */
@Controller('api')
export class ApiController {
  constructor(@Inject(UserProfileService) private readonly profiles: UserProfileService) {}

  /** Without a decorator, `guardEverything` requires a token. */
  @Get('me')
  me(@CurrentUser() user: AuthUser) {
    return user;
  }

  /** Returns the caller's profile with its age. `@CurrentProfile()` is shorter where the age does not matter. */
  @Get('profile')
  profile(@CurrentUser() user: AuthUser): Promise<ProfileLookUp> {
    return this.profiles.lookUp(user);
  }

  /** Only users with the role `admin`: anybody else who is signed in gets 403. */
  @RequireRoles('admin')
  @Get('admin')
  admin(@CurrentUser() user: AuthUser) {
    return { id: user.id, roles: user.roles };
  }

  /** Only members of the group `staff`: the groups of an account are the roles of its user. */
  @RequireRoles('staff')
  @Get('staff')
  staff(@CurrentUser() user: AuthUser) {
    return { id: user.id, roles: user.roles };
  }

  @OptionalAuth()
  @Get('hello')
  hello(@CurrentUser() user: AuthUser | null) {
    return { greeting: `Good day, ${user?.name ?? 'stranger'}.`, user: user && { id: user.id, email: user.email } };
  }

  @Public()
  @Get('health')
  health(@CurrentUser() user: null) {
    return { status: 'ok', user };
  }
}
