/** One route for guests and users: what comes of no token, a bad one, nonsense, and keys that cannot be had. */
import { Controller, Get } from '@nestjs/common';
import { AuthModule, type AuthModuleOptions, type AuthUser, CurrentUser, OptionalAuth, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { invalidRequest, invalidToken, invalidTokenChallenge, unavailable, verdictOf } from '../support/verdicts.js';

@Controller()
class FeedController {
  @OptionalAuth()
  @Get('feed')
  feed(@CurrentUser() user: AuthUser | null): object {
    return { user: user?.id ?? null };
  }

  @OptionalAuth({ onInvalid: 'anonymous', onUnavailable: 'reject' })
  @Get('lenient')
  lenient(@CurrentUser() user: AuthUser | null): object {
    return { user: user?.id ?? null };
  }

  @OptionalAuth({ onInvalid: 'reject' })
  @Get('strict')
  strict(@CurrentUser() user: AuthUser | null): object {
    return { user: user?.id ?? null };
  }

  @OptionalAuth({ onUnavailable: 'anonymous' })
  @Get('always-there')
  alwaysThere(@CurrentUser() user: AuthUser | null): object {
    return { user: user?.id ?? null };
  }
}

@OptionalAuth({ onInvalid: 'reject', onUnavailable: 'anonymous' })
@Controller('marked-class')
class MarkedController {
  @Get('by-class')
  byClass(@CurrentUser() user: AuthUser | null): object {
    return { user: user?.id ?? null };
  }

  // A mark stands for itself: what it leaves out comes from the module, not from the class.
  @OptionalAuth()
  @Get('by-handler')
  byHandler(@CurrentUser() user: AuthUser | null): object {
    return { user: user?.id ?? null };
  }
}

describe.each(platforms)('optional authentication on $name', (platform) => {
  let issuer: TestIssuer;
  let downIssuer: TestIssuer;
  /** As it comes, and with both defaults turned. */
  let usual: RunningApp;
  let turned: RunningApp;

  const startWith = (optionalAuth?: AuthModuleOptions['optionalAuth']): Promise<RunningApp> => {
    const issuers = [issuer, downIssuer].map(({ url }) => oidc({ issuer: url, audience: 'api' }));
    return startApp(platform, {
      imports: [AuthModule.forRoot({ issuers, ...(optionalAuth && { optionalAuth }) })],
      controllers: [FeedController, MarkedController],
    });
  };

  beforeAll(async () => {
    issuer = await startIssuer();
    downIssuer = await startIssuer();
    downIssuer.fail('reset');
    usual = await startWith();
    turned = await startWith({ onInvalid: 'reject', onUnavailable: 'anonymous' });
  });

  const expired = (): Promise<string> => issuer.token({ aud: 'api' }, { expiresIn: '-1m' });
  const undecidable = (): Promise<string> => downIssuer.token({ aud: 'api' });

  const expectGuest = (answer: Answer, challenge?: string): void => {
    expect([answer.status, answer.json]).toEqual([200, { user: null }]);
    expect(answer.headers['www-authenticate']).toBe(challenge);
    expect(answer.headers).not.toHaveProperty('retry-after');
  };

  it('knows the user of a valid token', async () => {
    const answer = await usual.call('/feed', { token: await issuer.token({ aud: 'api', sub: 'alice' }) });
    expect([answer.status, answer.json]).toEqual([200, { user: 'alice' }]);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it.each(['/feed', '/strict', '/always-there', '/marked-class/by-class'])(
    'treats a request without a token as anonymous, without a challenge: %s',
    async (path) => {
      expectGuest(await usual.call(path));
      expectGuest(await turned.call(path));
    },
  );

  it('treats credentials of another scheme as none', async () => {
    expectGuest(await usual.call('/feed', { headers: [['Authorization', 'Basic YTpi']] }));
  });

  it('continues without a user when the token is refused, and tells the client why', async () => {
    expectGuest(await usual.call('/feed', { token: await expired() }), invalidTokenChallenge('expired'));
    const forged = await issuer.token({ aud: 'api' }, { signWith: 'stranger' });
    expectGuest(await usual.call('/feed', { token: forged }), invalidTokenChallenge('signature'));
  });

  it('answers 401 for a refused token where the route requires it', async () => {
    const token = await expired();
    expect(verdictOf(await usual.call('/strict', { token }))).toEqual(invalidToken('expired'));
    expect(verdictOf(await usual.call('/marked-class/by-class', { token }))).toEqual(invalidToken('expired'));
  });

  it('answers 503 while the keys cannot be fetched', async () => {
    const answer = await usual.call('/feed', { token: await undecidable() });
    expect(verdictOf(answer)).toEqual(unavailable);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  });

  it('continues without a user while the keys cannot be fetched, where the route allows it', async () => {
    const token = await undecidable();
    expectGuest(await usual.call('/always-there', { token }));
    expectGuest(await usual.call('/marked-class/by-class', { token }));
  });

  it.each([
    ['Bearer with nothing behind it', [['Authorization', 'Bearer']]],
    [
      'two different tokens',
      [
        ['Authorization', 'Bearer a.b.c'],
        ['Authorization', 'Bearer d.e.f'],
      ],
    ],
  ] as const)('answers 400 for %s, regardless of the options', async (_case, headers) => {
    for (const path of ['/feed', '/strict', '/always-there']) {
      expect(verdictOf(await usual.call(path, { headers }))).toEqual(invalidRequest);
      expect(verdictOf(await turned.call(path, { headers }))).toEqual(invalidRequest);
    }
  });

  it("uses the module's options where the route has none", async () => {
    const [old, open] = [await expired(), await undecidable()];
    expect(verdictOf(await turned.call('/feed', { token: old }))).toEqual(invalidToken('expired'));
    expectGuest(await turned.call('/feed', { token: open }));
    expect(verdictOf(await turned.call('/marked-class/by-handler', { token: old }))).toEqual(invalidToken('expired'));
    expectGuest(await usual.call('/marked-class/by-handler', { token: old }), invalidTokenChallenge('expired'));
    expect(verdictOf(await usual.call('/marked-class/by-handler', { token: open }))).toEqual(unavailable);
  });

  it("uses the route's options instead of the module's", async () => {
    expectGuest(await turned.call('/lenient', { token: await expired() }), invalidTokenChallenge('expired'));
    expect(verdictOf(await turned.call('/lenient', { token: await undecidable() }))).toEqual(unavailable);
    // What the route does not name stays the module's.
    expectGuest(await turned.call('/strict', { token: await undecidable() }));
  });
});

describe('@OptionalAuth()', () => {
  it('refuses an unknown option when the class is loaded, and names the similar one', () => {
    expect(() => OptionalAuth({ onInvald: 'reject' } as object)).toThrow(
      '@OptionalAuth({ onInvald }): there is no option of this name. Did you mean onInvalid.',
    );
    expect(() => OptionalAuth({ onInvalid: 'ignore' } as object)).toThrow(
      "@OptionalAuth({ onInvalid }): one of 'anonymous', 'reject' is expected. Left out, it is 'anonymous'.",
    );
  });
});
