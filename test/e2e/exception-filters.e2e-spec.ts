/** Ordinary exception filters see Nest's own exceptions, with our error for their cause. */
import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  Controller,
  type ExceptionFilter,
  ForbiddenException,
  Get,
  HttpException,
  ServiceUnavailableException,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthError, AuthGuard, AuthModule, isAuthError, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { invalidRequest, invalidTokenChallenge } from '../support/verdicts.js';

@UseGuards(AuthGuard)
@Controller('cats')
class CatsController {
  @Get()
  list(): string[] {
    return ['Tom'];
  }
}

/** Writes answers in the app's own way, as many apps do. */
function houseStyleFilter({ httpAdapter }: HttpAdapterHost, caught: HttpException[]): ExceptionFilter {
  @Catch(HttpException)
  class HouseStyleFilter implements ExceptionFilter {
    catch(exception: HttpException, host: ArgumentsHost): void {
      caught.push(exception);
      const cause = isAuthError(exception.cause) ? exception.cause : null;
      const body = { problem: cause?.code ?? 'OTHER', detail: cause?.reason ?? null };
      httpAdapter.reply(host.switchToHttp().getResponse(), body, exception.getStatus());
    }
  }
  return new HouseStyleFilter();
}

describe.each(platforms)('exception filters on $name', (platform) => {
  let issuer: TestIssuer;
  let downIssuer: TestIssuer;
  let app: RunningApp;
  const caught: HttpException[] = [];

  beforeAll(async () => {
    issuer = await startIssuer();
    downIssuer = await startIssuer();
    downIssuer.fail('503');
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: [issuer, downIssuer].map(({ url }) => oidc({ issuer: url, audience: 'api' })),
          toUser: (user) => (user.id === 'ghost' ? null : user),
        }),
      ],
      controllers: [CatsController],
      prepare: (nest) => nest.useGlobalFilters(houseStyleFilter(nest.get(HttpAdapterHost), caught)),
    });
  });

  beforeEach(() => {
    caught.length = 0;
  });

  it.each([
    {
      what: 'no token',
      call: async () => ({}),
      type: UnauthorizedException,
      status: 401,
      body: { problem: 'MISSING_TOKEN', detail: null },
      challenge: 'Bearer',
    },
    {
      what: 'a malformed header',
      call: async () => ({ headers: [['Authorization', 'Bearer']] as const }),
      type: BadRequestException,
      status: 400,
      body: { problem: 'INVALID_REQUEST', detail: null },
      challenge: invalidRequest.challenge,
    },
    {
      what: 'a token that has ended',
      call: async () => ({ token: await issuer.token({ aud: 'api' }, { expiresIn: '-1h' }) }),
      type: UnauthorizedException,
      status: 401,
      body: { problem: 'INVALID_TOKEN', detail: 'expired' },
      challenge: invalidTokenChallenge('expired'),
    },
    {
      what: 'an unknown user',
      call: async () => ({ token: await issuer.token({ aud: 'api', sub: 'ghost' }) }),
      type: ForbiddenException,
      status: 403,
      body: { problem: 'ACCESS_DENIED', detail: null },
      challenge: undefined,
    },
    {
      what: 'keys that cannot be had',
      call: async () => ({ token: await downIssuer.token({ aud: 'api' }) }),
      type: ServiceUnavailableException,
      status: 503,
      body: { problem: 'SERVER_ERROR', detail: null },
      challenge: undefined,
    },
  ])("catch $what as Nest's exception, and keep the headers", async ({ call, type, status, body, challenge }) => {
    const answer = await app.call('/cats', await call());
    expect([answer.status, answer.json]).toEqual([status, body]);
    expect(answer.headers['www-authenticate']).toBe(challenge);
    expect(answer.headers['retry-after'] !== undefined).toBe(status === 503);
    expect(caught).toHaveLength(1);
    const [exception] = caught;
    expect(exception).toBeInstanceOf(type);
    expect(exception?.constructor).toBe(type);
    expect(exception?.cause).toBeInstanceOf(AuthError);
    expect(exception?.cause).toMatchObject({ code: body.problem, reason: body.detail });
  });

  it('receive errors of handlers and pipes as before', async () => {
    expect((await app.call('/nowhere')).json).toEqual({ problem: 'OTHER', detail: null });
  });
});
