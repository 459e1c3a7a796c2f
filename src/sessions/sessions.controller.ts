import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
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
import type { SessionItem, TokenAnswer } from './session.js';
import { SessionRequests } from './session-requests.js';

/** The routes of sessions, without their common path. Each handler takes the framework's own request and response. */
@Public()
class SessionRoutes {
  constructor(@Inject(SessionRequests) private readonly requests: SessionRequests) {}

  @Post('refresh')
  @HttpCode(200)
  @ReadsBody()
  refresh(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<TokenAnswer> {
    return this.requests.refresh(request, response);
  }

  @Post('sign-out')
  @HttpCode(204)
  @ReadsBody()
  signOut(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<void> {
    return this.requests.signOut(request, response);
  }

  @Post('sign-out-everywhere')
  @HttpCode(204)
  @ReadsBody()
  signOutEverywhere(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<void> {
    return this.requests.signOutEverywhere(request, response);
  }

  @Get('sessions')
  list(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<Page<SessionItem>> {
    return this.requests.list(request, response);
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @ReadsBody()
  end(@Param('id') id: string, @Req() request: object, @Res({ passthrough: true }) response: object): Promise<void> {
    return this.requests.end(id, request, response);
  }

  @Get('me')
  me(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<{ user: object }> {
    return this.requests.me(request, response);
  }
}

/** The routes of `SessionsModule`, each as method and path below the common one. */
export const sessionRoutes: readonly (readonly [method: string, path: string])[] = [
  ['POST', 'refresh'],
  ['POST', 'sign-out'],
  ['POST', 'sign-out-everywhere'],
  ['GET', 'sessions'],
  ['DELETE', 'sessions/:id'],
  ['GET', 'me'],
];

/** Where `@nestjs/swagger` keeps the tags of a class. It is written by name, because an app may not have installed it. */
const openApiTags = 'swagger/apiUseTags';

/** Makes the controller of the routes below a path. Nest reads the path from the class, so each path has a class. */
export function sessionsControllerAt(path: string): Type {
  @Controller({ path, version: VERSION_NEUTRAL })
  class SessionsController extends SessionRoutes {}
  Reflect.defineMetadata(openApiTags, ['auth'], SessionsController);
  return SessionsController;
}
