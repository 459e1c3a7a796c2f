/** What the guide about step-up says about clients, handlers and resources. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthUser,
  CurrentUser,
  oidc,
  RefusalError,
  RequireScopes,
  StepUp,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { guideCode } from '../support/guide-code.js';
import { ManualClock } from '../support/manual-clock.js';
import { verdictOf } from '../support/verdicts.js';

const origin = 'https://api.example.com';

@Controller('money')
class MoneyController {
  @StepUp({ acr: ['gold', 'silver'], maxAgeSeconds: 300 })
  @RequireScopes('pay')
  @Get('payout')
  payOut(@CurrentUser('id') id: string): object {
    return { id };
  }

  @UseGuards(AuthGuard)
  @Get('transfer')
  transfer(@CurrentUser() { claims }: AuthUser): object {
    if (claims['acr'] !== 'gold') throw RefusalError.tooOld(300, 'Transfers need a recent sign-in', ['gold']);
    return { transferred: true };
  }
}

interface ClientOfTheGuide {
  wantedSignIn(answer: Response): Record<string, string> | undefined;
  signInAgain(endpoint: string, usual: Record<string, string>, wanted: Record<string, string>): URL;
}

describe.each(platforms)('a step-up on $name', (platform) => {
  const clock = new ManualClock();
  let issuer: TestIssuer;
  let app: RunningApp;
  let client: ClientOfTheGuide;

  beforeAll(async () => {
    issuer = await startIssuer({ clock });
    const issuers = oidc({ issuer: issuer.url, audience: origin });
    const auth = AuthModule.forRoot({ issuers, publicUrl: origin, resource: { identifier: origin }, clock });
    app = await startApp(platform, { imports: [auth], controllers: [MoneyController] });
    client = await guideCode<ClientOfTheGuide>('step-up.md', 'export function wantedSignIn');
  });

  const tokenWith = (claims: object) => issuer.token({ sub: 'alice', aud: origin, scope: 'pay', ...claims });
  const now = () => Math.floor(clock.now().getTime() / 1_000);

  it('leads the client of the guide to a sign-in that passes', async () => {
    const send = (token: string) => fetch(`${app.url}/money/payout`, { headers: { authorization: `Bearer ${token}` } });
    const refused = await send(await tokenWith({ auth_time: now() - 3_600 }));
    const wanted = client.wantedSignIn(refused) ?? {};
    expect(wanted).toEqual({ acr_values: 'gold silver', max_age: '300' });
    const page = client.signInAgain('https://id.example.com/authorize?tenant=a', { client_id: 'page' }, wanted);
    expect(page.href).toBe(
      'https://id.example.com/authorize?tenant=a&client_id=page&acr_values=gold+silver&max_age=300',
    );
    // What an issuer makes of these parameters.
    const acr = page.searchParams.get('acr_values')?.split(' ')[0];
    const passed = await send(await tokenWith({ auth_time: now(), acr }));
    expect([passed.status, client.wantedSignIn(passed)]).toEqual([200, undefined]);
    expect(client.wantedSignIn(await send('garbage'))).toBeUndefined();
  });

  it('names metadata and scopes of the resource as well', async () => {
    const metadata = `${origin}/.well-known/oauth-protected-resource`;
    expect(verdictOf(await app.call('/money/payout', { token: await tokenWith({}) }))).toEqual({
      status: 401,
      challenge: `Bearer resource_metadata="${metadata}", scope="pay", error="insufficient_user_authentication", acr_values="gold silver", max_age="300"`,
      code: 'STEP_UP_REQUIRED',
    });
  });

  it('may be asked for by a handler', async () => {
    const refused = await app.call('/money/transfer', { token: await tokenWith({}) });
    expect(verdictOf(refused)).toMatchObject({ status: 401, code: 'STEP_UP_REQUIRED' });
    expect(refused.headers['www-authenticate']).toContain(
      'error="insufficient_user_authentication", acr_values="gold", max_age="300"',
    );
    expect(refused.text).not.toContain('Transfers');
    expect((await app.call('/money/transfer', { token: await tokenWith({ acr: 'gold' }) })).status).toBe(200);
  });
});
