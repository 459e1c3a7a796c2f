/** Passport keeps one strategy for each name. An app's own strategy named `jwt` keeps its name, and its guards. */
import { Controller, Get, Injectable, type OnModuleInit, UseGuards } from '@nestjs/common';
import { AuthGuard as PassportGuard, PassportStrategy } from '@nestjs/passport';
import { AuthGuard, AuthModule, CurrentUser, JwtStrategy, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import passport, { Strategy } from 'passport';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';

interface SentRequest {
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Accepts a session of the app's own, which is no token of the issuer. */
class SessionPassport extends Strategy {
  override readonly name = 'session-of-the-app';

  override authenticate({ headers }: SentRequest): void {
    if (headers['authorization'] === 'Bearer own-session') this.success({ id: 'own' });
    else this.fail('Bearer', 401);
  }
}

/** Named as in Nest's documentation. */
@Injectable()
class AppJwtStrategy extends PassportStrategy(SessionPassport, 'jwt') {
  validate(): void {}
}

/** Registers its strategy when a connection is there, after the providers were created. */
@Injectable()
class LateStrategies implements OnModuleInit {
  async onModuleInit(): Promise<void> {
    await new Promise(setImmediate);
    passport.use('jwt', new SessionPassport());
  }
}

@Controller()
class CatsController {
  @UseGuards(PassportGuard('jwt'))
  @Get('passport')
  passport(@CurrentUser('id') id: string): object {
    return { id };
  }

  @UseGuards(AuthGuard)
  @Get('gatehouse')
  gatehouse(@CurrentUser('id') id: string): object {
    return { id };
  }
}

describe.each(platforms)("passport's name jwt on $name", (platform) => {
  let issuer: TestIssuer;
  let token: string;
  let log: LogLines;

  beforeAll(async () => {
    issuer = await startIssuer();
    token = await issuer.token({ aud: 'api', sub: 'alice' });
  });

  beforeEach(() => {
    log = new LogLines();
    passport.unuse('jwt');
  });

  afterEach(() => {
    passport.unuse('jwt');
  });

  const authModule = (): ReturnType<typeof AuthModule.forRoot> =>
    AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) });
  const warnings = (): string[] => log.ours('warn').map(({ text }) => text);
  const statusOf = async (app: RunningApp, path: string, credential: string): Promise<number> =>
    (await app.call(path, { token: credential })).status;

  class OwnModule {}
  const own = { module: OwnModule, providers: [AppJwtStrategy] };

  it.each(['before', 'after'])("stays with the app's own strategy, created %s AuthModule", async (order) => {
    const imports = order === 'before' ? [own, authModule()] : [authModule(), own];
    const app = await startApp(platform, { imports, controllers: [CatsController], logger: log });
    expect((await app.call('/passport', { token: 'own-session' })).json).toEqual({ id: 'own' });
    expect(await statusOf(app, '/passport', token)).toBe(401);
    expect((await app.call('/gatehouse', { token })).json).toEqual({ id: 'alice' });
    expect(await statusOf(app, '/gatehouse', 'own-session')).toBe(401);
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toContain('AppJwtStrategy');
    expect(warnings()[0]).toContain("PassportStrategy(Strategy, 'another-name')");
  });

  it('is reported when another strategy takes it from ours while the app starts', async () => {
    const app = await startApp(platform, {
      imports: [authModule()],
      controllers: [CatsController],
      providers: [LateStrategies],
      logger: log,
    });
    expect((await app.call('/passport', { token: 'own-session' })).json).toEqual({ id: 'own' });
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toContain('SessionPassport');
  });

  it('is ours where nobody else wants it, without a warning', async () => {
    const app = await startApp(platform, { imports: [authModule()], controllers: [CatsController], logger: log });
    expect((await app.call('/passport', { token })).json).toEqual({ id: 'alice' });
    expect(app.nest.get(JwtStrategy)).toMatchObject({ name: 'jwt' });
    expect(warnings()).toEqual([]);
  });
});
