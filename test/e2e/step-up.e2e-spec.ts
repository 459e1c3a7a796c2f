/** Routes that ask for a sign-in that is recent or strong enough: own tokens, tokens of another issuer, and programs. */
import { Controller, Get, Module } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { applyAuthToOpenApi, CurrentUser, fromBearer, fromHeader, OptionalAuth, oidc, StepUp } from 'nest-gatehouse';
import { apiKeys } from 'nest-gatehouse/api-keys';
import { ownTokens } from 'nest-gatehouse/sessions';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { email, password } from '../support/account-app.js';
import { platforms, startIssuer } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { apiKeyHeader, type KeyStoreApp, startKeyStoreApp } from '../support/key-store-app.js';
import { LogLines } from '../support/log-lines.js';
import { ManualClock } from '../support/manual-clock.js';
import { PasskeyClient, startPasskeyApp } from '../support/passkey-client.js';
import { SessionClient } from '../support/session-app.js';
import { grant, post } from '../support/token-endpoint-app.js';
import { accessDenied, missingToken, type Verdict, verdictOf } from '../support/verdicts.js';

@StepUp({ maxAgeSeconds: 300 })
@Controller('money')
class MoneyController {
  @Get('recent')
  recent(@CurrentUser('id') id: string): object {
    return { id };
  }

  @StepUp({ maxAgeSeconds: 3_600, acr: ['gold', 'silver'] })
  @Get('strong')
  strong(@CurrentUser('id') id: string): object {
    return { id };
  }

  @StepUp({ amr: ['mfa'] })
  @OptionalAuth()
  @Get('mfa')
  mfa(@CurrentUser('id') id: string): object {
    return { id };
  }
}

@Controller()
class AcrController {
  @StepUp({ acr: 'gold' })
  @Get('acr')
  acr(@CurrentUser('id') id: string): object {
    return { id };
  }

  @StepUp({ amr: ['pop'] })
  @Get('pop')
  pop(@CurrentUser('id') id: string): object {
    return { id };
  }
}

@Module({ controllers: [MoneyController, AcrController] })
class MoneyModule {}

const insufficient = 'error="insufficient_user_authentication"';
const stepUpRequired = (parameters = ''): Verdict => ({
  status: 401,
  challenge: `Bearer ${insufficient}${parameters}`,
  code: 'STEP_UP_REQUIRED',
});

