/** Rules of RFC 6749, RFC 7009 and RFC 7662 that concern all endpoints: what is read of a request, and what every answer has. */
import { memoryStores } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { type Answer, send } from '../support/http.js';
import { basic, bearer, type KeyStoreApp } from '../support/key-store-app.js';
import { ManualClock } from '../support/manual-clock.js';
import { claimsOf } from '../support/session-app.js';
import { errorOf, grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';

const paths = ['/oauth/token', '/oauth/revoke', '/oauth/introspect'];

interface TokenAnswer {
  readonly access_token: string;
  readonly scope?: string;
}

describe.each(platforms)('the endpoints on $name', (platform) => {
  let stand: KeyStoreApp;
  let key: { id: string; secret: string };
  const as = (): ReturnType<typeof basic> => basic(key.id, key.secret);
  const token = (parameters: Parameters<typeof post>[2]): Promise<Answer> =>
    post(stand, '/oauth/token', parameters, as());

  beforeAll(async () => {
    stand = await startTokenEndpointApp(platform);
    key = await stand.service.create({ userId: 'alice', scopes: ['cats:read', 'cats:write', 'introspect'] });
  });

  it('refuse a body without a content type, and one of several parts', async () => {
    for (const path of paths) {
      const body = new URLSearchParams({ ...grant, token: 'x' }).toString();
      const answer = await send(new URL(path, stand.app.url), { ...as(), method: 'POST', body });
      expect(errorOf(answer), path).toEqual([400, 'invalid_request']);
      const parts: [string, string] = ['Content-Type', 'multipart/form-data; boundary=x'];
      const inParts = await post(stand, path, '--x--', { headers: [...(as().headers ?? []), parts] });
      expect(errorOf(inParts), path).toEqual([400, 'invalid_request']);
    }
  });

  it('ignore parameters that they do not know, and take an empty one as absent', async () => {
    const more = { state: 'x', redirect_uri: 'https://a.example', '': '', username: '', resource: '', scope: '' };
    const { status, json } = await token({ ...grant, ...more });
    expect([status, (json as TokenAnswer).scope]).toEqual([200, 'cats:read cats:write introspect']);
    expect(errorOf(await token({ grant_type: '' }))).toEqual([400, 'invalid_request']);
    for (const path of paths.slice(1)) {
      expect(errorOf(await post(stand, path, { token: '' }, as()))).toEqual([400, 'invalid_request']);
    }
  });

  it('refuse a repeated and a nested parameter, where an application would see a list or an object', async () => {
    for (const path of paths) {
      for (const more of [
        'token=x&token=x',
        'token=x&client_id=a&client_id=a',
        'token[a]=x',
        'token[]=x',
        'a[b][c]=x',
      ]) {
        const answer = await post(stand, path, `grant_type=client_credentials&${more}`, as());
        expect(errorOf(answer), `${path} ${more}`).toEqual([400, 'invalid_request']);
      }
    }
  });

  it('read parameters in the body alone, and no credentials in the address', async () => {
    const query = new URLSearchParams({
      ...grant,
      client_id: key.id,
      client_secret: key.secret,
      token: 'x',
    }).toString();
    for (const path of paths) {
      expect(errorOf(await post(stand, `${path}?${query}`, grant)), path).toEqual([401, 'invalid_client']);
    }
    expect(errorOf(await post(stand, `/oauth/token?${query}`, '', as()))).toEqual([400, 'invalid_request']);
  });

  it('have in each answer what forbids caches to keep it, JSON, and no ETag or CORS', async () => {
    const page = ['Origin', 'https://page.example'] as const;
    const ask = (path: string, parameters: Parameters<typeof post>[2], call = as()): Promise<Answer> =>
      post(stand, path, parameters, { headers: [...(call.headers ?? []), page] });
    const answers = [
      await ask('/oauth/token', grant),
      await ask('/oauth/token', grant, {}),
      await ask('/oauth/token', 'x=%'),
      await ask('/oauth/token', { ...grant, scope: 'admin' }),
      await ask('/oauth/token', { ...grant, resource: 'https://dogs.example' }),
      await ask('/oauth/token', { grant_type: 'password' }),
      await ask('/oauth/revoke', { token: 'x' }),
      await ask('/oauth/introspect', { token: 'x' }),
      await ask('/oauth/introspect', {}),
      await send(new URL('/oauth/token', stand.app.url), { headers: [page] }),
      await ask('/oauth/token', { ...grant, x: 'y'.repeat(70_000) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 400, 400, 400, 400, 200, 200, 400, 405, 413]);
    for (const { headers, json } of answers) {
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        pragma: 'no-cache',
        'content-type': 'application/json; charset=utf-8',
      });
      expect([headers['etag'], headers['access-control-allow-origin']]).toEqual([undefined, undefined]);
      // RFC 6749 §5.2.
      const description = (json as { error_description?: string } | undefined)?.error_description ?? '';
      expect(description).toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]*$/);
    }
  });

  it('answer no preflight of a page', async () => {
    const headers = [
      ['Origin', 'https://page.example'],
      ['Access-Control-Request-Method', 'POST'],
    ] as const;
    for (const path of paths) {
      const answer = await send(new URL(path, stand.app.url), { method: 'OPTIONS', headers });
      expect(answer.headers['access-control-allow-origin'], path).toBeUndefined();
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
    }
  });

  it('take a secret whose Basic names the scheme in any case', async () => {
    const [[, value] = ['', '']] = as().headers ?? [];
    for (const scheme of ['basic', 'BASIC']) {
      const headers = [['Authorization', value.replace('Basic', scheme)]] as const;
      expect((await post(stand, '/oauth/token', grant, { headers })).status).toBe(200);
    }
  });
});

describe.each(platforms)('the scopes of tokens on $name', (platform) => {
  it('are those of the key when the token is issued, also in another process', async () => {
    const clock = new ManualClock();
    const stores = [memoryStores({ clock })];
    const [here, there] = [
      await startTokenEndpointApp(platform, { clock, stores }),
      await startTokenEndpointApp(platform, { clock, stores }),
    ];
    const { id, secret, text } = await here.service.create({ userId: 'alice', scopes: ['a', 'b'] });
    const ask = (scope?: string): Promise<Answer> =>
      post(there, '/oauth/token', { ...grant, ...(scope !== undefined && { scope }) }, basic(id, secret));
    expect((await there.app.call('/api/caller', bearer(text))).status).toBe(200);
    expect((await ask()).json).toMatchObject({ scope: 'a b' });
    await here.service.update(id, { scopes: ['b', 'c'] });
    const { json } = await ask();
    expect([(json as TokenAnswer).scope, claimsOf((json as TokenAnswer).access_token)['scope']]).toEqual([
      'b c',
      'b c',
    ]);
    expect(errorOf(await ask('a'))).toEqual([400, 'invalid_scope']);
    // The order is that of the request, and case matters.
    expect((await ask('c b')).json).toMatchObject({ scope: 'c b' });
    for (const scope of ['B', 'b\tc', 'b,c', 'é', 'b\\c']) expect(errorOf(await ask(scope))[0], scope).toBe(400);
  });
});
