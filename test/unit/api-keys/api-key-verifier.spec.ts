import { beforeEach, describe, expect, it } from 'vitest';
import { ApiKeyFormat } from '../../../src/api-keys/api-key-format.js';
import { currentHashVersion, hashApiKey } from '../../../src/api-keys/api-key-hash.js';
import type { StoredApiKey } from '../../../src/api-keys/api-key-store.js';
import { ApiKeyVerifier } from '../../../src/api-keys/api-key-verifier.js';
import { MemoryApiKeyStore } from '../../../src/api-keys/memory-api-key-store.js';
import type { RefusalError } from '../../../src/errors/auth-error.js';
import { ManualClock } from '../../support/manual-clock.js';

const format = new ApiKeyFormat('acme');

class CountingStore extends MemoryApiKeyStore {
  finds: string[] = [];

  override find(id: string): Promise<StoredApiKey | null> {
    this.finds.push(id);
    return super.find(id);
  }
}

describe('the verifier of API keys', () => {
  let clock: ManualClock;
  let store: CountingStore;
  let verifier: ApiKeyVerifier;
  let lookUps: number;

  const create = async (parts: Partial<StoredApiKey> = {}) => {
    const issued = format.createSecret(format.createId());
    const hash = hashApiKey(issued.id, issued.secret);
    const times = { createdAt: clock.now(), expiresAt: null, revokedAt: null, lastUsedAt: null };
    const key = { id: issued.id, userId: 'alice', name: null, scopes: [], roles: [], enabled: true, ...times, hash };
    await store.create({ ...key, hashVersion: currentHashVersion, previous: null, ...parts });
    return issued;
  };
  const errorOf = async (given: { id: string; secret: string } | null): Promise<RefusalError> =>
    verifier.verify(given, 'Bearer').then(
      () => Promise.reject(new Error('It was accepted')),
      (error: unknown) => error as RefusalError,
    );

  beforeEach(() => {
    clock = new ManualClock();
    store = new CountingStore();
    lookUps = 0;
    verifier = new ApiKeyVerifier({
      findKey: (id) => store.find(id),
      findSubject: (id) => {
        lookUps += 1;
        return Promise.resolve({ id });
      },
      issuer: 'https://api.example.com',
      clock,
      cacheMs: 30_000,
      onReplacedUse: () => undefined,
    });
  });

  it('reads the store once for an unknown id and for a wrong secret, known or not, and refuses both alike', async () => {
    const [key, other] = [await create(), await create()];
    const wrong = { id: key.id, secret: other.secret };
    const unknown = format.createSecret(format.createId());
    const errors = [await errorOf(wrong), await errorOf(unknown)];
    await verifier.verify(key, 'Bearer');
    store.finds = [];
    errors.push(await errorOf(wrong), await errorOf(unknown));
    expect(store.finds).toEqual([key.id, unknown.id]);
    const verdicts = errors.map(({ code, reason, message }) => [code, reason, message].join());
    expect(new Set(verdicts)).toEqual(new Set(['INVALID_TOKEN,key,The API key is not accepted']));
    // The log names the key, which is no secret.
    const ids = [key.id, unknown.id, key.id, unknown.id];
    expect(errors.map(({ explanation }) => explanation)).toEqual(
      ids.map((id) => `There is no key ${id} with this secret`),
    );
    // Whoever does not have the secret causes no look-up of the user.
    expect(lookUps).toBe(1);
  });

  it('reads nothing for a text that is no key', async () => {
    expect(await errorOf(null)).toMatchObject({
      code: 'INVALID_TOKEN',
      reason: 'key',
      message: 'The API key is not accepted',
    });
    expect(store.finds).toEqual([]);
  });

  it('does not accept the hash of one key for another', async () => {
    const key = await create();
    const hash = hashApiKey(key.id, key.secret);
    const thief = await create({ hash });
    expect(await errorOf({ id: thief.id, secret: key.secret })).toMatchObject({ reason: 'key' });
  });

  it('does not accept an empty hash, which a store may have by mistake', async () => {
    for (const hash of [new Uint8Array(0), new Uint8Array(32)]) {
      const key = await create({ hash, previous: { hash, validUntil: new Date(clock.now().getTime() + 1_000) } });
      expect(await errorOf(key)).toMatchObject({ reason: 'key' });
    }
  });

  it('recalls a key synchronously, with the same frozen user for each scheme', async () => {
    const key = await create();
    expect(verifier.recall(key, 'Bearer')).toBeUndefined();
    const { user } = await verifier.verify(key, 'Bearer');
    expect(verifier.recall(key, 'Bearer')?.user).toBe(user);
    const byBasic = verifier.recall(key, 'Basic')?.user;
    expect(byBasic?.credential.scheme).toBe('Basic');
    expect(verifier.recall(key, 'Basic')?.user).toBe(byBasic);
    expect(Object.isFrozen(user) && Object.isFrozen(user.scopes) && Object.isFrozen(user.roles)).toBe(true);
    expect(verifier.recall({ ...key, secret: (await create()).secret }, 'Bearer')).toBeUndefined();
  });

  it('recalls nothing after the time of the cache, after the expiry, and with a clock that was set back', async () => {
    const key = await create({ expiresAt: new Date(clock.now().getTime() + 5_000) });
    await verifier.verify(key, 'Bearer');
    clock.advanceSeconds(-60);
    expect(verifier.recall(key, 'Bearer')).toBeUndefined();
    clock.advanceSeconds(60);
    const proof = await verifier.verify(key, 'Bearer');
    expect(verifier.holds(proof)).toBe(true);
    clock.advanceSeconds(5);
    expect([verifier.recall(key, 'Bearer'), verifier.holds(proof)]).toEqual([undefined, false]);
    expect(await errorOf(key)).toMatchObject({ reason: 'expired' });
  });

  it('remembers a bounded number of keys', async () => {
    const { known } = verifier as unknown as { known: Map<string, unknown> };
    for (let at = 0; at < 20_050; at += 1) await verifier.verify(await create(), 'Bearer');
    expect(known.size).toBe(20_000);
    const unknown = format.createSecret(format.createId());
    await errorOf(unknown);
    expect(known.has(unknown.id)).toBe(false);
  }, 20_000);
});
