// What a library offers to apps that have loaded the package in the other format.
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, type AuthUser, CurrentUser, isAuthError, oidc, Public, tokenOf } from 'nest-gatehouse';

export const issuerOfLibrary = (issuer: string) => oidc({ issuer, audience: 'api' });

export const readToken = (user: AuthUser): string => tokenOf(user);

export const codeOf = (error: unknown): string => (isAuthError(error) ? error.code : 'unknown');

/** Has decorators of the library's copy, and is guarded by the app. */
@Controller('library')
export class UnguardedController {
  @Public()
  @Get('public')
  findPublic(@CurrentUser() user: unknown): object {
    return { user };
  }

  @Get('user')
  findUser(@CurrentUser('id') id: string): object {
    return { id };
  }
}

/** Has the guard of the library's copy. */
@UseGuards(AuthGuard)
@Controller('guarded')
export class GuardedController {
  @Get()
  find(): object {
    return {};
  }
}
