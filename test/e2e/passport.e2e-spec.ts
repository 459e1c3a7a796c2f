/** Apps that use Nest's passport guards: `AuthGuard('jwt')` judges by our rules, alone and in a chain. */
import { Controller, type ExecutionContext, Get, Injectable, UnauthorizedException, UseGuards } from '@nestjs/common';
import { AuthGuard as PassportGuard, PassportStrategy } from '@nestjs/passport';
import { AuthModule, CurrentUser, isAuthError, JwtStrategy, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { Strategy } from 'passport';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';

/** A door for machines: a header with a key, as an app might have beside its tokens. */
class ApiKeyPassport extends Strategy {
  override readonly name = 'api-key';

  override authenticate(request: { headers: Record<string, unknown> }): void {
    if (request.headers['x-api-key'] === 'let-me-in') this.success({ id: 'machine' });
    else this.fail('ApiKey', 401);
  }
}

@Injectable()
class ApiKeyStrategy extends PassportStrategy(ApiKeyPassport) {
  validate(): void {}
}

/** What passport said of the last refused request. */
interface Heard {
  info?: unknown;
  status?: unknown;
}
const heard: Heard = {};

@Injectable()
class ListeningGuard extends PassportGuard('jwt') {
  override handleRequest<User>(
    error: unknown,
    user: User | false | null,
    info: unknown,
    _context: ExecutionContext,
    status: unknown,
  ): User {
    Object.assign(heard, { info, status });
    if (error instanceof Error) throw error;
    if (user === false || user === null) throw new UnauthorizedException();
    return user;
  }
}

@Controller()
class CatsController {
  @UseGuards(PassportGuard('jwt'))
  @Get('jwt')
  jwt(@CurrentUser('id') id: string): object {
    return { id };
  }

  @UseGuards(ListeningGuard)
  @Get('listening')
  listening(@CurrentUser('id') id: string): object {
    return { id };
  }

  @UseGuards(PassportGuard(['jwt', 'api-key']))
  @Get('jwt-first')
  jwtFirst(@CurrentUser('id') id: string): object {
    return { id };
  }

  @UseGuards(PassportGuard(['api-key', 'jwt']))
  @Get('jwt-last')
  jwtLast(@CurrentUser('id') id: string): object {
    return { id };
  }
}

const apiKey = ['x-api-key', 'let-me-in'] as const;

describe.each(platforms)("Nest's passport guards on $name", (platform) => {
  let issuer: TestIssuer;
  let downIssuer: TestIssuer;
  let app: RunningApp;
  let token: string;

  beforeAll(async () => {
    issuer = await startIssuer();
    downIssuer = await startIssuer();
    downIssuer.fail('503');
    token = await issuer.token({ aud: 'api', sub: 'alice' });
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: [issuer, downIssuer].map(({ url }) => oidc({ issuer: url, audience: 'api' })),
          toUser: (user) => {
            if (user.id === 'broken') throw new Error('no database');
            return user.id === 'ghost' ? null : user;
          },
        }),
      ],
      controllers: [CatsController],
      providers: [ApiKeyStrategy],
    });
  });

  beforeEach(() => {
    delete heard.info;
    delete heard.status;
  });

  const plain401 = '{"message":"Unauthorized","statusCode":401}';
  const textOf = async (path: string, call = {}): Promise<[number, string]> => {
    const { status, text } = await app.call(path, call);
    return [status, text];
  };
  const expectHeard = (code: string, reason: string | null, status: number): void => {
    expect(isAuthError(heard.info)).toBe(true);
    expect(heard.info).toMatchObject({ code, reason });
    expect(heard.status).toBe(status);
  };

  it('accept a valid token', async () => {
    expect((await app.call('/jwt', { token })).json).toEqual({ id: 'alice' });
    expect((await app.call('/listening', { token })).json).toEqual({ id: 'alice' });
  });

  it('refuse what AuthGuard refuses, with the explanation', async () => {
    expect(await textOf('/jwt')).toEqual([401, plain401]);
    await app.call('/listening');
    expectHeard('MISSING_TOKEN', null, 401);

    const expired = await issuer.token({ aud: 'api' }, { expiresIn: '-1m' });
    expect(await textOf('/jwt', { token: expired })).toEqual([401, plain401]);
    await app.call('/listening', { token: expired });
    expectHeard('INVALID_TOKEN', 'expired', 401);

    const forged = await issuer.token({ aud: 'api' }, { signWith: 'stranger' });
    expect(await textOf('/jwt', { token: forged })).toEqual([401, plain401]);
    await app.call('/listening', { token: forged });
    expectHeard('INVALID_TOKEN', 'signature', 401);

    await app.call('/listening', { headers: [['Authorization', 'Bearer']] });
    expectHeard('INVALID_REQUEST', null, 400);
  });

  it('refuse a user that the app does not know', async () => {
    const ghost = await issuer.token({ aud: 'api', sub: 'ghost' });
    expect(await textOf('/jwt', { token: ghost })).toEqual([401, plain401]);
    await app.call('/listening', { token: ghost });
    expectHeard('ACCESS_DENIED', null, 403);
  });

  it('answer an outage with 503, never 401, alone and in a chain', async () => {
    const undecidable = await downIssuer.token({ aud: 'api' });
    for (const path of ['/jwt', '/listening', '/jwt-first', '/jwt-last']) {
      const answer = await app.call(path, { token: undecidable });
      expect([answer.status, answer.json]).toEqual([
        503,
        {
          statusCode: 503,
          error: 'Service Unavailable',
          message: 'Authentication is not available at the moment',
          code: 'SERVER_ERROR',
        },
      ]);
      expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    }
  });

  it('answer an error of toUser with 500, and never accept the caller', async () => {
    const broken = await issuer.token({ aud: 'api', sub: 'broken' });
    for (const path of ['/jwt', '/jwt-first', '/jwt-last']) {
      expect((await app.call(path, { token: broken })).status).toBe(500);
    }
  });

  it.each(['/jwt-first', '/jwt-last'])('try one strategy after the other: %s', async (path) => {
    expect((await app.call(path, { token })).json).toEqual({ id: 'alice' });
    expect((await app.call(path, { headers: [apiKey] })).json).toEqual({ id: 'machine' });
    expect((await app.call(path, { token: 'no.good.token', headers: [apiKey] })).json).toEqual({ id: 'machine' });
    expect(await textOf(path, { token: 'no.good.token' })).toEqual([401, plain401]);
    expect(await textOf(path)).toEqual([401, plain401]);
  });

  it('find the strategy by the name jwt', () => {
    expect(app.nest.get(JwtStrategy, { strict: false })).toMatchObject({ name: 'jwt' });
  });
});
