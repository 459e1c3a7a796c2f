/** Permissions and teams that are in no token: asked of Stack Auth where a route requires them, and never guessed. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AuthGuard,
  Authenticator,
  AuthModule,
  type AuthUser,
  jwtIssuer,
  OptionalAuth,
  RequireAnyPermission,
  RequireOrganization,
  RequirePermissions,
  RequireRoles,
  stackAuth,
  UserProfileService,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer, startTestingApp } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { LogLines, see } from '../support/log-lines.js';
import { TeamsBackend } from '../support/teams-backend.js';
import { accessDenied, missingToken, unavailable, verdictOf } from '../support/verdicts.js';

@Controller('cats')
class CatsController {
  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(): string {
    return 'guarded';
  }

  @RequirePermissions('cats:feed')
  @Get('feed')
  feed(): string {
    return 'fed';
  }

  @OptionalAuth({ onUnavailable: 'anonymous' })
  @RequireAnyPermission('cats:sell', 'cats:feed')
  @Get('optional')
  optional(): string {
    return 'optional';
  }

  @RequireRoles('vet')
  @RequirePermissions('cats:feed')
  @Get('treat')
  treat(): string {
    return 'treated';
  }
}

@RequireOrganization()
@Controller('teams/:orgId')
class TeamsController {
  @Get()
  read(): string {
    return 'team';
  }

  @RequireOrganization({ permissions: ['$delete_team'] })
  @Get('delete')
  delete(): string {
    return 'deleted';
  }

  @RequireOrganization({ role: 'Admin' })
  @Get('role')
  role(): string {
    return 'role';
  }
}

describe.each(platforms)('looked-up permissions on $name', (platform) => {
  const logger = new LogLines();
  let clock: ManualClock;
  let backend: TeamsBackend;
  let robots: TestIssuer;
  let app: RunningApp;
  let token: string;

  const parts = () => ({
    imports: [
      AuthModule.forRoot({
        issuers: [
          stackAuth(backend.options),
          jwtIssuer({ issuer: robots.url, audience: 'api', jwksUri: robots.jwksUri }),
        ],
        clock,
      }),
    ],
    controllers: [CatsController, TeamsController],
  });

  beforeEach(async () => {
    clock = new ManualClock();
    backend = await TeamsBackend.start(clock);
    robots = await startIssuer({ clock });
    backend.grants.push(
      { userId: 'alice', teamId: null, permissions: ['cats:feed'] },
      { userId: 'alice', teamId: 'red', permissions: ['$delete_team', '$read_members'] },
      { userId: 'alice', teamId: 'blue', permissions: ['$read_members'] },
      { userId: 'bob', teamId: 'green', permissions: ['$delete_team'] },
    );
    token = await backend.tokenFor('alice', { selected_team_id: 'green' });
    logger.forget();
    app = await startApp(platform, { logger, ...parts() });
    logger.forget();
  });

  it('are requested where a route requires them, once a minute, and nowhere else', async () => {
    expect((await app.call('/cats/guarded', { token })).status).toBe(200);
    expect(backend.calls).toEqual([]);
    expect((await app.call('/cats/feed', { token })).status).toBe(200);
    expect((await app.call('/cats/optional', { token })).status).toBe(200);
    expect(backend.calls).toEqual(['/api/v1/project-permissions?user_id=me&recursive=true']);
    // What was given is taken away, and what was not is given: within a minute, not at once.
    backend.grants.length = 0;
    clock.advanceSeconds(59);
    expect((await app.call('/cats/feed', { token })).status).toBe(200);
    clock.advanceSeconds(1);
    expect(verdictOf(await app.call('/cats/feed', { token }))).toEqual(accessDenied);
  });

  it('allow members of a team, and of these the ones with the permission in it', async () => {
    expect((await app.call('/teams/red', { token })).status).toBe(200);
    expect((await app.call('/teams/red/delete', { token })).status).toBe(200);
    expect((await app.call('/teams/blue', { token })).status).toBe(200);
    expect(backend.calls).toEqual([
      '/api/v1/teams?user_id=me',
      '/api/v1/team-permissions?user_id=me&recursive=true&team_id=red',
    ]);
  });

  it.each([
    ['/teams/blue/delete', 'the permission is held in another team'],
    ['/teams/green', 'the team that the token names as selected is none of theirs'],
    ['/teams/green/delete', 'nor is its permission'],
    ['/teams/Team%20red', 'a name is no id'],
    ['/teams/__proto__', 'nothing has this id'],
    ['/teams/red/role', 'Stack Auth has no roles'],
    ['/cats/treat', 'nor roles beyond teams'],
  ])('refuse %s, as %s', async (path) => {
    expect(verdictOf(await app.call(path, { token }))).toEqual(accessDenied);
    expect(logger.ours().map(({ level }) => level)).toEqual(['debug']);
  });

  it.each(['/cats/feed', '/cats/optional', '/teams/red'])('are not requested without a user: %s', async (path) => {
    expect(verdictOf(await app.call(path))).toEqual(missingToken);
    expect(backend.calls).toEqual([]);
  });

  it('are explained with their source and the response', async () => {
    const bob = await backend.tokenFor('bob');
    await app.call('/cats/feed', { token: bob });
    await app.call('/teams/red', { token: bob });
    expect(logger.ours().map(({ text }) => text)).toEqual([
      'CatsController.feed: refused (ACCESS_DENIED). It requires permissions: cats:feed; ' +
        `the user's permissions, requested from the API of Stack Auth, has []${see('ACCESS_DENIED')}`,
      'TeamsController.read: refused (ACCESS_DENIED). It requires membership of the organization whose id is :orgId; ' +
        `the call names "red", and the user's organizations, requested from the API of Stack Auth, has the ids ["green"]${see('ACCESS_DENIED')}`,
    ]);
  });

  it.each([503, 'hang-up'] as const)(
    'cause a 503 while Stack Auth does not answer (%s), even if they were known',
    async (failure) => {
      expect((await app.call('/teams/red/delete', { token })).status).toBe(200);
      clock.advanceSeconds(60);
      backend.failure = failure;
      for (const path of ['/teams/red/delete', '/teams/green', '/cats/feed', '/cats/optional']) {
        const answer = await app.call(path, { token });
        expect(verdictOf(answer)).toEqual(unavailable);
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      }
      expect((await app.call('/cats/guarded', { token })).status).toBe(200);
      expect(logger.ours('error').map(({ text }) => text.split(':')[0])).toEqual([
        'Cannot get permissions from the API of Stack Auth',
      ]);
      expect(logger.lines.map(({ text }) => text).join()).not.toContain(token);
    },
  );

  it('are forgotten together with the profile', async () => {
    expect((await app.call('/cats/feed', { token })).status).toBe(200);
    backend.grants.length = 0;
    app.nest.get(UserProfileService).forget('alice');
    expect(verdictOf(await app.call('/cats/feed', { token }))).toEqual(accessDenied);
  });

  it('are not requested from Stack Auth for users of another issuer', async () => {
    const robot = await robots.token({ sub: 'alice', aud: 'api', permissions: ['cats:feed'] });
    expect((await app.call('/cats/feed', { token: robot })).status).toBe(200);
    expect(verdictOf(await app.call('/teams/red', { token: robot }))).toEqual(accessDenied);
    expect(backend.calls).toEqual([]);
  });

  it('are those of a user that a test creates by hand', async () => {
    const user: Partial<AuthUser> = {
      id: 'carol',
      issuer: `${backend.url}/api/v1/projects/${backend.options.projectId}`,
      permissions: ['cats:feed'],
      organizations: [{ id: 'red', name: null, slug: null, roles: [], permissions: [] }],
    };
    const module = await Test.createTestingModule(parts())
      .overrideProvider(Authenticator)
      .useValue({ authenticate: () => user, toAppUser: () => user })
      .compile();
    const overridden = await startTestingApp(platform, module);
    expect((await overridden.call('/cats/feed')).status).toBe(200);
    expect((await overridden.call('/teams/red')).status).toBe(200);
    expect(verdictOf(await overridden.call('/teams/red/delete'))).toEqual(accessDenied);
    expect(backend.calls).toEqual([]);
  });
});
