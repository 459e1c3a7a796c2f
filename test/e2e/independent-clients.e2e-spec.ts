/**
 * The endpoints against clients that others have written, in an app with a global prefix, a ValidationPipe that forbids members, an
 * envelope around each answer, and a guard on everything.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { basic, bearer, type KeyStoreApp } from '../support/key-store-app.js';
import {
  type AuthenticationMethod,
  authenticationMethods,
  curlAs,
  type OAuthClient,
  oauthClients,
  oauthErrorOf,
} from '../support/oauth-clients.js';
import { post, startTokenEndpointApp } from '../support/token-endpoint-app.js';

/** The status in the error of a client that throws for a response with a challenge. */
function statusOf(error: unknown): readonly [number] {
  return [(error as { readonly status: number }).status];
}

interface Key {
  readonly id: string;
  readonly secret: string;
  readonly text: string;
}

const cases = oauthClients.flatMap(([name, connect]) =>
  authenticationMethods.map((method) => ({ name, connect, method })),
);

describe.each(platforms)('on $name', (platform) => {
  let stand: KeyStoreApp;
  let url: string;
  let key: Key;
  let resource: Key;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    stand = await startTokenEndpointApp(platform, { port, auth: { publicUrl: url } });
    key = await stand.service.create({ userId: 'alice', scopes: ['cats:read', 'cats:write', 'introspect'] });
    resource = await stand.service.create({ userId: 'bob', scopes: ['introspect'] });
  });

  it('the app has what surrounds its own routes', async () => {
    const cat = { name: 'Tom' };
    const send = (body: object, call = bearer(key.text)) =>
      stand.app.call('/api/cats', {
        ...call,
        method: 'POST',
        body: JSON.stringify(body),
        headers: [...(call.headers ?? []), ['Content-Type', 'application/json']],
      });
    expect((await send(cat)).json).toEqual({ data: { name: 'Tom', owner: 'alice' } });
    expect((await send(cat, basic(key.id, key.secret))).status).toBe(201);
    expect((await send({ ...cat, userId: 'bob' })).status).toBe(400);
    expect((await send(cat, {})).status).toBe(401);
    expect((await stand.app.call('/cats')).status).toBe(404);
  });

  describe.each(cases)('$name with $method', ({ connect, method }) => {
    const open = (
      { id, secret }: Pick<Key, 'id' | 'secret'>,
      by: AuthenticationMethod = method,
    ): Promise<OAuthClient> => connect({ url, id, secret, method: by });
    let client: OAuthClient;

    beforeAll(async () => {
      client = await open(key);
    });

    it('gets a token, calls a guarded route with it, introspects it, and revokes it', async () => {
      const { accessToken, expiresIn, scope } = await client.obtain();
      expect([expiresIn, scope]).toEqual([600, 'cats:read cats:write introspect']);
      const [status, json] = await client.call(accessToken, '/api/caller');
      expect([status, (json as { data: object }).data]).toMatchObject([200, { id: 'alice', clientId: key.id }]);
      const introspect = client.introspect ?? ((token) => introspectByHand(token));
      expect(await introspect(accessToken)).toMatchObject({ active: true, sub: 'alice', client_id: key.id });
      await client.revoke(accessToken);
      const after = await client.call(accessToken, '/api/caller').catch(statusOf);
      expect(after[0]).toBe(401);
      expect(await introspect(accessToken)).toEqual({ active: false });
      // RFC 7009 §2.2: also for a token that is no longer valid.
      await client.revoke(accessToken);
    });

    it('gets a token for fewer scopes, which the guard refuses where more are required', async () => {
      const { accessToken, scope } = await client.obtain('cats:read');
      expect(scope).toBe('cats:read');
      const refused = await client.call(accessToken, '/api/adopt').catch(statusOf);
      expect(refused[0]).toBe(403);
    });

    it('receives the errors of RFC 6749 §5.2', async () => {
      expect(await oauthErrorOf(client.obtain('admin'))).toBe('invalid_scope');
      const wrong = await open({ id: key.id, secret: resource.secret });
      expect(await oauthErrorOf(wrong.obtain())).toBe('invalid_client');
      const strange = await open({ id: '1PpG/Q 1', secret: 'z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=' });
      expect(await oauthErrorOf(strange.obtain())).toBe('invalid_client');
    });
  });

  async function introspectByHand(token: string): Promise<object> {
    const { json } = await post(stand, '/oauth/introspect', { token }, basic(resource.id, resource.secret));
    return json as object;
  }

  it('curl -u calls the routes of the app with the key itself', async () => {
    const [status, json] = await curlAs(key.id, key.secret, `${url}/api/caller`);
    expect([status, (json as { data: object }).data]).toMatchObject([200, { id: 'alice', provider: 'api-key' }]);
    const body = ['-H', 'Content-Type: application/json', '-d', '{"name":"Tom"}'];
    expect(await curlAs(key.id, key.secret, `${url}/api/cats`, ...body)).toEqual([
      201,
      { data: { name: 'Tom', owner: 'alice' } },
    ]);
    expect((await curlAs(key.id, resource.secret, `${url}/api/caller`))[0]).toBe(401);
  });
});
