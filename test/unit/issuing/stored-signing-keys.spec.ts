import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, ConfigurationError } from '../../../src/errors/auth-error.js';
import type { SigningAlgorithm } from '../../../src/issuing/signing-key-store.js';
import { day, kidOf, kidsOf, openApp, settle } from '../../support/shared-signing-keys.js';

const data = Buffer.from('data');

describe('the first start', () => {
  it('creates a key that signs at once', async () => {
    const { store, clock, start } = openApp();
    const { kid, algorithm } = await start().current();

    expect(algorithm).toBe('ES256');
    expect(store.keys).toHaveLength(1);
    expect(store.keys[0]).toMatchObject({ kid, sequence: 1, createdAt: clock.now(), signsFrom: clock.now() });
  });

  it('creates one key for ten instances', async () => {
    const { store, start } = openApp();
    const kids = await Promise.all(Array.from({ length: 10 }, () => kidOf(start())));

    expect(store.keys.map(({ kid }) => kid)).toEqual([kids[0]]);
    expect(new Set(kids).size).toBe(1);
  });

  it('stores no private key in clear text', async () => {
    const { store, start } = openApp();
    await start().current();
    const [key] = store.keys;

    expect(Object.keys(JSON.parse(key?.publicJwk ?? '') as object).sort()).toEqual(
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'].sort(),
    );
    const sealed = Buffer.from(key?.sealedPrivateKey ?? []);
    expect(() => createPrivateKey({ key: sealed, type: 'pkcs8', format: 'der' })).toThrow();
    // The beginning of every private key of this type (RFC 5208 §5).
    expect(sealed.includes(Buffer.from('020100301306072a8648ce3d0201', 'hex'))).toBe(false);
  });

  it.each<[SigningAlgorithm, string | null]>([
    ['ES256', 'sha256'],
    ['EdDSA', null],
    ['RS256', 'sha256'],
  ])('creates keys for %s that verify what they sign', async (algorithm, digest) => {
    const keys = openApp().start({ algorithm });
    const { kid } = await keys.current();
    const signature = await keys.sign(kid, data);
    const [jwk] = await keys.published();
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });

    expect(jwk).toMatchObject({ kid, alg: algorithm, use: 'sig' });
    expect(verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
  });

  it('fails with a fault while the store does not answer, and succeeds afterwards', async () => {
    const { store, start } = openApp();
    const keys = start();
    store.isDown = true;
    const failure = await Promise.resolve(keys.current()).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(AuthUnavailableError);
    expect((failure as AuthUnavailableError).explanation).not.toContain('secret');

    store.isDown = false;
    expect(await kidOf(keys)).toBe(store.keys[0]?.kid);
  });

  it('reports a missing store as it is', async () => {
    const missing = new ConfigurationError('SessionsModule', 'there is no store', 'Import SqlStoresModule');
    const keys = openApp().start({
      findStore: () => {
        throw missing;
      },
    });

    await expect(keys.current()).rejects.toBe(missing);
    await expect(keys.published()).rejects.toBe(missing);
  });
});

describe('reading the store', () => {
  it('answers from memory for a minute', async () => {
    const { store, clock, start } = openApp();
    const keys = start();
    await keys.current();
    store.countCalls('list');
    clock.advanceSeconds(59);

    expect(keys.current()).not.toBeInstanceOf(Promise);
    expect(keys.published()).toBe(keys.published());
    await settle();
    expect(store.countCalls('list')).toBe(0);
  });

  it('reads once in the background after a minute, while it answers from memory', async () => {
    const { store, clock, start } = openApp();
    const keys = start();
    await keys.current();
    store.countCalls('list');
    clock.advanceSeconds(60);
    for (let call = 0; call < 100; call += 1) expect(keys.current()).not.toBeInstanceOf(Promise);
    await settle();

    expect(store.countCalls('list')).toBe(1);
  });

  it('waits for the store when nobody has used the keys for ten minutes, so that no removed key signs', async () => {
    const { store, clock, start } = openApp();
    const [one, other] = [start(), start()];
    const first = await kidOf(one);
    await other.current();
    clock.advanceSeconds(300);
    await other.rotate();
    await store.remove([first]);
    clock.advanceSeconds(300);

    expect(await kidOf(one)).toBe(store.keys[0]?.kid);
    expect(await kidsOf(one)).not.toContain(first);
  });

  it('signs and publishes for a day while the store does not answer, then answers with a fault, and recovers', async () => {
    const { store, clock, start } = openApp();
    const keys = start();
    const first = await kidOf(keys);
    store.isDown = true;
    clock.advanceSeconds(day - 1);
    expect(await kidOf(keys)).toBe(first);
    expect(await kidsOf(keys)).toEqual([first]);

    clock.advanceSeconds(1);
    await expect(Promise.resolve(keys.current())).rejects.toBeInstanceOf(AuthUnavailableError);
    await expect(Promise.resolve(keys.published())).rejects.toBeInstanceOf(AuthUnavailableError);

    store.isDown = false;
    clock.advanceSeconds(60);
    expect(await kidOf(keys)).toBe(first);
  });

  it('reads again what was changed while a reading was in progress', async () => {
    const { store, clock, start } = openApp();
    const [one, other] = [start(), start()];
    await one.current();
    await other.current();
    const release = store.holdBack();
    clock.advanceSeconds(60);
    await one.current();
    await other.rotate();
    const refreshed = one.refresh();
    release();
    await refreshed;

    expect(await kidOf(one)).toBe(await kidOf(other));
  });

  it('calls a store that is down seldom', async () => {
    const { store, clock, start } = openApp();
    const keys = start();
    await keys.current();
    store.isDown = true;
    store.countCalls('list');
    for (let second = 0; second < 600; second += 1) {
      clock.advanceSeconds(1);
      await keys.current();
      await settle();
    }

    // At most one in 9.6 s after the first few.
    expect(store.countCalls('list')).toBeLessThan(70);
  });
});