describe.each(platforms)('a sign-in on $name', (platform) => {
  let clock: ManualClock;
  let issuer: TestIssuer;
  let stand: KeyStoreApp;
  const log = new LogLines();

  beforeAll(async () => {
    clock = new ManualClock();
    issuer = await startIssuer({ clock });
    stand = await startKeyStoreApp(platform, {
      clock,
      logger: log,
      keys: { tokenEndpoint: true },
      auth: {
        issuers: [ownTokens(), apiKeys(), oidc({ issuer: issuer.url, audience: 'api' })],
        tokenFrom: [fromBearer(), fromHeader('x-api-key')],
        routeAudit: true,
      },
      controllers: [MoneyController, AcrController],
    });
  });

  const signIn = async (...amr: string[]): Promise<SessionClient> => {
    const client = new SessionClient(stand.app, 'body');
    expect((await client.signIn('alice', { amr })).status).toBe(201);
    return client;
  };

  const seconds = (): number => clock.now().getTime() / 1_000;

  const callWith = async (path: string, claims: object): Promise<Answer> =>
    stand.app.call(path, { token: await issuer.token({ sub: 'u1', aud: 'api', ...claims }) });

  it('of the app is recent for its age and the tolerance, whatever refreshes follow', async () => {
    const client = await signIn('pwd');
    expect((await client.call('/money/recent')).json).toEqual({ id: 'alice' });
    clock.advanceSeconds(305);
    await client.refresh();
    expect((await client.call('/money/recent')).status).toBe(200);
    clock.advanceSeconds(1);
    await client.refresh();
    const late = await client.call('/money/recent');
    expect(verdictOf(late)).toEqual(stepUpRequired(', max_age="300"'));
    expect(late.json).toEqual({
      statusCode: 401,
      error: 'Unauthorized',
      message: 'A more recent or a stronger sign-in is required',
      code: 'STEP_UP_REQUIRED',
    });
    expect((await client.call('/me')).status).toBe(200);
    await client.signIn('alice', { amr: ['pwd'] });
    expect((await client.call('/money/recent')).status).toBe(200);
  });

  it('of the app is strong by its methods, on a route that is optional otherwise', async () => {
    expect((await (await signIn('pwd', 'otp', 'mfa')).call('/money/mfa')).status).toBe(200);
    const weak = await signIn('pwd');
    expect(verdictOf(await weak.call('/money/mfa'))).toEqual(stepUpRequired(', max_age="300"'));
    expect(verdictOf(await stand.app.call('/money/mfa'))).toEqual(missingToken);
  });

  it('of the app has no acr', async () => {
    expect(verdictOf(await (await signIn('pwd')).call('/acr'))).toEqual(stepUpRequired(', acr_values="gold"'));
  });

  it('of another issuer passes by acr and auth_time', async () => {
    expect((await callWith('/acr', { acr: 'gold' })).json).toEqual({ id: 'u1' });
    expect((await callWith('/money/strong', { acr: 'silver', auth_time: seconds() - 300 })).json).toEqual({ id: 'u1' });
    expect((await callWith('/pop', { amr: ['pop', 'user'] })).json).toEqual({ id: 'u1' });
  });

  it.each<[string, (now: number) => object]>([
    ['another acr', (now) => ({ acr: 'bronze', auth_time: now })],
    ['no acr', (now) => ({ auth_time: now })],
    ['an old auth_time', (now) => ({ acr: 'gold', auth_time: now - 306 })],
    ['no auth_time', () => ({ acr: 'gold' })],
  ])('of another issuer does not pass with %s, and all is named', async (_, claims) => {
    expect(verdictOf(await callWith('/money/strong', claims(seconds())))).toEqual(
      stepUpRequired(', acr_values="gold silver", max_age="300"'),
    );
  });

  it('has no parameters where only methods are asked for', async () => {
    expect(verdictOf(await callWith('/pop', { amr: ['pwd'] }))).toEqual(stepUpRequired());
  });

  it('is none of a program: an API key, its token, or client credentials of another issuer', async () => {
    const key = await stand.service.create({ userId: 'alice' });
    const issued = await post(stand, '/oauth/token', { ...grant, client_id: key.id, client_secret: key.secret });
    const { access_token: token } = issued.json as { access_token: string };
    expect((await stand.app.call('/caller', { token })).status).toBe(200);
    for (const path of ['/money/recent', '/money/mfa', '/acr', '/pop']) {
      for (const call of [apiKeyHeader(key.text), { token: key.text }, { token }]) {
        expect(verdictOf(await stand.app.call(path, call)), path).toEqual(accessDenied);
      }
    }
    expect(verdictOf(await callWith('/acr', { sub: 'c1', client_id: 'c1' }))).toEqual(accessDenied);
  });

  it('is named by the route audit', () => {
    expect(log.ours().map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'protected  GET /money/recent  MoneyController.recent  (sign-in at most 300 s ago)',
        'protected  GET /money/strong  MoneyController.strong  (sign-in at most 300 s ago, with one of the acr: gold, silver)',
        'protected  GET /pop  AcrController.pop  (sign-in with amr: pop)',
      ]),
    );
  });

  it('is named by the OpenAPI document', () => {
    const { nest } = stand.app;
    const document = applyAuthToOpenApi(SwaggerModule.createDocument(nest, new DocumentBuilder().build()), nest);
    const { responses } = document.paths['/money/recent']?.get as { responses: Record<string, object> };
    expect(responses).toMatchObject({
      401: {
        description:
          'There is no access token, or one that is not accepted, or the sign-in is too old or too weak. ' +
          'Required: sign-in at most 300 s ago.',
        headers: { 'WWW-Authenticate': { description: 'The challenge of RFC 6750, or of RFC 9470.' } },
      },
      403: { description: 'The user may not do this. Required: sign-in at most 300 s ago.' },
    });
  });

  it('by a passkey is more than one by a password', async () => {
    const accounts = await startPasskeyApp(platform, {}, { imports: [MoneyModule] });
    await accounts.accounts.create({ email, emailVerified: true, password });
    const byPassword = await accounts.signIn();
    expect(verdictOf(await byPassword.call('/pop'))).toEqual(stepUpRequired());
    expect((await byPassword.call('/money/recent')).status).toBe(200);
    const registered = new PasskeyClient(byPassword, 'body');
    await registered.register();
    const byPasskey = new PasskeyClient(accounts.client('body'), 'body', registered.authenticator);
    await byPasskey.signIn();
    expect((await byPasskey.client.call('/pop')).status).toBe(200);
  });
});
