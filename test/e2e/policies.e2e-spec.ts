/** Rules of the app's own: functions and classes, whatever they need injected, and only `true` lets anybody pass. */
import { Controller, type ExecutionContext, Get, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  AuthModule,
  type AuthUser,
  CurrentUser,
  OptionalAuth,
  oidc,
  type Policy,
  type PolicyAnswer,
  Public,
  RequirePolicy,
  RequireRoles,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer, startTestingApp } from '../support/app.js';
import { LogLines, see } from '../support/log-lines.js';
import { accessDenied, invalidToken, missingToken, verdictOf } from '../support/verdicts.js';

interface CatRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const catOf = (context: ExecutionContext): string | undefined =>
  context.switchToHttp().getRequest<CatRequest>().params['cat'];

/** What the policies were asked, in order. */
const asked: string[] = [];

@Injectable()
class Cats {
  private readonly owners: ReadonlyMap<string, string> = new Map([
    ['tom', 'alice'],
    ['felix', 'bob'],
  ]);

  async ownerOf(cat: string): Promise<string | undefined> {
    return this.owners.get(cat);
  }
}

@Injectable()
class OwnsCat implements Policy {
  constructor(@Inject(Cats) private readonly cats: Cats) {}

  async check(user: AuthUser, context: ExecutionContext): Promise<PolicyAnswer> {
    const cat = catOf(context) ?? '';
    asked.push(`OwnsCat ${cat}`);
    return (await this.cats.ownerOf(cat)) === user.id || `${cat} is somebody else's`;
  }
}

/** A request-scoped provider that numbers the requests. */
@Injectable({ scope: Scope.REQUEST })
class Visitor {
  private static made = 0;
  readonly number = (Visitor.made += 1);

  constructor(@Inject(REQUEST) private readonly request: CatRequest) {}

  get country(): string | undefined {
    return this.request.headers['x-country'];
  }
}

const visitors = new Set<number>();

/** Not scoped itself, but what it needs is. */
@Injectable()
class FromHere implements Policy {
  constructor(@Inject(Visitor) private readonly visitor: Visitor) {}

  check(): boolean {
    visitors.add(this.visitor.number);
    return this.visitor.country === 'no';
  }
}

@Injectable({ scope: Scope.REQUEST })
class FromHereAgain extends FromHere {}

@Injectable({ scope: Scope.TRANSIENT })
class Fresh implements Policy {
  readonly check = (user: AuthUser): boolean => user.id === 'alice';
}

/** A port, and what an app puts behind it. */
abstract class Weather implements Policy {
  abstract check(): PolicyAnswer;
}

@RequirePolicy(OwnsCat)
@Controller('cats/:cat')
class CatsController {
  @Get()
  read(@CurrentUser() user: unknown): object {
    return { user };
  }

  @RequirePolicy((user, context) => {
    asked.push(`by hand ${catOf(context) ?? ''}`);
    return user.email === 'alice@example.org';
  })
  @Get('feed')
  feed(): string {
    return 'fed';
  }

  @RequirePolicy(FromHere)
  @RequirePolicy(FromHereAgain)
  @Get('here')
  here(): string {
    return 'here';
  }

  @RequirePolicy(Fresh)
  @RequirePolicy(Weather)
  @Get('fresh')
  fresh(): string {
    return 'fresh';
  }

  @RequireRoles('vet')
  @Get('treat')
  treat(): string {
    return 'treated';
  }

  @OptionalAuth()
  @Get('optional')
  optional(): string {
    return 'optional';
  }

  @Public()
  @Get('open')
  open(): string {
    return 'open';
  }
}

/** The same providers, made for each request together with the controller. */
@Controller({ path: 'scoped/:cat', scope: Scope.REQUEST })
class ScopedController {
  constructor(@Inject(Visitor) private readonly visitor: Visitor) {}

  @RequirePolicy(FromHere)
  @Get()
  read(): object {
    return { sameVisitor: visitors.has(this.visitor.number) };
  }
}

@Controller('heirs/:cat')
class HeirController extends CatsController {}

const weather: { answer: PolicyAnswer } = { answer: true };

@Module({
  providers: [Cats, OwnsCat, Fresh, { provide: Weather, useValue: { check: () => weather.answer } }],
})
class FarAwayModule {}

