/** What others have reported about API keys and token endpoints elsewhere, and what happens here. */
import { Body, Controller, Delete, Get, Inject, Param, Post, UseGuards } from '@nestjs/common';
import { AcceptCredentials, AuthGuard, CurrentUser } from 'nest-gatehouse';
import { ApiKeyService } from 'nest-gatehouse/api-keys';
import { postgres } from 'nest-gatehouse/sql';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { generateKeyPairSync, sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { endAfterwards, type Platform, platforms } from '../support/app.js';
import { CountingPool } from '../support/counting-pool.js';
import type { Answer, Call } from '../support/http.js';
import { authorization, basic, bearer, type KeyStoreApp, startKeyStoreApp } from '../support/key-store-app.js';
import { ManualClock } from '../support/manual-clock.js';
import { publicUrl, SessionClient } from '../support/session-app.js';
import { SharedDatabase } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';
import { errorOf, grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';
import { invalidRequest, invalidToken, missingToken, verdictOf } from '../support/verdicts.js';

/** As the guide has it: the user comes from the guard. */
@AcceptCredentials('access-token')
@UseGuards(AuthGuard)
@Controller('keys')
class KeysController {
  constructor(@Inject(ApiKeyService) private readonly keys: ApiKeyService) {}

  @Get()
  list(@CurrentUser('id') userId: string) {
    return this.keys.list(userId);
  }

  @Post()
  async create(@CurrentUser('id') userId: string, @Body() body: { name: string }) {
    const { text, key } = await this.keys.create({ userId, name: body.name });
    return { text, key };
  }

  @Delete(':id')
  async revoke(@CurrentUser('id') userId: string, @Param('id') id: string) {
    const key = await this.keys.find(id);
    if (key?.userId === userId) await this.keys.revoke(id);
  }
}

/** The platform behind one proxy, which appends the address of its client to what the client has sent. */
function behindOneProxy({ name }: Platform): Platform {
  if (name === 'Fastify') return { name, createAdapter: () => new FastifyAdapter({ trustProxy: (_, hop) => hop < 1 }) };
  const createAdapter = () => {
    const adapter = new ExpressAdapter();
    adapter.set('trust proxy', 1);
    return adapter;
  };
  return { name, createAdapter };
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A client assertion (RFC 7523). */
function assertion(id: string, aud: unknown, typ = 'JWT'): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: id, sub: id, aud, jti: 'j1', iat: now, exp: now + 60 };
  const input = [{ alg: 'ES256', typ }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

describe.each(platforms)('on $name', (platform) => {
  describe('a route that makes keys', () => {
    let stand: KeyStoreApp;
    const create = (call: Call, body: object): Promise<Answer> =>
      stand.app.call('/keys', {
        ...call,
        method: 'POST',
        body: JSON.stringify(body),
        headers: [...(call.headers ?? []), ['Content-Type', 'application/json']],
      });

    beforeAll(async () => {
      stand = await startKeyStoreApp(platform, { controllers: [KeysController] });
    });

    it('gives no key to an anonymous caller who names a user (CVE-2025-61928)', async () => {
      expect(verdictOf(await create({}, { userId: 'alice', name: 'stolen' }))).toEqual(missingToken);
      expect((await stand.service.list('alice')).items).toEqual([]);
    });

    it('gives a caller who names another user a key of their own', async () => {
      const session = new SessionClient(stand.app, 'body');
      await session.signIn('alice');
      const { status, json } = await create(bearer(session.accessToken), { userId: 'bob', name: 'mine' });
      const { text, key } = json as { text: string; key: { id: string; userId: string } };
      expect([status, key.userId]).toEqual([201, 'alice']);
      expect((await stand.app.call('/caller', bearer(text))).json).toMatchObject({ id: 'alice' });
      expect((await stand.service.list('bob')).items).toEqual([]);
      // And a key makes no keys, in none of its forms.
      for (const call of [bearer(text), basic(key.id, text.slice(key.id.length + 1))]) {
        expect(verdictOf(await create(call, { name: 'child' }))).toMatchObject({ status: 401, reason: 'type' });
      }
      const other = new SessionClient(stand.app, 'body');
      await other.signIn('bob');
      await stand.app.call(`/keys/${key.id}`, { ...bearer(other.accessToken), method: 'DELETE' });
      expect((await stand.app.call('/caller', bearer(text))).status).toBe(200);
    });
  });

  onPostgres.it('1,000 requests with one key read it a few times and write nothing (better-auth#10921)', async () => {
    const [pool, clock] = [new CountingPool(), new ManualClock()];
    endAfterwards(() => pool.end());
    const stores = new SharedDatabase().stores({ database: postgres(pool) });
    // Revocations are read in the background, which is another matter.
    const auth = { revocation: { refreshSeconds: 300, serveStaleForSeconds: 86_400 } };
    const { app, service } = await startKeyStoreApp(platform, { clock, stores, auth });
    const { id, secret, text } = await service.create({ userId: 'alice' });
    const fresh = await service.create({ userId: 'alice' });
    await app.call('/caller', bearer(text));
    pool.take();
    const calls = [bearer(text), basic(id, secret)];
    for (let at = 0; at < 1_000; at += 1) {
      if (at % 100 === 0) clock.advanceSeconds(6);
      expect((await app.call('/caller', calls[at % 2] ?? {})).status).toBe(200);
    }
    const statements = pool.take();
    expect(new Set(statements)).toEqual(new Set(['select']));
    // It is read again in the background after ten seconds.
    expect(statements.length).toBeLessThanOrEqual(10);

    pool.isReadOnly = true;
    clock.advanceSeconds(31);
    for (const call of [...calls, bearer(fresh.text)]) expect((await app.call('/caller', call)).status).toBe(200);
    // What was noted is stored when the app stops, and dropped where that is refused.
    await app.nest.close();
    pool.isReadOnly = false;
  });

  it('a forged X-Forwarded-For does not escape the limit, and the limit is 429 and not 401 (Denamu#858, inbound#158)', async () => {
    const { app, service } = await startKeyStoreApp(behindOneProxy(platform));
    const [one, other] = [await service.create({ userId: 'alice' }), await service.create({ userId: 'bob' })];
    const from = (client: string, forged: string): Promise<Answer> =>
      app.call('/caller', {
        headers: [
          ['Authorization', `Bearer ${one.id}_${other.secret}`],
          ['X-Forwarded-For', `${forged}, ${client}`],
        ],
      });
    const statuses: number[] = [];
    // Two guards run for this route, and each request counts once.
    for (let at = 0; at < 40; at += 1) statuses.push((await from('203.0.113.9', `198.51.100.${at}`)).status);
    expect(statuses).toEqual([...Array.from({ length: 30 }, () => 401), ...Array.from({ length: 10 }, () => 429)]);
    const limited = await from('203.0.113.9', '198.51.100.200');
    expect([limited.headers['retry-after'], limited.headers['www-authenticate']]).toEqual(['300', undefined]);
    expect((await from('203.0.113.10', '203.0.113.9')).status).toBe(401);
  });

  describe('the endpoints', () => {
    let stand: KeyStoreApp;
    let key: { id: string; secret: string; text: string };
    let other: { id: string; secret: string };
    const tokenOf = async ({ id, secret }: { id: string; secret: string }): Promise<string> =>
      ((await post(stand, '/oauth/token', grant, basic(id, secret))).json as { access_token: string }).access_token;

    beforeAll(async () => {
      stand = await startTokenEndpointApp(platform);
      key = await stand.service.create({ userId: 'alice', scopes: ['cats:read'] });
      other = await stand.service.create({ userId: 'bob', scopes: ['introspect'] });
    });

    it('take the encoded spelling of Basic, and routes of the app the raw one alone (AppAuth-iOS#233, hydra#631)', async () => {
      const encoded = basic(key.id.replaceAll('_', '%5F'), key.secret);
      for (const call of [encoded, basic(key.id, key.secret)]) {
        for (const path of ['/oauth/token', '/oauth/revoke']) {
          expect((await post(stand, path, { ...grant, token: 'x' }, call)).status, path).toBe(200);
        }
      }
      expect((await stand.app.call('/api/caller', basic(key.id, key.secret))).status).toBe(200);
      expect(verdictOf(await stand.app.call('/api/caller', encoded))).toMatchObject({ status: 401, reason: 'key' });
    });

    it('answer 400 to Basic that cannot be decoded, as the routes of the app do', async () => {
      for (const value of ['Basic !!!', 'Basic YWJj', 'Basic', `Basic ${btoa(`${key.id}:${key.secret}`)}=`]) {
        for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
          const answer = await post(stand, path, { ...grant, token: 'x' }, authorization(value));
          expect(errorOf(answer), `${path} ${value}`).toEqual([400, 'invalid_request']);
        }
        expect(verdictOf(await stand.app.call('/api/caller', authorization(value)))).toEqual(invalidRequest);
      }
    });

    it('answer 401 invalid_client to a client_id alone, and not unauthorized_client (esignet#2260)', async () => {
      for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
        const answer = await post(stand, path, { ...grant, client_id: key.id, token: 'x' });
        expect(errorOf(answer), path).toEqual([401, 'invalid_client']);
        expect(answer.headers).toMatchObject({
          'cache-control': 'no-store',
          'www-authenticate': 'Basic realm="oauth"',
        });
        expect(answer.headers['etag']).toBeUndefined();
      }
    });

    it('accept no client assertion, whatever its audience and type, and announce none (keycloak#43984)', async () => {
      const endpoint = `${publicUrl}/oauth/token`;
      const assertions = [
        assertion(key.id, publicUrl),
        assertion(key.id, [publicUrl, 'https://evil.example']),
        assertion(key.id, endpoint),
        assertion(key.id, 'https://evil.example'),
        assertion(key.id, publicUrl, 'at+jwt'),
      ];
      const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
      for (const client_assertion of assertions) {
        for (const more of [{}, { client_id: key.id }]) {
          const sent = { ...grant, ...more, client_assertion_type, client_assertion };
          expect(errorOf(await post(stand, '/oauth/token', sent))).toEqual([401, 'invalid_client']);
        }
      }
      const { text } = await stand.app.call('/.well-known/oauth-authorization-server');
      expect(text).not.toContain('private_key_jwt');
    });

    it('authenticate the client before they look at the token (product-is#12510)', async () => {
      const [revoked, kept] = [await tokenOf(key), await tokenOf(key)];
      await post(stand, '/oauth/revoke', { token: revoked }, basic(key.id, key.secret));
      const wrong = basic(key.id, 'wrong');
      for (const token of [revoked, kept, 'garbage', key.text]) {
        for (const path of ['/oauth/revoke', '/oauth/introspect']) {
          expect(errorOf(await post(stand, path, { token }, wrong))).toEqual([401, 'invalid_client']);
        }
      }
      expect((await stand.app.call('/api/caller', bearer(kept))).status).toBe(200);
    });

    it('answer 200 without a body to garbage, and leave the token of another client as it is (ts-oauth2-server#154)', async () => {
      const foreign = await tokenOf(other);
      for (const token_type_hint of ['', 'access_token', 'refresh_token', 'saml']) {
        const sent = { token: 'garbage', token_type_hint };
        const { status, text } = await post(stand, '/oauth/revoke', sent, basic(key.id, key.secret));
        expect([status, text]).toEqual([200, '']);
      }
      // The hint is a hint: a token is found under a wrong one, too.
      const token = await tokenOf(key);
      const hinted = { token, token_type_hint: 'refresh_token' };
      expect((await post(stand, '/oauth/revoke', hinted, basic(key.id, key.secret))).status).toBe(200);
      expect(verdictOf(await stand.app.call('/api/caller', bearer(token)))).toEqual(invalidToken('revoked'));
      const tried = await post(stand, '/oauth/revoke', { token: foreign }, basic(key.id, key.secret));
      expect(errorOf(tried)).toEqual([400, 'invalid_grant']);
      expect((await stand.app.call('/api/caller', bearer(foreign))).status).toBe(200);
    });

    it('say of an expired token that it is not active, and nothing else (oxAuth#929)', async () => {
      const token = await tokenOf(key);
      stand.clock.advanceSeconds(606);
      const { status, text } = await post(stand, '/oauth/introspect', { token }, basic(other.id, other.secret));
      expect([status, text]).toEqual([200, '{"active":false}']);
    });
  });
});
