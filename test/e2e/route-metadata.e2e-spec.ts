/** Which routes are guarded: the guard on a handler, on a class, on everything; and the nearest mark wins. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, OptionalAuth, oidc, Public } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { invalidToken, invalidTokenChallenge, missingToken, verdictOf } from '../support/verdicts.js';

/** What a handler tells about its caller. */
const whoIs = (user: AuthUser | null): object => ({ user: user?.id ?? null });

@Controller('unmarked')
class UnmarkedController {
  @Get('unmarked')
  unmarked(@CurrentUser() user: AuthUser | null): object {
    return whoIs(user);
  }

  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(@CurrentUser() user: AuthUser): object {
    return whoIs(user);
  }

  @OptionalAuth()
  @Get('optional')
  optional(@CurrentUser() user: AuthUser | null): object {
    return whoIs(user);
  }

  @Public()
  @Get('public')
  public(@CurrentUser() user: AuthUser | null): object {
    return whoIs(user);
  }

  // Both at once contradict each other, and the stricter one holds.
  @Public()
  @UseGuards(AuthGuard)
  @Get('public-and-guarded')
  publicAndGuarded(@CurrentUser() user: AuthUser): object {
    return whoIs(user);
  }
}

// The same handlers, inherited: their marks come along, and meet another class's mark.
@UseGuards(AuthGuard)
@Controller('guarded-class')
class GuardedController extends UnmarkedController {}

@OptionalAuth()
@Controller('optional-class')
class OptionalController extends UnmarkedController {}

@Public()
@Controller('public-class')
class PublicController extends UnmarkedController {}

// Inherited class marks, each met by a nearer one.
@Public()
@Controller('public-under-guarded')
class PublicUnderGuardedController extends GuardedController {}

@OptionalAuth()
@Controller('optional-under-guarded')
class OptionalUnderGuardedController extends GuardedController {}

@UseGuards(AuthGuard)
@Controller('guarded-under-public')
class GuardedUnderPublicController extends PublicController {}

@UseGuards(AuthGuard)
@Controller('guarded-under-optional')
class GuardedUnderOptionalController extends OptionalController {}

@Public()
@Controller('public-under-optional')
class PublicUnderOptionalController extends OptionalController {}

// Nest adds the guards of a class to those it inherits; ours is among them, and was not put here.
@Public()
@UseGuards({ canActivate: () => true })
@Controller('public-with-another-guard')
class PublicWithAnotherGuardController extends GuardedController {}

@Controller('heir-of-guarded')
class HeirOfGuardedController extends GuardedController {}

@Controller('heir-of-public')
class HeirOfPublicController extends PublicController {}

const controllers = [
  UnmarkedController,
  GuardedController,
  OptionalController,
  PublicController,
  PublicUnderGuardedController,
  OptionalUnderGuardedController,
  GuardedUnderPublicController,
  GuardedUnderOptionalController,
  PublicUnderOptionalController,
  PublicWithAnotherGuardController,
  HeirOfGuardedController,
  HeirOfPublicController,
];

/** The result for a route: public, optional (anonymous callers and known users), or known users only. */
type Outcome = 'public' | 'optional' | 'required';

const ownMetadata: readonly [handler: string, outcome: Outcome][] = [
  ['guarded', 'required'],
  ['optional', 'optional'],
  ['public', 'public'],
  ['public-and-guarded', 'required'],
];

const classMetadata: readonly [controller: string, outcome: Outcome][] = [
  ['guarded-class', 'required'],
  ['optional-class', 'optional'],
  ['public-class', 'public'],
  ['public-under-guarded', 'public'],
  ['optional-under-guarded', 'optional'],
  ['guarded-under-public', 'required'],
  ['guarded-under-optional', 'required'],
  ['public-under-optional', 'public'],
  ['public-with-another-guard', 'public'],
  ['heir-of-guarded', 'required'],
  ['heir-of-public', 'public'],
];

/** Every handler in every class, with what is expected of it. */
const routes = (unmarked: Outcome): [path: string, outcome: Outcome][] => {
  const classes: readonly [string, Outcome][] = [['unmarked', unmarked], ...classMetadata];
  return classes.flatMap(([controller, ofClass]) =>
    [['unmarked', ofClass] as const, ...ownMetadata].map(([handler, outcome]): [string, Outcome] => [
      `/${controller}/${handler}`,
      outcome,
    ]),
  );
};

describe.each(platforms)('decorators on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;
  let guardedApp: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    const start = (guardEverything: boolean): Promise<RunningApp> => {
      const issuers = oidc({ issuer: issuer.url, audience: 'api' });
      return startApp(platform, { imports: [AuthModule.forRoot({ issuers, guardEverything })], controllers });
    };
    [app, guardedApp] = [await start(false), await start(true)];
  });

  const expectOutcome = async (asked: RunningApp, path: string, outcome: Outcome): Promise<void> => {
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    const [bare, good, bad] = await Promise.all([
      asked.call(path),
      asked.call(path, { token }),
      asked.call(path, { token: 'clubs.hearts.spades' }),
    ]);
    expect(good.json).toEqual({ user: outcome === 'public' ? null : 'alice' });
    if (outcome === 'required') {
      expect(verdictOf(bare)).toEqual(missingToken);
      expect(verdictOf(bad)).toEqual(invalidToken('malformed'));
      return;
    }
    expect([bare.status, bare.json]).toEqual([200, { user: null }]);
    expect([bad.status, bad.json]).toEqual([200, { user: null }]);
    expect(bare.headers['www-authenticate']).toBeUndefined();
    expect(bad.headers['www-authenticate']).toBe(
      outcome === 'optional' ? invalidTokenChallenge('malformed') : undefined,
    );
  };

  it.each(routes('public'))('%s is %s', async (path, outcome) => {
    await expectOutcome(app, path, outcome);
  });

  it.each(routes('required'))('%s is %s with guardEverything', async (path, outcome) => {
    await expectOutcome(guardedApp, path, outcome);
  });

  it('leave an unknown path a 404 with guardEverything', async () => {
    expect((await guardedApp.call('/nowhere')).status).toBe(404);
  });
});
