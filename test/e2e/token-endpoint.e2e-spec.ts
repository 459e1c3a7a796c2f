/** The token endpoint: an API key is exchanged for an access token (RFC 6749 §4.4). */
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { type Answer, send } from '../support/http.js';
import { authorization, basic, bearer, type KeyStoreApp } from '../support/key-store-app.js';
import { claimsOf, publicUrl } from '../support/session-app.js';
import { errorOf, grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';
import { verdictOf } from '../support/verdicts.js';

interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope?: string;
}

const audience = [publicUrl, 'https://cats.example.com'];

describe.each(platforms)('the token endpoint on $name', (platform) => {
  let stand: KeyStoreApp;
  let key: { id: string; secret: string; text: string };
  const token = (parameters: Parameters<typeof post>[2], call = {}): Promise<Answer> =>
    post(stand, '/oauth/token', parameters, call);
  const bySecret = (): Record<string, string> => ({ ...grant, client_id: key.id, client_secret: key.secret });

  beforeAll(async () => {
    stand = await startTokenEndpointApp(platform, { sessions: { audience } });
    key = await stand.service.create({ userId: 'alice', scopes: ['cats:read', 'cats:write'], roles: ['keeper'] });
  });

  it.each(['Basic', 'the body'])('issues an own access token to a client that authenticates by %s', async (how) => {
    const sent = how === 'Basic' ? token(grant, basic(key.id, key.secret)) : token(bySecret());
    const { status, headers, json } = await sent;
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
    expect(headers['etag']).toBeUndefined();
    expect(headers['access-control-allow-origin']).toBeUndefined();
    const body = json as TokenAnswer;
    expect({ ...body, access_token: '' }).toEqual({
      access_token: '',
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'cats:read cats:write',
    });
    const now = Math.floor(stand.clock.now().getTime() / 1_000);
    const { jti, ...claims } = claimsOf(body.access_token);
    expect(jti).toMatch(/^[\w-]{22}$/);
    expect(claims).toEqual({
      iss: publicUrl,
      aud: audience,
      sub: 'alice',
      client_id: key.id,
      iat: now,
      exp: now + 600,
      scope: 'cats:read cats:write',
      roles: ['keeper'],
    });
    const called = await stand.app.call('/api/caller', bearer(body.access_token));
    expect((called.json as { data: unknown }).data).toMatchObject({
      id: 'alice',
      provider: 'own',
      clientId: key.id,
      sessionId: null,
      roles: ['keeper'],
      scopes: ['cats:read', 'cats:write'],
      credential: { kind: 'access-token', id: jti, scheme: 'Bearer' },
    });
    expect((await stand.app.call('/api/adopt', bearer(body.access_token))).status).toBe(200);
    expect((await stand.app.call('/api/groom', bearer(body.access_token))).status).toBe(200);
    // A token without a session is none for the routes of sessions.
    expect((await stand.app.call('/api/auth/me', bearer(body.access_token))).status).toBe(403);
  });

  it('takes both spellings of Basic, and decodes each part once', async () => {
    const marks = (text: string): string => text.replaceAll('_', '%5F');
    for (const call of [basic(key.id, key.secret), basic(marks(key.id), marks(key.secret))]) {
      expect((await token(grant, call)).status).toBe(200);
    }
    // The vectors of AppAuth-iOS#233, raw and encoded; a secret with "%" and one with ":". None of them is a key of this app.
    const strange = [
      ['1PpG/Q 1', 'z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw='],
      ['1PpG%2FQ+1', 'z%2FtZ9VwFZqApmIQ%2BZH1I5pLk%2FuB4ud%3AX2%2F8bL%2BwfFTt1rFw%3D'],
      [key.id, '100%'],
      [key.id, `${key.secret}:`],
      [key.id, `:${key.secret}`],
      [marks(marks(key.id).replaceAll('%', '%25')), key.secret],
    ] as const;
    for (const [id, secret] of strange) {
      const answer = await token(grant, basic(id, secret));
      expect(errorOf(answer)).toEqual([401, 'invalid_client']);
      expect(answer.headers['www-authenticate']).toBe('Basic realm="oauth"');
    }
  });

  it('answers 401 invalid_client, in one text, to every failed authentication', async () => {
    const { service, users, clock } = stand;
    users.all.set('carol', { id: 'carol' });
    const make = (userId: string, more = {}): Promise<typeof key> => service.create({ userId, ...more });
    const ended = [await make('bob'), await make('bob'), await make('carol')];
    const expiring = await make('bob', { expiresAt: new Date(clock.now().getTime() + 1_000) });
    const [revoked, disabled] = ended as [typeof key, typeof key];
    await service.revoke(revoked.id);
    await service.update(disabled.id, { enabled: false });
    users.all.delete('carol');
    clock.advanceSeconds(1);
    const wrong = [
      ...[...ended, expiring].map(({ id, secret }) => [id, secret]),
      [key.id, revoked.secret],
      ['acme_unknown', 'secret'],
      [key.id, 'x'],
    ];
    const texts = new Set<string>();
    for (const [id = '', secret = ''] of wrong) {
      for (const sent of [token(grant, basic(id, secret)), token({ ...grant, client_id: id, client_secret: secret })]) {
        const answer = await sent;
        expect(errorOf(answer)).toEqual([401, 'invalid_client']);
        expect(answer.headers['www-authenticate']).toBe('Basic realm="oauth"');
        expect(answer.headers['cache-control']).toBe('no-store');
        texts.add(answer.text);
      }
    }
    expect(texts.size).toBe(1);
    const without = [
      token(grant),
      token({ ...grant, client_id: key.id }),
      token({ ...grant, client_secret: key.secret }),
      token({ ...grant, client_id: key.id, client_secret: '' }),
      token(grant, authorization('Bearer x')),
      token(grant, authorization(`Bearer ${key.text}`)),
      token({ ...grant, client_assertion: 'a.b.c', client_assertion_type: 'urn:x' }),
    ];
    for (const answer of await Promise.all(without)) expect(errorOf(answer)).toEqual([401, 'invalid_client']);
  });

  it.each([
    ['no grant type', () => token({ client_id: key.id, client_secret: key.secret })],
    ['a repeated parameter', () => token([...Object.entries(bySecret()), ['scope', 'a'], ['scope', 'a']])],
    ['a repeated parameter that is not known', () => token([...Object.entries(bySecret()), ['x', '1'], ['x', '2']])],
    ['a nested parameter', () => token({ ...bySecret(), 'scope[a]': 'cats:read' })],
    ['a nested parameter that is not known', () => token({ ...bySecret(), 'x[y]': '1' })],
    ['two authentications', () => token(bySecret(), basic(key.id, key.secret))],
    ['a secret and an assertion', () => token({ ...bySecret(), client_assertion: 'a.b.c' })],
    ['another client_id than that of Basic', () => token({ ...grant, client_id: 'x' }, basic(key.id, key.secret))],
    ['Basic that is no base64', () => token(grant, authorization('Basic !!!'))],
    ['Basic without a colon', () => token(grant, authorization('Basic YWJj'))],
    [
      'two Authorization headers',
      () => token(grant, { headers: [...(basic(key.id, key.secret).headers ?? []), ['Authorization', 'Bearer x']] }),
    ],
    [
      'more than 64 parameters',
      () => token({ ...bySecret(), ...Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`p${at}`, '1'])) }),
    ],
    ['a JSON body', () => token(JSON.stringify(bySecret()), { headers: [['Content-Type', 'application/json']] })],
    ['JSON that is broken', () => token('{"grant', { headers: [['Content-Type', 'application/json']] })],
    [
      'a form that is called text',
      () => token(new URLSearchParams(bySecret()).toString(), { headers: [['Content-Type', 'text/plain']] }),
    ],
    [
      'a form in another charset',
      () =>
        token(new URLSearchParams(bySecret()).toString(), {
          headers: [['Content-Type', 'application/x-www-form-urlencoded; charset=iso-8859-1']],
        }),
    ],
    ['no body', () => token('')],
  ])('answers 400 invalid_request to %s', async (_, ask) => {
    const answer = await ask();
    expect(errorOf(answer)).toEqual([400, 'invalid_request']);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['etag']).toBeUndefined();
    expect(answer.json).not.toHaveProperty('code');
  });

  it('answers 413 to a body of more than 64 KiB', async () => {
    expect(errorOf(await token({ ...bySecret(), x: 'y'.repeat(70_000) }))).toEqual([413, 'invalid_request']);
  });

  it('answers 405 to every other method', async () => {
    for (const method of ['GET', 'DELETE', 'PUT', 'PATCH', 'HEAD']) {
      for (const path of ['token', 'revoke', 'introspect']) {
        const answer = await send(new URL(`/oauth/${path}`, stand.app.url), { method: method as 'GET' });
        expect([answer.status, answer.headers['allow']], method).toEqual([405, 'POST']);
      }
    }
  });

  it('answers 400 unsupported_grant_type to every other grant', async () => {
    for (const grant_type of ['password', 'refresh_token', 'authorization_code', 'Client_Credentials', 'x']) {
      expect(errorOf(await token({ ...bySecret(), grant_type }))).toEqual([400, 'unsupported_grant_type']);
      expect(errorOf(await token({ grant_type, refresh_token: 'x' }))).toEqual([400, 'unsupported_grant_type']);
      expect(errorOf(await token({ grant_type }, basic(key.id, 'wrong')))).toEqual([401, 'invalid_client']);
    }
  });

  it('grants what is asked for within the scopes of the key, and all of them where nothing is', async () => {
    const scopeOf = async (scope: string): Promise<unknown> => {
      const { json } = await token({ ...bySecret(), scope });
      return (json as TokenAnswer).scope;
    };
    expect(await scopeOf('cats:write')).toBe('cats:write');
    expect(await scopeOf('cats:write cats:read cats:write')).toBe('cats:write cats:read');
    expect(await scopeOf('')).toBe('cats:read cats:write');
    for (const scope of ['admin', 'cats:read admin', 'CATS:READ', ' cats:read', 'cats:read  cats:write', 'a"b', ' ']) {
      expect(errorOf(await token({ ...bySecret(), scope })), scope).toEqual([400, 'invalid_scope']);
    }
    const { id, secret } = await stand.service.create({ userId: 'bob' });
    const { json } = await token(grant, basic(id, secret));
    expect(Object.keys(json as object).sort()).toEqual(['access_token', 'expires_in', 'token_type']);
    expect(claimsOf((json as TokenAnswer).access_token)).not.toHaveProperty('scope');
  });

  it('issues tokens for the resources that are asked for, within the audience', async () => {
    const audienceOf = async (...resources: string[]): Promise<unknown> => {
      const { json } = await token([
        ...Object.entries(bySecret()),
        ...resources.map((at) => ['resource', at] as const),
      ]);
      return claimsOf((json as TokenAnswer).access_token)['aud'];
    };
    expect(await audienceOf('https://cats.example.com')).toBe('https://cats.example.com');
    expect(await audienceOf(publicUrl, 'https://cats.example.com')).toEqual([publicUrl, 'https://cats.example.com']);
    // As clients write it that use `URL`.
    expect(await audienceOf(`${publicUrl}/`)).toBe(publicUrl);
    for (const resource of ['https://dogs.example.com', `${publicUrl}/x`, '/cats', `${publicUrl}#x`, 'cats']) {
      expect(errorOf(await token({ ...bySecret(), resource })), resource).toEqual([400, 'invalid_target']);
    }
  });

  it('issues a new token each time, which does not outlive the key', async () => {
    const expiresAt = new Date(stand.clock.now().getTime() + 120_000);
    const { id, secret } = await stand.service.create({ userId: 'bob', expiresAt });
    const answers = [await token(grant, basic(id, secret)), await token(grant, basic(id, secret))];
    const [one, other] = answers.map(({ json }) => json as TokenAnswer);
    expect(one?.access_token).not.toBe(other?.access_token);
    expect(one?.expires_in).toBe(120);
    expect(claimsOf(one?.access_token ?? '')['exp']).toBe(expiresAt.getTime() / 1_000);
  });

  it('revokes the tokens of a key with the key, and with its disabling and a rotation without grace', async () => {
    const { service, app, clock } = stand;
    const ends = [
      (id: string) => service.revoke(id),
      (id: string) => service.update(id, { enabled: false }),
      (id: string) => service.rotate(id, { graceSeconds: 0 }),
    ];
    for (const end of ends) {
      const { id, secret } = await service.create({ userId: 'alice' });
      const { access_token } = (await token(grant, basic(id, secret))).json as TokenAnswer;
      expect((await app.call('/api/caller', bearer(access_token))).status).toBe(200);
      await end(id);
      expect(verdictOf(await app.call('/api/caller', bearer(access_token)))).toMatchObject({
        status: 401,
        reason: 'revoked',
      });
      clock.advanceSeconds(1);
    }
    const kept = await service.create({ userId: 'alice' });
    const { access_token } = (await token(grant, basic(kept.id, kept.secret))).json as TokenAnswer;
    await service.rotate(kept.id);
    expect((await app.call('/api/caller', bearer(access_token))).status).toBe(200);
  });

  it('issues no token to a user who was disabled after the key was used', async () => {
    const { service, users, app } = stand;
    users.all.set('dora', { id: 'dora' });
    const { id, secret, text } = await service.create({ userId: 'dora' });
    expect((await app.call('/api/caller', bearer(text))).status).toBe(200);
    users.all.delete('dora');
    // The key itself is known for the time of the cache; a token would live longer.
    expect((await app.call('/api/caller', bearer(text))).status).toBe(200);
    expect(errorOf(await token(grant, basic(id, secret)))).toEqual([401, 'invalid_client']);
  });

  it('is described in the metadata of the app, with addresses outside of the global prefix', async () => {
    const { json } = await stand.app.call('/.well-known/oauth-authorization-server');
    const methods = ['client_secret_basic', 'client_secret_post'];
    expect(json).toMatchObject({
      issuer: publicUrl,
      token_endpoint: `${publicUrl}/oauth/token`,
      token_endpoint_auth_methods_supported: methods,
      grant_types_supported: ['client_credentials'],
      response_types_supported: [],
      authorization_endpoint: `${publicUrl}/oauth/authorize`,
      jwks_uri: `${publicUrl}/.well-known/jwks.json`,
      revocation_endpoint: `${publicUrl}/oauth/revoke`,
      revocation_endpoint_auth_methods_supported: methods,
      introspection_endpoint: `${publicUrl}/oauth/introspect`,
      introspection_endpoint_auth_methods_supported: methods,
    });
  });
});
