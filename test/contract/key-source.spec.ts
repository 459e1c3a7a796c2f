/** What every source of keys has to do, whether it holds them or fetches them. */
import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OwnKeySource } from '../../src/issuing/own-key-source.js';
import { type PublicJwk, SigningKeys } from '../../src/issuing/signing-keys.js';
import { loadJwks, readKeys } from '../../src/keys/jwks-loader.js';
import { IndexedKeySet, type KeySet } from '../../src/keys/key-set.js';
import { StaticKeySource, type KeySource } from '../../src/keys/key-source.js';
import { RemoteKeySource } from '../../src/keys/remote-key-source.js';
import { createSigningKey, type SigningKey } from '../../src/testing/signing-key.js';
import { signingKeyOf, TestIssuer } from '../../src/testing/test-issuer.js';
import { HttpClient } from '../../src/upstream/http-client.js';
import { ManualClock } from '../support/manual-clock.js';

let issuer: TestIssuer;
let old: SigningKey;

/** Public keys that the app publishes as its own. */
class PublishedKeys extends SigningKeys {
  override current(): never {
    throw new Error('Nothing is signed here');
  }

  override sign(): never {
    throw new Error('Nothing is signed here');
  }

  override published(): readonly PublicJwk[] {
    return issuer.jwks.keys as unknown as readonly PublicJwk[];
  }

  override rotate(): Promise<void> {
    return Promise.resolve();
  }
}

beforeAll(async () => {
  issuer = await TestIssuer.start({ algorithm: 'ES256' });
  old = signingKeyOf(issuer);
  await issuer.rotateKeys({ keepOld: true });
});

afterAll(() => issuer.stop());

const clock = new ManualClock();

const sources: Readonly<Record<string, () => KeySource>> = {
  StaticKeySource: () => new StaticKeySource(new IndexedKeySet(readKeys(issuer.jwks.keys))),
  RemoteKeySource: () =>
    new RemoteKeySource({
      what: 'the keys',
      load: () => loadJwks(new HttpClient(), issuer.jwksUri),
      clock,
      report: () => undefined,
    }),
  OwnKeySource: () => new OwnKeySource({ findSigningKeys: () => new PublishedKeys(), clock, report: () => undefined }),
};

describe.each(Object.entries(sources))('%s', (_, open) => {
  const has =
    (kid: string) =>
    (keys: KeySet): boolean =>
      keys.find(kid, 'ES256').kind === 'found';

  it('obtains the complete set that contains what is wanted', async () => {
    const keys = await open().obtain(has(issuer.publicKey.kid));

    expect(has(issuer.publicKey.kid)(keys)).toBe(true);
    expect(has(old.kid)(keys)).toBe(true);
    expect(keys.keys).toHaveLength(2);
  });

  it('has the same set available afterwards, without waiting', async () => {
    const source = open();
    const keys = await source.obtain(() => true);

    expect(source.current()).toBe(keys);
    expect(await source.obtain(() => true)).toBe(keys);
  });

  it('returns what it has at once, before any fetch: a set or nothing', () => {
    const current = open().current();

    expect(current === null || current.keys.length === 2).toBe(true);
  });

  it('returns a set without what is wanted when there is no such key', async () => {
    const source = open();
    const keys = await source.obtain(has('unknown'));

    expect(keys.find('unknown', 'ES256')).toEqual({ kind: 'unknown' });
    expect(keys.keys).toHaveLength(2);
    expect((await source.obtain(has('unknown'))).keys).toHaveLength(2);
  });

  it('keeps the object of a key that has not changed', async () => {
    const source = open();
    const first = await source.obtain(() => true);
    // Wanted in vain, so that a source that fetches does so again.
    const second = await source.obtain(() => false);
    clock.advanceSeconds(7 * 60);
    const third = await source.obtain(() => false);

    expect(first.keys.map((key) => [second.has(key), third.has(key)])).toEqual([
      [true, true],
      [true, true],
    ]);
  });

  it('gives all concurrent requests the same set', async () => {
    const source = open();
    const sets = await Promise.all(Array.from({ length: 10 }, () => source.obtain(() => true)));

    expect(new Set(sets).size).toBe(1);
  });

  it('has keys that verify what their owner signs, and nothing else', async () => {
    const keys = await open().obtain(() => true);
    const match = keys.find(old.kid, 'ES256');
    const stranger = await createSigningKey('ES256', old.kid);
    const data = Buffer.from('data');
    const fits = (key: SigningKey): boolean =>
      match.kind === 'found' &&
      verify('sha256', data, { key: match.key.key, dsaEncoding: 'ieee-p1363' }, key.sign(data));

    expect([fits(old), fits(signingKeyOf(issuer)), fits(stranger)]).toEqual([true, false, false]);
  });

  it('has only public keys', async () => {
    const keys = await open().obtain(() => true);

    expect(keys.keys.map(({ key }) => key.type)).toEqual(['public', 'public']);
    expect(keys.keys.map(({ key }) => createPublicKey(key.export({ type: 'spki', format: 'pem' })).type)).toHaveLength(
      2,
    );
  });

  it('finds no key when a token does not state which of two it needs', async () => {
    const keys = await open().obtain(() => true);

    expect(keys.find(null, 'ES256').kind).toBe('ambiguous');
    expect(keys.find(null, 'RS256').kind).toBe('unknown');
    expect(keys.find(old.kid, 'RS256').kind).toBe('unfit');
  });
});
