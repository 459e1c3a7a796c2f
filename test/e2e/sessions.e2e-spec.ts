/** Sessions of the app's own: signing in, refreshing, signing out, and the list of sessions. */
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { claimsOf, setCookiesOf, startSessionApp } from '../support/session-app.js';
import { missingToken, verdictOf } from '../support/verdicts.js';

describe.each(platforms)('a session, on $name', (platform) => {
  it('is delivered in cookies, and its access token passes the guard', async () => {
    const { client, clock } = await startSessionApp(platform);
    const browser = client();
    const answer = await browser.signIn('alice');
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({
      user: {
        id: 'alice',
        email: 'alice@example.com',
        emailVerified: null,
        username: null,
        name: 'Alice',
        givenName: null,
        familyName: null,
        pictureUrl: null,
        isAnonymous: false,
        hasPassword: false,
        roles: ['admin'],
        scopes: [],
      },
      expires_in: 600,
      is_new_user: false,
    });
    expect(answer.headers['cache-control']).toBe('no-store');
    const lines = setCookiesOf(answer);
    expect(lines.map((line) => line.replace(/=[^;]*/, ''))).toEqual([
      '__Host-access; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1209600',
      '__Host-refresh; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1209600',
    ]);
    const me = await browser.call('/me');
    expect(me.status).toBe(200);
    expect(me.json).toMatchObject({
      id: 'alice',
      provider: 'own',
      roles: ['admin'],
      issuer: 'https://api.example.com',
    });
    const now = clock.now().getTime() / 1_000;
    expect(claimsOf(browser.accessToken)).toEqual({
      iss: 'https://api.example.com',
      aud: 'https://api.example.com',
      sub: 'alice',
      iat: now,
      exp: now + 600,
      jti: expect.stringMatching(/^[\w-]{22}$/) as string,
      client_id: 'https://api.example.com',
      sid: (me.json as { sessionId: string }).sessionId,
      auth_time: now,
      amr: ['pwd'],
      roles: ['admin'],
    });
  });

  it('is refreshed, listed and ended', async () => {
    const { client, clock } = await startSessionApp(platform);
    const browser = client();
    const phone = client('body');
    await browser.signIn('alice');
    await phone.signIn('alice');
    const first = browser.refreshToken;
    clock.advanceSeconds(700);
    expect(verdictOf(await browser.call('/me'))).toMatchObject({ status: 401, reason: 'expired' });
    const refreshed = await browser.refresh();
    expect(refreshed.status).toBe(200);
    expect(browser.refreshToken).not.toBe(first);
    expect((await browser.call('/me')).status).toBe(200);
    expect((await phone.refresh()).json).toMatchObject({ token_type: 'Bearer', expires_in: 600 });
    const list = await phone.call('/auth/sessions');
    expect(list.json).toMatchObject({ items: [{ current: true }, { current: false, amr: ['pwd'] }], nextCursor: null });
    const { items } = list.json as { items: { id: string }[] };
    expect((await phone.call(`/auth/sessions/${items[1]?.id ?? ''}`, { method: 'DELETE' })).status).toBe(204);
    expect(verdictOf(await browser.call('/me'))).toMatchObject({ status: 401, reason: 'revoked' });
    expect(verdictOf(await browser.refresh())).toMatchObject({ status: 401, reason: 'revoked' });
    expect((await phone.post('/auth/sign-out')).status).toBe(204);
    expect(verdictOf(await phone.refresh())).toMatchObject({ status: 401, reason: 'revoked' });
  });
});

describe.each(platforms)('the app as an issuer, on $name', (platform) => {
  it('publishes its keys and its metadata, outside prefix and versions', async () => {
    const { app, client } = await startSessionApp(platform, {
      prepare: (nest) => nest.setGlobalPrefix('api').enableVersioning(),
    });
    const keys = await app.call('/.well-known/jwks.json');
    expect(keys.status).toBe(200);
    expect(keys.json).toMatchObject({ keys: [{ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256' }] });
    expect(keys.headers).toMatchObject({
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
    });
    const metadata = await app.call('/.well-known/oauth-authorization-server');
    expect(metadata.json).toMatchObject({
      issuer: 'https://api.example.com',
      jwks_uri: 'https://api.example.com/.well-known/jwks.json',
      response_types_supported: [],
    });
    expect((await app.call('/oauth/authorize')).json).toEqual({ error: 'unsupported_response_type' });
    const browser = client();
    expect((await browser.post('/api/v1/sign-in', { userId: 'alice' })).status).toBe(404);
    expect((await browser.post('/api/sign-in', { userId: 'alice' })).status).toBe(201);
    expect((await browser.post('/api/auth/refresh')).status).toBe(200);
  });
});

describe.each(platforms)('the routes of sessions, on $name', (platform) => {
  it('are open under guardEverything, and in the OpenAPI document', async () => {
    let paths: Record<string, Record<string, { tags?: string[] }>> = {};
    const { client } = await startSessionApp(platform, {
      auth: { guardEverything: true } as object,
      prepare: (nest) => {
        const document = SwaggerModule.createDocument(nest, new DocumentBuilder().build());
        paths = document.paths as typeof paths;
      },
    });
    const browser = client();
    expect((await browser.signIn('alice')).status).toBe(201);
    expect((await browser.refresh()).status).toBe(200);
    expect((await browser.call('/auth/me')).json).toMatchObject({ user: { id: 'alice' } });
    browser.jar.clear();
    expect(verdictOf(await browser.call('/auth/me'))).toEqual(missingToken);
    expect(verdictOf(await browser.refresh())).toEqual(missingToken);
    expect((await browser.post('/auth/sign-out')).status).toBe(204);
    const own = Object.entries(paths).filter(([path]) => path.startsWith('/auth/'));
    expect(own.map(([path, methods]) => `${Object.keys(methods).join()} ${path}`).sort()).toEqual([
      'delete /auth/sessions/{id}',
      'get /auth/me',
      'get /auth/sessions',
      'post /auth/refresh',
      'post /auth/sign-out',
      'post /auth/sign-out-everywhere',
    ]);
    for (const [, methods] of own) for (const { tags } of Object.values(methods)) expect(tags).toEqual(['auth']);
  });
});
