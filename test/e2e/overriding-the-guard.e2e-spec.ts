/** What an app's own tests do: put another guard in the place of ours, wherever ours stands. */
import { type CanActivate, Controller, type ExecutionContext, Get, UseGuards } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, OptionalAuth, oidc } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startTestingApp } from '../support/app.js';
import { missingToken, verdictOf } from '../support/verdicts.js';

@Controller()
class CatsController {
  @Get('unmarked')
  unmarked(@CurrentUser() user: AuthUser | null): object {
    return { id: user?.id ?? null };
  }

  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(@CurrentUser('id') id: string): object {
    return { id };
  }

  @OptionalAuth()
  @Get('optional')
  optional(@CurrentUser() user: AuthUser | null): object {
    return { id: user?.id ?? null };
  }
}

/** Signs everybody in as one user, whatever they send. */
const asTester: CanActivate = {
  canActivate(context: ExecutionContext): boolean {
    context.switchToHttp().getRequest<{ user?: object }>().user = { id: 'tester' };
    return true;
  },
};

const testingModule = (guardEverything: boolean): TestingModuleBuilder =>
  Test.createTestingModule({
    imports: [
      // No server listens there, because a test that overrides the guard needs no issuer.
      AuthModule.forRoot({ issuers: oidc({ issuer: 'http://127.0.0.1:9', audience: 'api' }), guardEverything }),
    ],
    controllers: [CatsController],
  });

describe.each(platforms)('a test that overrides the guard on $name', (platform) => {
  it('replaces the guard of single routes by overrideGuard', async () => {
    const module = await testingModule(false).overrideGuard(AuthGuard).useValue(asTester).compile();
    const app = await startTestingApp(platform, module);
    expect((await app.call('/guarded')).json).toEqual({ id: 'tester' });
    expect((await app.call('/optional')).json).toEqual({ id: 'tester' });
  });

  it('replaces the global guard by overrideProvider', async () => {
    const module = await testingModule(true).overrideProvider(AuthGuard).useValue(asTester).compile();
    const app = await startTestingApp(platform, module);
    expect((await app.call('/unmarked')).json).toEqual({ id: 'tester' });
    // The guard that a route brings itself is another one, and still there.
    expect(verdictOf(await app.call('/guarded'))).toEqual(missingToken);
  });

  it('can use a class, and a guard that refuses every caller', async () => {
    class ClosedGuard implements CanActivate {
      canActivate(): boolean {
        return false;
      }
    }
    const module = await testingModule(true).overrideProvider(AuthGuard).useClass(ClosedGuard).compile();
    const app = await startTestingApp(platform, module);
    expect((await app.call('/unmarked')).status).toBe(403);
  });
});
