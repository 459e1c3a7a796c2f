/** A certified OpenID provider gives out tokens that only it can read, and takes them back. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, oidc, type OidcOptions } from 'nest-gatehouse';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Platform, platforms, type RunningApp, startApp } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { askingApi, type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.js';
import { signIn } from '../support/sign-in.js';
import { invalidToken, unavailable, verdictOf } from '../support/verdicts.js';

const catsApi = 'https://cats.example/opaque';
const dogsApi = 'https://dogs.example/opaque';
const jwtApi = 'https://cats.example/api';

@UseGuards(AuthGuard)
@Controller('cats')
class CatsController {
  @Get()
  mine(@CurrentUser() user: AuthUser): object {
    return { owner: user.id, scopes: user.scopes };
  }
}

describe.each(platforms)('opaque tokens on $name', (platform) => {
  let provider: OpenIdProvider;

  beforeAll(async () => {
    provider = await startOpenIdProvider([catsApi, dogsApi, jwtApi]);
  });

  const start = (options: Partial<OidcOptions> = {}, more: object = {}): Promise<RunningApp> =>
    startAt(platform, { issuer: provider.issuer, audience: catsApi, introspection: askingApi, ...options }, more);

  it('authenticate their user until the provider revokes them', async () => {
    const app = await start();
    const { accessToken: token } = await signIn(provider, 'alice', catsApi);
    expect(token).not.toContain('.');
    expect((await app.call('/cats', { token })).json).toEqual({ owner: 'alice', scopes: ['cats:read'] });

    const body = new URLSearchParams({ token, client_id: provider.client.clientId });
    expect((await fetch(`${provider.issuer}/token/revocation`, { method: 'POST', body })).status).toBe(200);
    expect(verdictOf(await app.call('/cats', { token }))).toEqual(invalidToken('revoked'));
  });

  it('are refused at another API, and after they have expired', async () => {
    const app = await start();
    const dogs = await signIn(provider, 'alice', dogsApi);
    expect(verdictOf(await app.call('/cats', { token: dogs.accessToken }))).toEqual(invalidToken('audience'));

    const late = await start({}, { clock: { now: () => new Date(Date.now() + 400_000) } });
    const cats = await signIn(provider, 'alice', catsApi);
    expect(verdictOf(await late.call('/cats', { token: cats.accessToken }))).toEqual(invalidToken('expired'));
  });

  it('work together with JWTs, which are verified by signature because this provider does not introspect them', async () => {
    const { accessToken } = await signIn(provider, 'alice', jwtApi);
    const { accessToken: opaque } = await signIn(provider, 'bob', catsApi);
    const local = await start({ audience: [catsApi, jwtApi], verify: 'local' });
    expect((await local.call('/cats', { token: accessToken })).json).toMatchObject({ owner: 'alice' });
    expect((await local.call('/cats', { token: opaque })).json).toMatchObject({ owner: 'bob' });

    const log = new LogLines();
    const online = await start({ audience: jwtApi }, { log });
    expect(verdictOf(await online.call('/cats', { token: accessToken }))).toEqual(unavailable);
    expect(log.ours('error')[0]?.text).toContain("verify: 'local'");
  });

  it("cause a 500 when the app's introspection credentials are wrong", async () => {
    const log = new LogLines();
    const app = await start({ introspection: { ...askingApi, clientSecret: 'wrong' } }, { log });
    const { accessToken: token } = await signIn(provider, 'alice', catsApi);
    const answer = await app.call('/cats', { token });

    expect(verdictOf(answer)).toEqual(unavailable);
    expect(log.ours('error')[0]?.text).toContain('introspection: { clientId, clientSecret }');
  });
});

async function startAt(platform: Platform, options: OidcOptions, { log, ...more }: { log?: LogLines } & object) {
  return startApp(platform, {
    imports: [AuthModule.forRoot({ issuers: oidc(options), ...more })],
    controllers: [CatsController],
    ...(log !== undefined && { logger: log }),
  });
}
