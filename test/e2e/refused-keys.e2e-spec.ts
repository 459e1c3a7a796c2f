/** The limit of refused keys: 30 of one network in five minutes, and never a good key. */
import { describe, expect, it } from 'vitest';
import { behindProxy, platforms } from '../support/app.js';
import type { Answer, Call } from '../support/http.js';
import { basic, bearer, type KeyStoreApp, startKeyStoreApp } from '../support/key-store-app.js';
import { grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';
import { verdictOf } from '../support/verdicts.js';

const tooMany = { status: 429, challenge: undefined, code: 'TOO_MANY_ATTEMPTS' };

describe.each(platforms)('refused keys on $name', (platform) => {
  const from = (address: string, call: Call): Call => ({
    ...call,
    headers: [...(call.headers ?? []), ['X-Forwarded-For', address]],
  });
  const wrong = async ({ service }: KeyStoreApp): Promise<readonly Call[]> => {
    const [one, other] = [await service.create({ userId: 'alice' }), await service.create({ userId: 'bob' })];
    return [bearer(`${one.id}_${other.secret}`), basic(one.id, other.secret), basic('x', 'y'), bearer('acme_mistyped')];
  };

  it('are answered with 429 from the 31st on, on optional routes too, until five minutes are over', async () => {
    const stand = await startKeyStoreApp(platform);
    const { app, clock, service } = stand;
    const calls = await wrong(stand);
    const good = await service.create({ userId: 'alice' });
    const next = (at: number): Promise<Answer> => app.call('/caller', calls[at % calls.length] ?? {});
    // Two guards run for this route, and each request counts once.
    for (let at = 0; at < 30; at += 1) expect((await next(at)).status).toBe(401);
    clock.advanceSeconds(10);
    for (let at = 0; at < 8; at += 1) {
      const answer = await next(at);
      expect(verdictOf(answer)).toEqual(tooMany);
      expect(answer.headers['retry-after']).toBe('290');
    }
    expect((await app.call('/maybe', calls[0] ?? {})).status).toBe(429);
    // Good keys of the same network pass: one that is read for the first time, and then one that is known.
    for (let use = 0; use < 2; use += 1) expect((await app.call('/caller', bearer(good.text))).status).toBe(200);
    expect((await app.call('/caller', bearer('not.our.key'))).status).toBe(401);
    expect((await app.call('/caller')).status).toBe(401);
    clock.advanceSeconds(290);
    expect((await next(0)).status).toBe(401);
  });

  it('are counted for the client, and not for what it writes into X-Forwarded-For', async () => {
    const stand = await startKeyStoreApp(platform);
    const [sent = {}] = await wrong(stand);
    for (let at = 0; at < 31; at += 1) await stand.app.call('/caller', from(`192.0.2.${at}`, sent));
    expect((await stand.app.call('/caller', from('198.51.100.1', sent))).status).toBe(429);
  });

  it('are counted for the client of a trusted proxy: an IPv4 address, or 64 bits of an IPv6 address', async () => {
    const stand = await startKeyStoreApp(behindProxy(platform));
    const [sent = {}] = await wrong(stand);
    const statusFrom = async (address: string): Promise<number> =>
      (await stand.app.call('/caller', from(address, sent))).status;
    for (let at = 0; at < 30; at += 1) {
      await statusFrom('192.0.2.1');
      await statusFrom(`2001:db8:1:2::${at.toString(16)}`);
    }
    expect([await statusFrom('192.0.2.1'), await statusFrom('192.0.2.2')]).toEqual([429, 401]);
    expect([await statusFrom('2001:db8:1:2:ffff::1'), await statusFrom('2001:db8:1:3::1')]).toEqual([429, 401]);
  });

  it('count keys that were revoked or have expired, also when they are known', async () => {
    const { app, service } = await startKeyStoreApp(platform);
    const { id, text } = await service.create({ userId: 'alice' });
    await service.revoke(id);
    for (let at = 0; at < 30; at += 1) expect((await app.call('/caller', bearer(text))).status).toBe(401);
    expect((await app.call('/caller', bearer(text))).status).toBe(429);
  });

  it('limit the token endpoint with it, in the form of RFC 6749', async () => {
    const stand = await startTokenEndpointApp(platform);
    const { id, secret } = await stand.service.create({ userId: 'alice' });
    for (let at = 0; at < 30; at += 1) {
      expect((await post(stand, '/oauth/token', grant, basic(id, `wrong${at}`))).status).toBe(401);
    }
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
      const { status, json, headers } = await post(stand, path, { ...grant, token: 'x' }, basic(id, 'wrong'));
      expect([status, json, headers['retry-after']]).toEqual([429, { error: 'temporarily_unavailable' }, '300']);
      expect(headers['cache-control']).toBe('no-store');
    }
    expect((await post(stand, '/oauth/token', grant, basic(id, secret))).status).toBe(200);
    expect((await stand.app.call('/api/caller', bearer('acme_x'))).status).toBe(429);
  });
});
