import { Controller, Get } from '@nestjs/common';
import { type AuthUser, CurrentUser, OptionalAuth, Public } from 'nest-gatehouse';

/** The API under guard: one route of each kind. */
@Controller('api')
export class ApiController {
  /** No mark: `guardEverything` asks for a token. */
  @Get('me')
  me(@CurrentUser() user: AuthUser) {
    return user;
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
