/** The tokens of keys that were revoked: also when the revocation came in the middle, or failed at its first attempt. */
import { RevocationStore } from 'nest-gatehouse';
import { MemoryRevocationStore } from 'nest-gatehouse/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { basic, bearer, type KeyStoreApp, storesWith } from '../support/key-store-app.js';
import { ManualClock } from '../support/manual-clock.js';
import { grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';

/** A store that may be down. */
class FailingRevocationStore extends MemoryRevocationStore {
  isDown = false;

  override add(entries: Parameters<MemoryRevocationStore['add']>[0]): Promise<void> {
    return this.isDown ? Promise.reject(new Error('down')) : super.add(entries);
  }
}

describe.each(platforms)('on $name', (platform) => {
  let clock: ManualClock;
  let revocations: FailingRevocationStore;
  let stand: KeyStoreApp;
  /** What happens while the user of a key is looked up. */
  let meanwhile: () => Promise<void>;

  beforeEach(async () => {
    clock = new ManualClock();
    revocations = new FailingRevocationStore(clock);
    meanwhile = () => Promise.resolve();
    const findSubject = async (id: string): Promise<{ id: string }> => {
      await meanwhile();
      return { id };
    };
    stand = await startTokenEndpointApp(platform, {
      clock,
      keys: { findSubject },
      stores: storesWith(clock, RevocationStore, revocations),
    });
  });

  const tokenOf = async ({ id, secret }: { readonly id: string; readonly secret: string }): Promise<string> => {
    const { json } = await post(stand, '/oauth/token', grant, basic(id, secret));
    return (json as { access_token: string }).access_token;
  };
  const statusWith = async (token: string): Promise<number> =>
    (await stand.app.call('/api/caller', bearer(token))).status;

  it('a token that was being issued while its key was revoked or disabled is refused', async () => {
    const { service } = stand;
    const end = {
      revoke: (id: string) => service.revoke(id),
      disable: (id: string) => service.update(id, { enabled: false }),
    };
    for (const run of Object.values(end)) {
      const key = await service.create({ userId: 'alice' });
      meanwhile = async () => {
        await run(key.id);
        clock.advanceSeconds(2);
      };
      expect(await statusWith(await tokenOf(key))).toBe(401);
    }
  });

  it('a token of an instance whose clock is ahead ends with its revoked key', async () => {
    const key = await stand.service.create({ userId: 'alice' });
    clock.advanceSeconds(50);
    const token = await tokenOf(key);
    clock.advanceSeconds(-50);
    await stand.service.revoke(key.id);
    clock.advanceSeconds(50);
    expect(await statusWith(token)).toBe(401);
  });

  it('all keys of a user can be revoked again when their tokens could not be revoked the first time', async () => {
    const { service } = stand;
    const keys = [await service.create({ userId: 'alice' }), await service.create({ userId: 'alice' })];
    const tokens = [];
    for (const key of keys) tokens.push(await tokenOf(key));
    const other = await tokenOf(await service.create({ userId: 'bob' }));
    revocations.isDown = true;
    await expect(service.revokeAll('alice')).rejects.toMatchObject({ code: 'SERVER_ERROR' });
    revocations.isDown = false;
    expect(await service.revokeAll('alice')).toBe(0);
    for (const token of tokens) expect(await statusWith(token)).toBe(401);
    expect(await statusWith(other)).toBe(200);
    // Other instances know it from the store.
    const { entries } = await revocations.snapshot();
    expect(entries.map(({ kind, value }) => [kind, value]).sort()).toEqual(keys.map(({ id }) => ['client', id]).sort());
  });
});
