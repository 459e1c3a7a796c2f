/** The caller as their provider knows them now: `@CurrentProfile()`, what it costs, and what its failures come to. */
import { Controller, Get, Injectable, type PipeTransform, Scope, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthUser,
  CurrentProfile,
  CurrentUser,
  OptionalAuth,
  oidc,
  type ProfileOptions,
  Public,
  type UserProfile,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { LogLines } from '../support/log-lines.js';
import { invalidToken, unavailable, verdictOf } from '../support/verdicts.js';

@Injectable()
class EmailOf implements PipeTransform {
  transform(profile: UserProfile | null): string | null {
    return profile?.primaryEmail ?? null;
  }
}

/** What an app may put before all of its handlers. */
class TrimsAllTexts implements PipeTransform {
  transform(value: unknown): unknown {
    if (typeof value === 'string') return value.trim();
    if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value)) this.set(value, name, member);
    return value;
  }

  private set(value: object, name: string, member: unknown): void {
    Object.assign(value, { [name]: this.transform(member) });
  }
}

@UseGuards(AuthGuard)
@Controller()
class PeopleController {
  @Get('id')
  id(@CurrentUser('id') id: string): object {
    return { id };
  }

  @Get('full')
  full(@CurrentProfile() profile: UserProfile): object {
    return { profile };
  }

  @Get('twice')
  twice(@CurrentProfile() one: UserProfile, @CurrentProfile(EmailOf) email: string): object {
    return { name: one.displayName, email };
  }

  @Get('account')
  account(@CurrentUser() account: object, @CurrentProfile() profile: UserProfile): object {
    return { account, name: profile.displayName };
  }

  @OptionalAuth()
  @Get('optional')
  optional(@CurrentProfile() profile: UserProfile | null): object {
    return { name: profile?.displayName ?? 'a guest' };
  }

  @Public()
  @Get('public')
  public(@CurrentProfile() profile: UserProfile | null): object {
    return { profile };
  }
}

@UseGuards(AuthGuard)
@Controller({ path: 'scoped', scope: Scope.REQUEST })
class RequestScopedController {
  @Get()
  full(@CurrentProfile() profile: UserProfile): object {
    return { name: profile.displayName };
  }
}

@Controller('unguarded')
class UnguardedController {
  @Get()
  full(@CurrentProfile() profile: UserProfile | null): object {
    return { profile };
  }
}

const controllers = [PeopleController, RequestScopedController, UnguardedController];

