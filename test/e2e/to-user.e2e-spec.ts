/** The app's own user: what `toUser` makes of the verified one, and what its failures come to. */
import {
  ConflictException,
  Controller,
  Get,
  HttpException,
  Inject,
  Injectable,
  Module,
  UseGuards,
} from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthUser,
  CurrentUser,
  OptionalAuth,
  oidc,
  Public,
  type ToUser,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { accessDenied, invalidToken, missingToken, verdictOf } from '../support/verdicts.js';

interface Account {
  readonly plan: string;
  readonly owner: { readonly email: string | null };
}

@Controller()
class AccountsController {
  @UseGuards(AuthGuard)
  @Get('account')
  account(@CurrentUser() account: Account): object {
    return { account };
  }

  @UseGuards(AuthGuard)
  @Get('owner')
  owner(@CurrentUser<Account>('owner.email') email: string | null): object {
    return { email };
  }

  @OptionalAuth()
  @Get('optional')
  optional(@CurrentUser() account: Account | null): object {
    return { account };
  }

  @Public()
  @Get('public')
  public(@CurrentUser() account: Account | null): object {
    return { account };
  }
}

@UseGuards(AuthGuard)
@Controller('twice')
class GuardedTwiceController {
  @UseGuards(AuthGuard)
  @Get()
  twice(@CurrentUser() account: Account): object {
    return { account };
  }
}

describe.each(platforms)('toUser on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;
  let token: string;
  /** What the app does at the moment, and whom it was asked about. */
  let toUser: ToUser;
  const asked: AuthUser[] = [];

  beforeAll(async () => {
    issuer = await startIssuer();
    token = await issuer.token({ aud: 'api', sub: 'alice', email: 'alice@example.org' });
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          guardEverything: true,
          toUser: (user, request) => {
            asked.push(user);
            return toUser(user, request);
          },
        }),
      ],
      controllers: [AccountsController, GuardedTwiceController],
    });
  });

  beforeEach(() => {
    asked.length = 0;
  });

  const toAccount = ({ email }: AuthUser): Account => ({ plan: 'gold', owner: { email } });

  it.each([
    ['at once', toAccount],
    ['after a while', async (user: AuthUser) => toAccount(await Promise.resolve(user))],
  ])("sets the app's own user for the handler, %s", async (_when, make) => {
    toUser = make;
    const account = { plan: 'gold', owner: { email: 'alice@example.org' } };
    expect((await app.call('/account', { token })).json).toEqual({ account });
    expect((await app.call('/owner', { token })).json).toEqual({ email: 'alice@example.org' });
    expect((await app.call('/optional', { token })).json).toEqual({ account });
    expect(asked.map(({ id, issuer: iss }) => [id, iss])).toEqual(Array(3).fill(['alice', issuer.url]));
  });

  it.each([
    ['null', () => null],
    ['undefined', () => undefined],
    ['null after a while', async () => null],
    ['null from a query builder that is a function', queryWithoutRow],
  ])('refuses an unknown user when it returns %s', async (_what, make) => {
    toUser = make;
    expect(verdictOf(await app.call('/account', { token }))).toEqual(accessDenied);
    const optional = await app.call('/optional', { token });
    expect([optional.status, optional.json]).toEqual([200, { account: null }]);
    expect(optional.headers).not.toHaveProperty('www-authenticate');
  });

  it.each([
    ['at once', () => throwIt(new ConflictException({ message: 'Pick a plan first', next: '/plans' }))],
    ['after a while', async () => throwIt(new ConflictException({ message: 'Pick a plan first', next: '/plans' }))],
  ])('may throw an HttpException, which is sent unchanged, thrown %s, on optional routes too', async (_when, make) => {
    toUser = make;
    for (const path of ['/account', '/optional', '/twice']) {
      const answer = await app.call(path, { token });
      expect([answer.status, answer.text]).toEqual([409, '{"message":"Pick a plan first","next":"/plans"}']);
      expect(answer.headers).not.toHaveProperty('www-authenticate');
    }
  });

  it.each([
    ['an error', () => throwIt(new Error('the database at 10.0.0.7 is gone'))],
    ['an error, after a while', async () => throwIt(new Error('the database at 10.0.0.7 is gone'))],
    ['something that is no error', () => throwIt('gone')],
    ['nothing at all', () => throwIt(undefined)],
  ])(
    'causes a 500 when it throws or returns %s: never an accepted caller, and no detail is sent',
    async (_what, make) => {
      toUser = make;
      for (const path of ['/account', '/optional', '/twice']) {
        const answer = await app.call(path, { token });
        expect([answer.status, answer.text]).toEqual([500, '{"statusCode":500,"message":"Internal server error"}']);
      }
    },
  );

  it('is called once per request, although three guards protect the handler', async () => {
    toUser = toAccount;
    expect((await app.call('/twice', { token })).status).toBe(200);
    expect(asked).toHaveLength(1);
    await app.call('/twice', { token });
    expect(asked).toHaveLength(2);
  });

  it('is not called without an accepted token', async () => {
    toUser = toAccount;
    expect(verdictOf(await app.call('/account'))).toEqual(missingToken);
    expect(verdictOf(await app.call('/account', { token: 'no.good.token' }))).toEqual(invalidToken('malformed'));
    expect((await app.call('/optional', { token: 'no.good.token' })).json).toEqual({ account: null });
    expect((await app.call('/public', { token })).json).toEqual({ account: null });
    expect(asked).toEqual([]);
  });
});

@Injectable()
class AccountStore {
  private readonly plans = new Map([['alice', 'gold']]);

  async findPlan(id: string): Promise<string | undefined> {
    if (id === 'debtor') throw new HttpException('Pay first', 402);
    return this.plans.get(id);
  }
}

@Module({ providers: [AccountStore], exports: [AccountStore] })
class AccountsModule {}

@Controller('plan')
class PlanController {
  constructor(@Inject(AccountStore) private readonly accounts: AccountStore) {}

  @UseGuards(AuthGuard)
  @Get()
  async plan(@CurrentUser() plan: string): Promise<object> {
    return { plan, again: await this.accounts.findPlan('alice') };
  }
}

describe.each(platforms)('toUser with a service of the app on $name', (platform) => {
  it('calls the service that forRootAsync has injected', async () => {
    const issuer = await startIssuer();
    const app = await startApp(platform, {
      imports: [
        AccountsModule,
        AuthModule.forRootAsync({
          imports: [AccountsModule],
          inject: [AccountStore],
          useFactory: (accounts: AccountStore) => ({
            issuers: oidc({ issuer: issuer.url, audience: 'api' }),
            toUser: ({ id }) => accounts.findPlan(id),
          }),
        }),
      ],
      controllers: [PlanController],
    });
    const callAs = async (sub: string) => app.call('/plan', { token: await issuer.token({ aud: 'api', sub }) });
    expect((await callAs('alice')).json).toEqual({ plan: 'gold', again: 'gold' });
    expect(verdictOf(await callAs('stranger'))).toEqual(accessDenied);
    expect((await callAs('debtor')).status).toBe(402);
  });
});

function throwIt(thing: unknown): never {
  throw thing;
}

/** As some query builders are: to be called, and to be awaited. */
function queryWithoutRow(): unknown {
  const row = Promise.resolve(null);
  return Object.assign(() => 'a query', { then: row.then.bind(row) });
}
