import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Req,
  Res,
  type Type,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import 'reflect-metadata';

import type { Page } from '../configuration/list-page.js';
import { Public } from '../decorators/authentication.decorator.js';
import { ReadsBody } from '../issuing/reads-body.decorator.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { AccountIdentity } from './account.js';
import { AccountRequests } from './account-requests.js';

/** The routes of accounts, without their common path. Each handler takes the framework's own request and response. */
@Public()
class AccountRoutes {
  constructor(@Inject(AccountRequests) private readonly requests: AccountRequests) {}

  @Post('sign-up')
  @HttpCode(200)
  @ReadsBody()
  signUp(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<TokenAnswer> {
    return this.requests.signUp(request, response);
  }

  @Post('sign-in')
  @HttpCode(200)
  @ReadsBody()
  signIn(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<TokenAnswer> {
    return this.requests.signIn(request, response);
  }

  @Post('anonymous')
  @HttpCode(200)
  @ReadsBody()
  anonymous(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<TokenAnswer> {
    return this.requests.anonymous(request, response);
  }

  @Post('password/change')
  @HttpCode(204)
  @ReadsBody()
  changePassword(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<void> {
    return this.requests.changePassword(request, response);
  }

  @Patch('me')
  @ReadsBody()
  update(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<{ user: object }> {
    return this.requests.update(request, response);
  }

  @Delete('me')
  @HttpCode(204)
  @ReadsBody()
  delete(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<void> {
    return this.requests.delete(request, response);
  }

  @Get('identities')
  listIdentities(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<Page<AccountIdentity>> {
    return this.requests.listIdentities(request, response);
  }

  @Delete('identities/:provider')
  @HttpCode(204)
  @ReadsBody()
  unlinkIdentity(
    @Param('provider') provider: string,
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<void> {
    return this.requests.unlinkIdentity(provider, request, response);
  }
}

/** The routes of `AccountsModule`, each as method and path below the common one. */
export const accountRoutes: readonly (readonly [method: string, path: string])[] = [
  ['POST', 'sign-up'],
  ['POST', 'sign-in'],
  ['POST', 'anonymous'],
  ['POST', 'password/change'],
  ['PATCH', 'me'],
  ['DELETE', 'me'],
  ['GET', 'identities'],
  ['DELETE', 'identities/:provider'],
];

/** Makes the controller of the routes below a path. Nest reads the path from the class, so each path has a class. */
export function accountsControllerAt(path: string): Type {
  @Controller({ path, version: VERSION_NEUTRAL })
  class AccountsController extends AccountRoutes {}
  Reflect.defineMetadata(openApiTags, ['auth'], AccountsController);
  return AccountsController;
}

/** Where `@nestjs/swagger` keeps the tags of a class. It is written by name, because an app may not have installed it. */
const openApiTags = 'swagger/apiUseTags';
