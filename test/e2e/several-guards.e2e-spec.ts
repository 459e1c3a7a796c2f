/** A guard that accepts where one of several does, as `OrGuard` of @nest-lab/or-guard: an accepted answer has no challenge. */
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Header,
  Inject,
  Injectable,
  Res,
  UseGuards,
} from '@nestjs/common';
import { AuthGuard, AuthModule, OptionalAuth, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';

@Injectable()
class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    return headers['x-api-key'] === 'let-me-in';
  }
}

@Injectable()
class OrGuard implements CanActivate {
  constructor(
    @Inject(AuthGuard) private readonly auth: AuthGuard,
    @Inject(ApiKeyGuard) private readonly apiKey: ApiKeyGuard,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      return await this.auth.canActivate(context);
    } catch (error) {
      if (this.apiKey.canActivate(context)) return true;
      throw error;
    }
  }
}

interface Reply {
  redirect(url: string, status?: number): unknown;
  raw?: object;
}

@Controller()
class CatsController {
  @UseGuards(OrGuard)
  @Get('cats')
  @Header('X-Kept', 'yes')
  list(): object {
    return { cats: [] };
  }

  @UseGuards(OrGuard)
  @Get('own-challenge')
  @Header('WWW-Authenticate', 'Negotiate')
  own(): object {
    return {};
  }

  @UseGuards(OrGuard)
  @Get('moved')
  moved(@Res() reply: Reply): void {
    if (reply.raw === undefined) reply.redirect('/cats');
    else reply.redirect('/cats', 302);
  }

  @OptionalAuth()
  @Get('feed')
  feed(): object {
    return {};
  }
}

describe.each(platforms)('several guards of one route on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) })],
      controllers: [CatsController],
      providers: [ApiKeyGuard],
    });
  });

  const key = ['X-Api-Key', 'let-me-in'] as const;

  it.each(['/cats', '/moved'])('add no challenge to an answer that another guard has let through: %s', async (path) => {
    for (const call of [{ headers: [key] }, { token: 'no.good.token', headers: [key] }]) {
      const { status, headers } = await app.call(path, call);
      expect(status).toBeLessThan(400);
      expect(headers['www-authenticate']).toBeUndefined();
    }
  });

  it('leave other headers as they are', async () => {
    const { headers } = await app.call('/cats', { headers: [key] });
    expect([headers['x-kept'], headers['content-type']?.split(';')[0]]).toEqual(['yes', 'application/json']);
    expect((await app.call('/own-challenge', { headers: [key] })).headers['www-authenticate']).toBe('Negotiate');
  });

  it('challenge a caller whom none accepts', async () => {
    const { status, headers } = await app.call('/cats');
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer']);
    const refused = await app.call('/cats', { token: 'no.good.token' });
    expect(refused.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  it('leave the challenge of an optional route, which states that the token was refused', async () => {
    const { status, headers } = await app.call('/feed', { token: 'no.good.token' });
    expect(status).toBe(200);
    expect(headers['www-authenticate']).toContain('error="invalid_token"');
  });
});