describe.each(platforms)('@CurrentProfile() on $name', (platform) => {
  let issuer: TestIssuer;
  let token: string;
  const clock = new ManualClock();

  beforeAll(async () => {
    issuer = await startIssuer({ clock });
  });

  beforeEach(async () => {
    token = await issuer.token({ aud: 'api', sub: 'alice' });
    issuer.setUserInfo('alice', { name: 'Alice', email: 'alice@example.org', email_verified: true });
  });

  afterEach(() => {
    issuer.recover();
  });

  const start = (profiles: ProfileOptions = {}, more: object = {}): Promise<RunningApp> =>
    startApp(platform, {
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock, profiles, ...more }),
      ],
      controllers,
    });

  /** How often the provider is asked about users while something is done. */
  const questionsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = issuer.requests.userinfo;
    await work();
    return issuer.requests.userinfo - before;
  };

  it("injects the caller's profile at the provider", async () => {
    const app = await start();

    expect(await app.call('/full', { token })).toMatchObject({
      status: 200,
      json: {
        profile: {
          id: 'alice',
          displayName: 'Alice',
          primaryEmail: 'alice@example.org',
          primaryEmailVerified: true,
          signedUpAt: null,
          raw: { sub: 'alice', name: 'Alice' },
        },
      },
    });
  });

  it('calls the provider only where it is used, and not for each request', async () => {
    const app = await start();
    const call = (path: string) => () => app.call(path, { token });

    expect(await questionsOf(call('/id'))).toBe(0);
    expect(await questionsOf(call('/full'))).toBe(1);
    expect(await questionsOf(call('/full'))).toBe(0);
    clock.advanceSeconds(660);
    expect(
      await questionsOf(async () => app.call('/full', { token: await issuer.token({ aud: 'api', sub: 'alice' }) })),
    ).toBe(1);
  });

  it('calls the provider once per request, also when the cache is off', async () => {
    const app = await start({ cache: false });
    const answers: unknown[] = [];
    const questions = await questionsOf(async () => {
      for (let call = 0; call < 3; call += 1) answers.push((await app.call('/twice', { token })).json);
    });

    expect(answers).toEqual(Array(3).fill({ name: 'Alice', email: 'alice@example.org' }));
    expect(questions).toBe(3);
  });

  it('makes one call for many concurrent requests', async () => {
    const app = await start();
    const questions = await questionsOf(async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => app.call('/full', { token })));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    });

    expect(questions).toBe(1);
  });

  it('is null where there is no user', async () => {
    const app = await start();
    const questions = await questionsOf(async () => {
      expect((await app.call('/optional')).json).toEqual({ name: 'a guest' });
      expect((await app.call('/optional', { token: 'nonsense' })).json).toEqual({ name: 'a guest' });
      expect((await app.call('/public', { token })).json).toEqual({ profile: null });
      expect((await app.call('/unguarded', { token })).json).toEqual({ profile: null });
    });
    expect(questions).toBe(0);
    expect((await app.call('/optional', { token })).json).toEqual({ name: 'Alice' });
  });

  it('belongs to the user of the token, whatever toUser returns', async () => {
    const app = await start({}, { toUser: ({ id }: AuthUser) => ({ id: 7, login: id }) });

    expect((await app.call('/account', { token })).json).toEqual({ account: { id: 7, login: 'alice' }, name: 'Alice' });
    expect((await app.call('/optional', { token })).json).toEqual({ name: 'Alice' });
  });

  it('works in request-scoped controllers', async () => {
    const app = await start();

    expect((await app.call('/scoped', { token })).json).toEqual({ name: 'Alice' });
  });

  it('works with global pipes of the app', async () => {
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock })],
      controllers,
      prepare: (nest) => {
        (nest as unknown as { useGlobalPipes(...pipes: PipeTransform[]): void }).useGlobalPipes(new TrimsAllTexts());
      },
    });

    expect((await app.call('/full', { token })).json).toMatchObject({ profile: { displayName: 'Alice' } });
  });

  it.each(['/full', '/optional'])('refuses a user whom the provider has deleted: %s', async (path) => {
    const app = await start();
    issuer.setUserInfo('alice', null);

    expect(verdictOf(await app.call(path, { token }))).toEqual(invalidToken('revoked'));
  });

  it('logs an outage once, and never the token', async () => {
    const logger = new LogLines();
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), clock })],
      controllers,
      logger,
    });
    issuer.fail('503', { only: 'userinfo' });
    for (let call = 0; call < 5; call += 1) await app.call('/full', { token });
    issuer.recover();

    expect(logger.ours('error').map(({ text }) => text)).toEqual([
      expect.stringContaining(`Cannot get the profiles of ${issuer.url}`),
    ]);
    expect(logger.ours('debug')).toHaveLength(5);
    expect(logger.lines.some(({ text }) => text.includes(token))).toBe(false);
  });

  it.each(['503', 'reset', 'garbage', 'redirect', 'oversize', 'html', 'empty'] as const)(
    'answers 503 with Retry-After while the provider does not answer: %s',
    async (fault) => {
      const app = await start();
      issuer.fail(fault, { only: 'userinfo' });
      const answer = await app.call('/full', { token });

      expect(verdictOf(answer)).toEqual(unavailable);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect((await app.call('/id', { token })).status).toBe(200);
    },
  );

  it.each(['hang', 'drip'] as const)('answers 503 after the timeout: %s', async (fault) => {
    const app = await start({}, { http: { timeoutMs: 500 } });
    issuer.fail(fault, { only: 'userinfo' });

    expect(verdictOf(await app.call('/full', { token }))).toEqual(unavailable);
  });

  it('injects a cached profile while the provider is down', async () => {
    const app = await start();
    await app.call('/full', { token });
    clock.advanceSeconds(120);
    issuer.fail('503', { only: 'userinfo' });

    expect((await app.call('/full', { token })).json).toMatchObject({ profile: { displayName: 'Alice' } });
  });
});