describe.each(platforms)('policies on $name', (platform) => {
  const logger = new LogLines();
  let issuer: TestIssuer;
  let app: RunningApp;

  const root = () => ({
    imports: [
      AuthModule.forRoot({
        issuers: oidc({ issuer: issuer.url, audience: 'api' }),
        // Policies are asked about the user of the token, before the app makes its own of them.
        toUser: ({ id }) => ({ account: id }),
        guardEverything: true,
      }),
      FarAwayModule,
    ],
    controllers: [CatsController, ScopedController, HeirController],
    providers: [Visitor, FromHere, FromHereAgain],
  });

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, { logger, ...root() });
  });

  beforeEach(() => {
    logger.forget();
    asked.length = 0;
    visitors.clear();
    weather.answer = true;
  });

  const callAs = async (
    sub: string,
    path: string,
    { claims = {}, headers = {} }: { claims?: object; headers?: object } = {},
  ) => app.call(path, { token: await issuer.token({ sub, aud: 'api', ...claims }), headers: Object.entries(headers) });

  it('allow callers for whom they return true', async () => {
    const answer = await callAs('alice', '/cats/tom');
    expect([answer.status, answer.json]).toEqual([200, { user: { account: 'alice' } }]);
    expect((await callAs('bob', '/cats/felix')).status).toBe(200);
    expect((await callAs('bob', '/heirs/felix')).status).toBe(200);
  });

  it.each([
    ['alice', '/cats/felix'],
    ['bob', '/cats/tom'],
    ['alice', '/cats/anonymousCaller'],
    ['alice', '/cats/felix/optional'],
    ['alice', '/heirs/felix'],
  ])('refuse every other caller: %s at %s', async (sub, path) => {
    expect(verdictOf(await callAs(sub, path))).toEqual(accessDenied);
  });

  it('run once, class before handler, although the guard is on both and global', async () => {
    expect((await callAs('alice', '/cats/tom/feed', { claims: { email: 'alice@example.org' } })).status).toBe(200);
    expect(asked).toEqual(['OwnsCat tom', 'by hand tom']);
  });

  it('are combined on class and handler', async () => {
    expect(verdictOf(await callAs('alice', '/cats/tom/feed'))).toEqual(accessDenied);
    expect(verdictOf(await callAs('bob', '/cats/tom/feed', { claims: { email: 'alice@example.org' } }))).toEqual(
      accessDenied,
    );
    expect(asked).toEqual(['OwnsCat tom', 'by hand tom', 'OwnsCat tom']);
  });

  it('do not run for callers that are refused without them', async () => {
    expect(verdictOf(await callAs('alice', '/cats/tom/treat'))).toEqual(accessDenied);
    expect(verdictOf(await app.call('/cats/tom/treat'))).toEqual(missingToken);
    expect(verdictOf(await app.call('/cats/tom', { token: 'clubs.hearts.spades' }))).toEqual(invalidToken('malformed'));
    expect(verdictOf(await app.call('/cats/tom/optional'))).toEqual(missingToken);
    expect((await app.call('/cats/tom/open')).status).toBe(200);
    expect(asked).toEqual([]);
  });

  it('are created for each request where a dependency is request-scoped', async () => {
    expect((await callAs('alice', '/cats/tom/here', { headers: { 'x-country': 'no' } })).status).toBe(200);
    // Both policies of one request looked at the same visitor.
    expect(visitors.size).toBe(1);
    expect(verdictOf(await callAs('alice', '/cats/tom/here', { headers: { 'x-country': 'se' } }))).toEqual(
      accessDenied,
    );
    expect(visitors.size).toBe(2);
    const many = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 'no' : 'se'));
    const made = await Promise.all(
      many.map((country) => callAs('alice', '/cats/tom/here', { headers: { 'x-country': country } })),
    );
    expect(made.map(({ status }) => status)).toEqual(many.map((country) => (country === 'no' ? 200 : 403)));
  });

  it("share the request's providers with its controller", async () => {
    const answer = await callAs('alice', '/scoped/tom', { headers: { 'x-country': 'no' } });
    expect([answer.status, answer.json]).toEqual([200, { sameVisitor: true }]);
    expect(verdictOf(await callAs('alice', '/scoped/tom'))).toEqual(accessDenied);
  });

  it('may be transient, provided by an abstract class, and of any module', async () => {
    expect((await callAs('alice', '/cats/tom/fresh')).status).toBe(200);
    weather.answer = 'it rains';
    expect(verdictOf(await callAs('alice', '/cats/tom/fresh'))).toEqual(accessDenied);
    expect(logger.ours().map(({ level, text }) => [level, text])).toEqual([
      [
        'debug',
        `CatsController.fresh: refused (ACCESS_DENIED). It requires policy Weather, which refuses: "it rains"${see('ACCESS_DENIED')}`,
      ],
    ]);
  });

  it('can be overridden in a test', async () => {
    const module = await Test.createTestingModule(root())
      .overrideProvider(OwnsCat)
      .useValue({ check: () => true })
      .compile();
    const overridden = await startTestingApp(platform, module);
    const token = await issuer.token({ sub: 'anonymousCaller', aud: 'api' });
    expect((await overridden.call('/cats/tom', { token })).status).toBe(200);
  });
});
