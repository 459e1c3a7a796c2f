import { Controller, Get, Inject } from '@nestjs/common';
import {
  type AuthUser,
  CurrentUser,
  OptionalAuth,
  type ProfileLookUp,
  Public,
  UserProfileService,
} from 'nest-gatehouse';

/** The API under guard: one route of each kind. */
@Controller('api')
export class ApiController {
  constructor(@Inject(UserProfileService) private readonly profiles: UserProfileService) {}

  /** No mark: `guardEverything` asks for a token. */
  @Get('me')
  me(@CurrentUser() user: AuthUser) {
    return user;
  }

  /** What the provider knows of the caller now. Where the age of the answer does not matter: `@CurrentProfile()`. */
  @Get('profile')
  profile(@CurrentUser() user: AuthUser): Promise<ProfileLookUp> {
    return this.profiles.lookUp(user);
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
