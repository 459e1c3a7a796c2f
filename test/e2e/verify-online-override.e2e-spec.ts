/** An Authenticator of the app that does not call issuers makes a route with @VerifyOnline() refuse every caller. */
import { Controller, Get } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AuthModule, type AuthUser, Authenticator, CurrentUser, oidc, VerifyOnline } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startTestingApp } from '../support/app.js';

@Controller()
class PaymentsController {
  @VerifyOnline()
  @Get('pay')
  pay(@CurrentUser('id') id: string): object {
    return { id };
  }
}

const alice = { id: 'alice' } as AuthUser;
const asAlice: Authenticator = { authenticate: () => alice, toAppUser: (_, user) => user };

describe.each(platforms)('@VerifyOnline() on $name, with an Authenticator of the app', (platform) => {
  const start = async (authenticator: Authenticator) => {
    const issuers = oidc({ issuer: 'https://issuer.example', audience: 'api' });
    const module = Test.createTestingModule({
      imports: [AuthModule.forRoot({ issuers })],
      controllers: [PaymentsController],
    });
    return startTestingApp(platform, await module.overrideProvider(Authenticator).useValue(authenticator).compile());
  };

  it('refuses callers when the Authenticator does not verify online', async () => {
    const answer = await (await start(asAlice)).call('/pay');

    expect(answer).toMatchObject({ status: 500, json: { code: 'CONFIGURATION_ERROR' } });
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });

  it('accepts callers that the Authenticator has verified online', async () => {
    const app = await start({
      authenticate: () => alice,
      authenticateOnline: () => alice,
      toAppUser: (_, user) => user,
    });

    expect((await app.call('/pay')).json).toEqual({ id: 'alice' });
  });
});
