import { describe, expect, it } from 'vitest';
import { AuthUnavailableError } from '../../../src/errors/auth-error.js';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { kidOf, kidsOf, openApp, use } from '../../support/shared-signing-keys.js';

const data = Buffer.from('data');

describe('keys that cannot be used', () => {
  it('makes a new key when the encryption key was changed without the old one, and says so once', async () => {
    const { store, events, clock, start } = openApp();
    const first = await kidOf(start());
    const changed = EncryptionKeys.random();
    const keys = start({ findEncryptionKeys: () => changed });
    const second = await kidOf(keys);
    clock.advanceSeconds(60);
    await use(keys);

    expect(store.keys.map(({ kid }) => kid)).toEqual([first, second]);
    expect(await kidsOf(keys)).toEqual([first, second]);
    expect(await keys.sign(second, data)).toHaveLength(64);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: 'misconfigured' });
    expect(JSON.stringify(events[0])).toContain('encryptionKey');
  });

  it('goes on with the same key when the old encryption key is kept', async () => {
    const { store, events, start } = openApp();
    const [old, fresh] = [Buffer.alloc(32, 'old'), Buffer.alloc(32, 'new')];
    const before = new EncryptionKeys([old]);
    const after = new EncryptionKeys([fresh, old]);
    const first = await kidOf(start({ findEncryptionKeys: () => before }));

    expect(await kidOf(start({ findEncryptionKeys: () => after }))).toBe(first);
    expect(store.keys).toHaveLength(1);
    expect(events).toEqual([]);
  });

  it('adds few keys when instances have different encryption keys, and all tokens verify', async () => {
    const { store, clock, start } = openApp();
    const strange = EncryptionKeys.random();
    const instances = [start(), start({ findEncryptionKeys: () => strange })];
    // The kids of the tokens of the last ten minutes, which is as long as a token lives.
    const signed: string[] = [];
    for (let minute = 0; minute < 12 * 60; minute += 1) {
      for (const keys of instances) {
        await keys.refresh();
        signed.push(await kidOf(keys));
      }
      for (const keys of instances) {
        await keys.refresh();
        expect(await kidsOf(keys)).toEqual(expect.arrayContaining(signed.slice(-2 * 10)));
      }
      clock.advanceSeconds(60);
    }

    expect(store.keys.at(-1)?.sequence).toBeLessThan(30);
    expect(store.keys.length).toBeLessThan(8);
  });

  it.each([
    ['the public key was exchanged', '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'],
    ['it is no JSON', 'key'],
    ['it is not an object', 'null'],
  ])('does not publish a key of the store when %s', async (_, publicJwk) => {
    const { store, events, start } = openApp();
    const first = await kidOf(start());
    store.keys = store.keys.map((key) => ({ ...key, publicJwk }));
    const keys = start();
    const second = await kidOf(keys);
    await keys.refresh();

    expect(second).not.toBe(first);
    expect(await kidsOf(keys)).toEqual([second]);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: 'misconfigured' });
  });

  it('does not sign with a sealed key that was put in the place of another', async () => {
    const { store, start } = openApp();
    const keys = start();
    await keys.current();
    await keys.rotate();
    const [first, second] = store.keys;
    if (first === undefined || second === undefined) throw new Error('Two keys are expected');
    store.keys = [first, { ...second, sealedPrivateKey: first.sealedPrivateKey }];

    expect(await kidOf(start())).not.toBe(second.kid);
  });

  it('does not sign with a key that it does not have', () => {
    expect(() => openApp().start().sign('unknown', data)).toThrow(AuthUnavailableError);
  });
});
