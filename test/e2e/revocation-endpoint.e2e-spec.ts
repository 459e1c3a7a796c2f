/** Revocation (RFC 7009) and introspection (RFC 7662) of the tokens that API keys were exchanged for. */
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { authorization, basic, bearer, type KeyStoreApp } from '../support/key-store-app.js';
import { claimsOf, publicUrl, SessionClient } from '../support/session-app.js';
import { errorOf, grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';

interface Client {
  readonly id: string;
  readonly secret: string;
  readonly text: string;
}

describe.each(platforms)('on $name', (platform) => {
  let stand: KeyStoreApp;
  let client: Client;
  let other: Client;
  let resource: Client;

  const as = ({ id, secret }: Client) => basic(id, secret);
  const revoke = (token: string, by = as(client)): Promise<Answer> => post(stand, '/oauth/revoke', { token }, by);
  const introspect = (token: string, by = as(resource)): Promise<Answer> =>
    post(stand, '/oauth/introspect', { token, token_type_hint: 'x' }, by);
  const tokenOf = async (of: Client): Promise<string> => {
    const { json } = await post(stand, '/oauth/token', grant, as(of));
    return (json as { access_token: string }).access_token;
  };
  const statusWith = async (token: string): Promise<number> =>
    (await stand.app.call('/api/caller', bearer(token))).status;

  beforeAll(async () => {
    stand = await startTokenEndpointApp(platform);
    const { service } = stand;
    client = await service.create({ userId: 'alice', scopes: ['cats:read'], roles: ['keeper'] });
    other = await service.create({ userId: 'alice' });
    resource = await service.create({ userId: 'bob', scopes: ['introspect'] });
  });

  describe('the revocation endpoint', () => {
    it('revokes a token of the client, at once, and answers 200 without a body', async () => {
      const [token, kept] = [await tokenOf(client), await tokenOf(client)];
      const { status, text, headers } = await revoke(token);
      expect([status, text, headers['cache-control'], headers['etag']]).toEqual([200, '', 'no-store', undefined]);
      // simple-oauth2 reads no other content type, also of an empty body.
      expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'content-length': '0' });
      expect([await statusWith(token), await statusWith(kept)]).toEqual([401, 200]);
      expect((await revoke(token)).status).toBe(200);
    });

    it('answers 200 to what is no valid token', async () => {
      const token = await tokenOf(client);
      const refresh = new SessionClient(stand.app, 'body');
      for (const text of [
        'x',
        'a.b.c',
        `${token}x`,
        token.slice(0, -8),
        client.text,
        refresh.refreshToken || 'grt_x',
        '🔑',
      ]) {
        const { status, text: body } = await revoke(text);
        expect([status, body], text).toEqual([200, '']);
      }
      expect(await statusWith(token)).toBe(200);
      expect(await statusWith(client.text)).toBe(200);
    });

    it('refuses the token of another client, and leaves it as it is', async () => {
      const token = await tokenOf(other);
      expect(errorOf(await revoke(token))).toEqual([400, 'invalid_grant']);
      expect(await statusWith(token)).toBe(200);
    });

    it('asks for the authentication of the client first', async () => {
      const token = await tokenOf(client);
      for (const by of [basic(client.id, 'wrong'), authorization('Bearer x'), {}]) {
        expect(errorOf(await revoke(token, by))).toEqual([401, 'invalid_client']);
        expect(errorOf(await revoke('garbage', by))).toEqual([401, 'invalid_client']);
      }
      expect(await statusWith(token)).toBe(200);
      const { id, secret } = client;
      const byBody = await post(stand, '/oauth/revoke', { token, client_id: id, client_secret: secret });
      expect([byBody.status, await statusWith(token)]).toEqual([200, 401]);
      expect(errorOf(await post(stand, '/oauth/revoke', {}, as(client)))).toEqual([400, 'invalid_request']);
    });
  });

  describe('the introspection endpoint', () => {
    it('describes a valid token to a key with the scope introspect', async () => {
      const token = await tokenOf(client);
      const { exp, iat, jti } = claimsOf(token);
      const { status, json, headers } = await introspect(token);
      expect([status, headers['cache-control'], headers['etag']]).toEqual([200, 'no-store', undefined]);
      expect(json).toEqual({
        active: true,
        token_type: 'Bearer',
        iss: publicUrl,
        aud: publicUrl,
        sub: 'alice',
        client_id: client.id,
        scope: 'cats:read',
        roles: ['keeper'],
        ...{ exp, iat, jti },
      });
    });

    it('describes a key, and says nothing about one that is not valid', async () => {
      expect((await introspect(client.text)).json).toEqual({
        active: true,
        token_type: 'api_key',
        iss: publicUrl,
        sub: 'alice',
        client_id: client.id,
        scope: 'cats:read',
        roles: ['keeper'],
      });
      const { id, text } = await stand.service.create({ userId: 'alice' });
      await stand.service.revoke(id);
      for (const wrong of [text, `${client.id}_wrong`, `acme_${'x'.repeat(72)}`]) {
        expect((await introspect(wrong)).json).toEqual({ active: false });
      }
    });

    it('says nothing but that it is not active about any other text', async () => {
      const [revoked, expired] = [await tokenOf(client), await tokenOf(client)];
      await revoke(revoked);
      for (const text of [revoked, 'x', 'a.b.c', `${expired}x`, '🔑']) {
        const { status, json } = await introspect(text);
        expect([status, json], text).toEqual([200, { active: false }]);
      }
      stand.clock.advanceSeconds(606);
      expect((await introspect(expired)).json).toEqual({ active: false });
    });

    it('answers 401 to a client that is not authenticated, and 403 without the scope', async () => {
      const token = await tokenOf(client);
      for (const by of [basic(resource.id, 'wrong'), {}, bearer(resource.text)]) {
        expect(errorOf(await introspect(token, by))).toEqual([401, 'invalid_client']);
      }
      expect(errorOf(await introspect(token, as(client)))).toEqual([403, 'insufficient_scope']);
    });
  });
});
