/** Several apps in one process, several modules in one app: each judges by its own rules. */
import { Controller, type DynamicModule, Get, Module, UseGuards } from '@nestjs/common';
import { AuthGuard as PassportGuard } from '@nestjs/passport';
import { AuthGuard, AuthModule, CurrentUser, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { invalidToken, verdictOf } from '../support/verdicts.js';

@Controller('me')
class MeController {
  @UseGuards(AuthGuard)
  @Get('own')
  own(@CurrentUser('id') id: string): object {
    return { id };
  }

  @UseGuards(PassportGuard('jwt'))
  @Get('passport')
  passport(@CurrentUser('id') id: string): object {
    return { id };
  }
}

const trusting = (issuer: TestIssuer, isGlobal = true): DynamicModule =>
  AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), isGlobal });

const tokenOfUser = (issuer: TestIssuer, sub: string): Promise<string> => issuer.token({ aud: 'api', sub });

describe.each(platforms)('several apps on $name', (platform) => {
  let issuers: TestIssuer[];
  let apps: RunningApp[];

  beforeAll(async () => {
    issuers = [await startIssuer(), await startIssuer(), await startIssuer()];
    apps = [];
    for (const issuer of issuers) {
      apps.push(await startApp(platform, { imports: [trusting(issuer)], controllers: [MeController] }));
    }
  });

  it('verify concurrently by their own options, with both guards', async () => {
    const pairs = apps.flatMap((app, at) => issuers.map((issuer, from) => ({ app, at, issuer, from })));
    await Promise.all(
      pairs.map(async ({ app, at, issuer, from }) => {
        const token = await tokenOfUser(issuer, `user-${from}`);
        const own = await app.call('/me/own', { token });
        // Passport keeps its strategies in one place for the whole process, by name; the last app's would win.
        const passport = await app.call('/me/passport', { token });
        if (at === from) {
          expect([own.json, passport.json]).toEqual([{ id: `user-${from}` }, { id: `user-${from}` }]);
        } else {
          expect(verdictOf(own)).toEqual(invalidToken('issuer'));
          expect(passport.status).toBe(401);
        }
      }),
    );
  });

  it('are not affected when one of them closes', async () => {
    const passing = await startApp(platform, { imports: [trusting(await startIssuer())], controllers: [MeController] });
    await passing.nest.close();
    const [app, issuer] = [apps[0], issuers[0]];
    if (app === undefined || issuer === undefined) throw new Error('no app was started');
    const token = await tokenOfUser(issuer, 'alice');
    expect((await app.call('/me/own', { token })).json).toEqual({ id: 'alice' });
    expect((await app.call('/me/passport', { token })).json).toEqual({ id: 'alice' });
  });
});

@Controller('staff')
class StaffController {
  @UseGuards(AuthGuard)
  @Get()
  staff(@CurrentUser('id') id: string): object {
    return { id };
  }
}

@Controller('customers')
class CustomersController {
  @UseGuards(AuthGuard)
  @Get()
  customers(@CurrentUser('id') id: string): object {
    return { id };
  }
}

describe.each(platforms)('two modules in one app on $name', (platform) => {
  it('guard each feature with the options of the imported module', async () => {
    const [staffIssuer, customerIssuer] = [await startIssuer(), await startIssuer()];
    @Module({ imports: [trusting(staffIssuer, false)], controllers: [StaffController] })
    class StaffModule {}
    @Module({ imports: [trusting(customerIssuer, false)], controllers: [CustomersController] })
    class CustomersModule {}
    const app = await startApp(platform, { imports: [StaffModule, CustomersModule] });
    const staffToken = await tokenOfUser(staffIssuer, 'sam');
    const customerToken = await tokenOfUser(customerIssuer, 'carol');
    expect((await app.call('/staff', { token: staffToken })).json).toEqual({ id: 'sam' });
    expect((await app.call('/customers', { token: customerToken })).json).toEqual({ id: 'carol' });
    expect(verdictOf(await app.call('/staff', { token: customerToken }))).toEqual(invalidToken('issuer'));
    expect(verdictOf(await app.call('/customers', { token: staffToken }))).toEqual(invalidToken('issuer'));
    expect([staffIssuer.requests.jwks, customerIssuer.requests.jwks]).toEqual([1, 1]);
  });
});
