/** What is broken about keys and endpoints: 503 to the caller, and for the operator one line in the log for each outage. */
import { Global, Module } from '@nestjs/common';
import { RevocationStore } from 'nest-gatehouse';
import { ApiKeyStore } from 'nest-gatehouse/api-keys';
import { SigningKeys, toPublicJwk } from 'nest-gatehouse/sessions';
import { MemoryRevocationStore } from 'nest-gatehouse/testing';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import type { Answer, Call } from '../support/http.js';
import { basic, bearer, type KeyStoreApp, startKeyStoreApp, storesWith } from '../support/key-store-app.js';
import { LogLines } from '../support/log-lines.js';
import { ManualClock } from '../support/manual-clock.js';
import { Users } from '../support/session-app.js';
import { errorOf, grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';
import { unavailable, verdictOf } from '../support/verdicts.js';
import { WatchedStore } from '../support/watched-key-store.js';

const as = ({ id, secret }: { readonly id: string; readonly secret: string }): Call => basic(id, secret);

/** Keys of a service, which may be down. */
class KmsSigningKeys extends SigningKeys {
  isDown = false;
  private readonly pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  override current() {
    return { kid: 'k1', algorithm: 'ES256' } as const;
  }

  override async sign(_: string, bytes: Uint8Array): Promise<Uint8Array> {
    if (this.isDown) throw new Error('403 of https://key:geheim@kms.example');
    return sign('sha256', bytes, this.pair.privateKey);
  }

  override published() {
    return [toPublicJwk(this.pair.publicKey.export({ format: 'jwk' }), 'ES256', 'k1')];
  }

  override async rotate(): Promise<void> {}
}

class FailingRevocationStore extends MemoryRevocationStore {
  isDown = false;

  override add(entries: Parameters<MemoryRevocationStore['add']>[0]): Promise<void> {
    return this.isDown ? Promise.reject(new Error('read-only')) : super.add(entries);
  }
}

describe.each(platforms)('a fault on $name', (platform) => {
  /** Nest hands on a stack behind the message, which there is none of. */
  const linesOf = (logger: LogLines): string[] =>
    logger.ours('error').map(({ text }) => text.replace(/ undefined$/, ''));

  /** Asks three times during the outage, and once after it. */
  const watch = async (stand: KeyStoreApp, ask: () => Promise<Answer>, end: () => void): Promise<void> => {
    for (let time = 0; time < 3; time += 1) {
      const answer = await ask();
      expect([...errorOf(answer), answer.headers['retry-after']]).toEqual([503, 'temporarily_unavailable', '5']);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.text).not.toMatch(/geheim|password|ECONN/);
    }
    end();
    stand.clock.advanceSeconds(7);
    expect((await ask()).status).toBe(200);
  };

  it('of findSubject is 503 to the caller, and one ERROR line with its message', async () => {
    const [logger, users] = [new LogLines(), new Users({ id: 'alice' })];
    const stand = await startKeyStoreApp(platform, { logger, users });
    const { text } = await stand.service.create({ userId: 'alice' });
    users.fault = new TypeError('cannot read "roles" of postgres://app:geheim@db\nERROR forged');
    for (let time = 0; time < 3; time += 1) {
      expect(verdictOf(await stand.app.call('/caller', bearer(text)))).toEqual(unavailable);
    }
    const [line, ...more] = linesOf(logger);
    expect(more).toEqual([]);
    expect(line).toContain(
      'Cannot get the user of an API key from findSubject: it threw TypeError "cannot read \\"roles\\" of postgres://[credentials]@db\\u000aERROR forged" at ',
    );
    expect(line).toContain('others are answered with 503');
    stand.clock.advanceSeconds(9);
    users.fault = null;
    expect((await stand.app.call('/caller', bearer(text))).status).toBe(200);
    expect(logger.ours('log').map(({ text: ended }) => ended)).toEqual([
      'Got the user of an API key from findSubject again, after 9 s',
    ]);
  });

  it('of findSubject at the endpoint is 503, and never invalid_client', async () => {
    const [logger, users] = [new LogLines(), new Users({ id: 'alice' })];
    const stand = await startTokenEndpointApp(platform, { logger, users });
    const key = await stand.service.create({ userId: 'alice' });
    users.fault = new Error('no route to host');
    await watch(
      stand,
      () => post(stand, '/oauth/token', grant, as(key)),
      () => (users.fault = null),
    );
    const lines = linesOf(logger);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('Cannot get the user of an API key from findSubject: it threw Error "no route to host"');
    expect(lines[1]).toContain('Cannot get an answer of POST /oauth/token: findSubject threw Error');
  });

  it('of the store of the app is one line, with the message and without the password in it', async () => {
    const [logger, clock, store] = [new LogLines(), new ManualClock(), new WatchedStore()];
    const stores = storesWith(clock, ApiKeyStore, store);
    const stand = await startTokenEndpointApp(platform, { logger, clock, stores });
    const [key, other] = [
      await stand.service.create({ userId: 'alice' }),
      await stand.service.create({ userId: 'bob' }),
    ];
    store.isDown = true;
    for (let time = 0; time < 3; time += 1) {
      expect((await stand.app.call('/api/caller', bearer(other.text))).status).toBe(503);
    }
    expect(linesOf(logger)).toEqual([
      expect.stringContaining(
        'Cannot get an API key from the store: it threw Error "connect ECONNREFUSED postgres://[credentials]@db"',
      ),
    ]);
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
      const answer = await post(stand, path, { ...grant, token: 'x' }, as(key));
      expect(errorOf(answer), path).toEqual([503, 'temporarily_unavailable']);
    }
    expect(JSON.stringify(logger.ours())).not.toContain(':password@');
  });

  it('of what signs is one line for the outage', async () => {
    const [logger, keys] = [new LogLines(), new KmsSigningKeys()];
    @Global()
    @Module({ providers: [{ provide: SigningKeys, useValue: keys }], exports: [SigningKeys] })
    class KmsModule {}
    const stand = await startTokenEndpointApp(platform, { logger, imports: [KmsModule] });
    const key = await stand.service.create({ userId: 'alice' });
    keys.isDown = true;
    await watch(
      stand,
      () => post(stand, '/oauth/token', grant, as(key)),
      () => (keys.isDown = false),
    );
    expect(linesOf(logger)).toEqual([
      'Cannot get an answer of POST /oauth/token: The token cannot be signed: Error "403 of https://[credentials]@kms.example". It is answered with 503 until then',
    ]);
    expect(logger.ours('log').at(-1)?.text).toBe('Got an answer of POST /oauth/token again, after 7 s');
  });

  it('of the store of revocations is one line for the outage, and the token is not said to be revoked', async () => {
    const [logger, clock] = [new LogLines(), new ManualClock()];
    const revocations = new FailingRevocationStore(clock);
    const stores = storesWith(clock, RevocationStore, revocations);
    const stand = await startTokenEndpointApp(platform, { logger, clock, stores });
    const key = await stand.service.create({ userId: 'alice' });
    const tokenOf = async (): Promise<string> =>
      ((await post(stand, '/oauth/token', grant, as(key))).json as { access_token: string }).access_token;
    const tokens = [await tokenOf(), await tokenOf(), await tokenOf()];
    revocations.isDown = true;
    for (const token of tokens.slice(1)) {
      const answer = await post(stand, '/oauth/revoke', { token }, as(key));
      expect(errorOf(answer)).toEqual([503, 'temporarily_unavailable']);
    }
    expect(linesOf(logger)).toEqual([
      'Cannot get an answer of POST /oauth/revoke: The store did not take a revocation. It holds in this process alone until it is made again: Error "read-only". It is answered with 503 until then',
    ]);
    revocations.isDown = false;
    expect((await post(stand, '/oauth/revoke', { token: tokens[0] ?? '' }, as(key))).status).toBe(200);
  });
});
