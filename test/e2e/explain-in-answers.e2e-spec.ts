/** `explainInAnswers`: the body says in development what the log says, and never in production. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';

@UseGuards(AuthGuard)
@Controller('me')
class MeController {
  @Get()
  me(): object {
    return {};
  }
}

describe.each(platforms)('explanations in answers on $name', (platform) => {
  let issuer: TestIssuer;

  beforeAll(async () => {
    issuer = await startIssuer();
  });

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const start = (logger: LogLines, explainInAnswers?: boolean): Promise<RunningApp> =>
    startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          ...(explainInAnswers !== undefined && { explainInAnswers }),
        }),
      ],
      controllers: [MeController],
      logger,
    });

  const bodyOf = async (app: RunningApp): Promise<object> =>
    (await app.call('/me', { token: await issuer.token({ aud: 'web' }) })).json as object;

  const plain = {
    statusCode: 401,
    error: 'Unauthorized',
    message: 'The access token is meant for another audience',
    code: 'INVALID_TOKEN',
    reason: 'audience',
  };

  it('have what the log says', async () => {
    const log = new LogLines();
    const body = await bodyOf(await start(log, true));
    const { explanation } = body as { explanation: string };
    expect(body).toEqual({ ...plain, explanation });
    expect(explanation).toMatch(/^Expected audience "api", the token says "web"\. .*#invalid-token-audience$/);
    expect(log.ours('debug')[0]?.text).toBe(`MeController.me: refused (INVALID_TOKEN, audience). ${explanation}`);
    expect(log.ours('warn')).toEqual([]);
  });

  it('are left out without the option', async () => {
    expect(await bodyOf(await start(new LogLines()))).toEqual(plain);
  });

  it('are left out in production, with a warning at the start', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const log = new LogLines();
    const app = await start(log, true);
    expect(log.ours('warn').map(({ text }) => text)).toEqual([
      'AuthModule.forRoot({ explainInAnswers }): it has no effect with NODE_ENV=production, because explanations repeat texts of tokens',
    ]);
    expect(await bodyOf(app)).toEqual(plain);
  });
});
