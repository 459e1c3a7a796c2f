/**
 * The main story: a person signs in at a certified OpenID provider, the page calls the API with their access token, and
 * the API accepts that user and no other.
 */
import { Controller, Get, Post } from '@nestjs/common';
import { AuthModule, type AuthUser, CurrentUser, OptionalAuth, oidc, Public } from 'nest-gatehouse';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp } from '../support/app.js';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.js';
import { signIn, type Tokens } from '../support/sign-in.js';
import { invalidToken, invalidTokenChallenge, missingToken, verdictOf } from '../support/verdicts.js';

const catsApi = 'https://cats.example/api';
const dogsApi = 'https://dogs.example/api';

@Controller('cats')
class CatsController {
  @Get('mine')
  mine(@CurrentUser() user: AuthUser): object {
    return { owner: user.id, scopes: user.scopes, provider: user.provider };
  }

  @Post()
  add(@CurrentUser('id') owner: string): object {
    return { added: true, owner };
  }

  @OptionalAuth()
  @Get('feed')
  feed(@CurrentUser() user: AuthUser | null): object {
    return { connectionParameters: `Hello ${user?.id ?? 'stranger'}` };
  }

  @Public()
  @Get('health')
  health(): object {
    return { well: true };
  }
}

describe.each(platforms)('users of an OpenID provider on $name', (platform) => {
  let provider: OpenIdProvider;
  let app: RunningApp;
  let alice: Tokens;
  let secondsAhead = 0;

  beforeAll(async () => {
    provider = await startOpenIdProvider([catsApi, dogsApi]);
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: provider.issuer, audience: catsApi, tokenType: 'at+jwt' }),
          guardEverything: true,
          clock: { now: () => new Date(Date.now() + secondsAhead * 1_000) },
        }),
      ],
      controllers: [CatsController],
    });
    alice = await signIn(provider, 'alice', catsApi);
  });

  it('are accepted with the access token of their sign-in', async () => {
    const mine = await app.call('/cats/mine', { token: alice.accessToken });
    expect([mine.status, mine.json]).toEqual([200, { owner: 'alice', scopes: ['cats:read'], provider: 'oidc' }]);
    const added = await app.call('/cats', { method: 'POST', token: alice.accessToken });
    expect([added.status, added.json]).toEqual([201, { added: true, owner: 'alice' }]);
    expect((await app.call('/cats/feed', { token: alice.accessToken })).json).toEqual({
      connectionParameters: 'Hello alice',
    });
  });

  it('are distinguished', async () => {
    const bob = await signIn(provider, 'bob', catsApi);
    const [forAlice, forBob] = await Promise.all(
      [alice, bob].map(({ accessToken }) => app.call('/cats/mine', { token: accessToken })),
    );
    expect(forAlice?.json).toMatchObject({ owner: 'alice' });
    expect(forBob?.json).toMatchObject({ owner: 'bob' });
  });

  it('are asked to sign in without a token, except on open routes', async () => {
    expect(verdictOf(await app.call('/cats/mine'))).toEqual(missingToken);
    expect((await app.call('/cats/feed')).json).toEqual({ connectionParameters: 'Hello stranger' });
    expect((await app.call('/cats/health')).json).toEqual({ well: true });
  });

  it('are refused with the ID token, which is meant for the page', async () => {
    expect(verdictOf(await app.call('/cats/mine', { token: alice.idToken }))).toEqual(invalidToken('type'));
  });

  it('are refused with an access token for another API', async () => {
    const { accessToken } = await signIn(provider, 'alice', dogsApi);
    expect(verdictOf(await app.call('/cats/mine', { token: accessToken }))).toEqual(invalidToken('audience'));
  });

  it('cannot become another user by modifying the token', async () => {
    const [header = '', payload = '', signature = ''] = alice.accessToken.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string };
    expect(claims.sub).toBe('alice');
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'admin' })).toString('base64url');
    const changed = await app.call('/cats/mine', { token: `${header}.${forged}.${signature}` });
    expect(verdictOf(changed)).toEqual(invalidToken('signature'));
    const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    const stripped = await app.call('/cats/mine', { token: `${unsigned}.${forged}.AA` });
    expect(verdictOf(stripped)).toEqual(invalidToken('algorithm'));
  });

  it('are refused with a token of another provider of the same kind', async () => {
    const stranger = await startOpenIdProvider([catsApi]);
    const { accessToken } = await signIn(stranger, 'alice', catsApi);
    expect(verdictOf(await app.call('/cats/mine', { token: accessToken }))).toEqual(invalidToken('issuer'));
  });

  it('must sign in again when the token has expired, and the response says so', async () => {
    secondsAhead = 301 + 5;
    try {
      expect(verdictOf(await app.call('/cats/mine', { token: alice.accessToken }))).toEqual(invalidToken('expired'));
      const feed = await app.call('/cats/feed', { token: alice.accessToken });
      expect(feed.json).toEqual({ connectionParameters: 'Hello stranger' });
      expect(feed.headers['www-authenticate']).toBe(invalidTokenChallenge('expired'));
    } finally {
      secondsAhead = 0;
    }
    expect((await app.call('/cats/mine', { token: alice.accessToken })).status).toBe(200);
  });
});
