import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { createGate, openKeptTokens as open, RotatingProvider, tokens } from '../../support/kept-tokens-stand.js';
import { settle } from '../../support/shared-signing-keys.js';

const refused = (code: string) => expect.objectContaining({ name: 'RefusalError', code }) as Error;
const down = expect.objectContaining({ name: 'AuthUnavailableError', code: 'SERVER_ERROR' }) as Error;

describe('a kept token', () => {
  it('is given as long as it is valid for another 30 seconds, without asking the provider', async () => {
    const { kept, get, clock, provider } = open();
    await kept.save('anna', 'corp', tokens());
    expect(await get()).toBe('access-1');
    clock.advanceSeconds(3_569.999);
    expect(await get()).toBe('access-1');
    expect(provider.asked).toEqual([]);
    clock.advanceSeconds(0.001);
    expect(await get()).toBe('access-2');
    expect(await get()).toBe('access-2');
    expect(provider.asked).toEqual(['refresh-1']);
  });

  it('is given as long as it is kept, where its expiry is unknown', async () => {
    const { kept, get, clock, provider } = open();
    await kept.save('anna', 'corp', tokens({ expiresAt: null }));
    clock.advanceSeconds(400 * 86_400);
    expect([await get(), provider.asked]).toEqual(['access-1', []]);
  });

  it('is one of the user at the provider, and the one that was kept last', async () => {
    const { kept, get } = open();
    await kept.save('anna', 'corp', tokens());
    await kept.save('ben', 'corp', tokens({ accessToken: 'of ben' }));
    await kept.save('anna', 'other', tokens({ accessToken: 'of the other' }));
    expect([await get(), await get('ben')]).toEqual(['access-1', 'of ben']);
    await kept.save('anna', 'corp', tokens({ accessToken: 'later' }));
    expect(await get()).toBe('later');
    await expect(get('carl')).rejects.toEqual(refused('NOT_FOUND'));
  });

  it('is not readable in the store, nor under another user or provider', async () => {
    const { kept, get, store } = open();
    await kept.save('anna', 'corp', tokens());
    const entry = await store.find('anna', 'corp');
    const sealed = entry?.sealed ?? new Uint8Array();
    const text = Buffer.from(sealed).toString('latin1');
    for (const secret of ['access-1', 'refresh-1', 'calendar']) expect(text).not.toContain(secret);
    await store.save('ben', 'corp', sealed, new Date(0));
    await expect(get('ben')).rejects.toEqual(refused('LOGIN_REFUSED'));
  });

  it('is read with an earlier encryption key, and asks for a sign-in without any, but stays', async () => {
    const { kept, start, store } = open({ encryptionKeys: new EncryptionKeys([Buffer.alloc(32, 'old')]) });
    await kept.save('anna', 'corp', tokens());
    const [newer, older] = [Buffer.alloc(32, 'new'), Buffer.alloc(32, 'old')];
    expect(await start(new EncryptionKeys([newer, older])).get()).toBe('access-1');
    await expect(start(new EncryptionKeys([newer])).get()).rejects.toEqual(refused('LOGIN_REFUSED'));
    expect(await store.find('anna', 'corp')).not.toBeNull();
  });
});

describe('a token that has expired', () => {
  it('is refreshed once for 50 callers at once, and again when it has expired again', async () => {
    const { kept, get, clock, provider, store } = open();
    await kept.save('anna', 'corp', tokens());
    for (const next of [2, 3, 4]) {
      clock.advanceSeconds(3_600);
      const given = await Promise.all(Array.from({ length: 50 }, () => get()));
      expect(new Set(given)).toEqual(new Set([`access-${next}`]));
    }
    expect(provider.asked).toEqual(['refresh-1', 'refresh-2', 'refresh-3']);
    expect(store.calls.filter((call) => call === 'claim')).toHaveLength(3);
  });

  it('is refreshed once for 50 callers at each of two instances, which get the same token', async () => {
    const { kept, get, start, clock, provider, ring } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    const other = start();
    const gate = createGate();
    provider.gate = gate.passed;
    const given = Promise.all(Array.from({ length: 50 }, () => [get(), other.get()]).flat());
    expect(await ring()).toEqual([50]);
    expect(await ring()).toEqual([100]);
    gate.open();
    await settle();
    expect(await ring()).toEqual([200]);
    expect(new Set(await given)).toEqual(new Set(['access-2']));
    expect(provider.asked).toEqual(['refresh-1']);
  });

  it('is not waited for longer than 10 seconds', async () => {
    const { kept, get, start, clock, provider, ring } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    const gate = createGate();
    provider.gate = gate.passed;
    const first = get();
    await settle();
    const failed = expect(start().get()).rejects.toEqual(down);
    let waitedMs = 0;
    for (let delays = await ring(); delays.length > 0; delays = await ring()) waitedMs += delays[0] ?? 0;
    await failed;
    expect(waitedMs).toBeGreaterThan(10_000);
    expect(waitedMs).toBeLessThan(11_000);
    gate.open();
    expect(await first).toBe('access-2');
    expect(await start().get()).toBe('access-2');
  });

  it('is refreshed by another instance where one has died of it', async () => {
    const { kept, get, store, clock, provider, ring } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    const now = clock.now();
    const until = new Date(now.getTime() + 60_000);
    expect(await store.claim('anna', 'corp', (await store.find('anna', 'corp'))?.version ?? 0, now, until)).toBe(true);
    const given = get();
    await ring();
    expect(provider.asked).toEqual([]);
    clock.advanceSeconds(60);
    await ring();
    expect(await given).toBe('access-2');
  });

  it('is no longer given without a refresh token, and is removed; until then it is given', async () => {
    const { kept, get, clock, provider, store } = open();
    await kept.save('anna', 'corp', tokens({ refreshToken: null }));
    clock.advanceSeconds(3_599.999);
    expect(await get()).toBe('access-1');
    clock.advanceSeconds(0.001);
    await expect(get()).rejects.toEqual(refused('LOGIN_REFUSED'));
    expect([await store.find('anna', 'corp'), provider.asked]).toEqual([null, []]);
    await expect(get()).rejects.toEqual(refused('NOT_FOUND'));
  });

  it('is refreshed for each user and provider on its own', async () => {
    const { kept, get, clock, provider } = open();
    const other = new (class extends RotatingProvider {
      override readonly id = 'other';
    })();
    await kept.save('anna', 'corp', tokens());
    await kept.save('anna', 'other', tokens());
    clock.advanceSeconds(3_600);
    const gate = createGate();
    provider.gate = gate.passed;
    const waiting = get();
    expect(await get('anna', other)).toBe('access-2');
    gate.open();
    expect(await waiting).toBe('access-2');
    expect([provider.asked, other.asked]).toEqual([['refresh-1'], ['refresh-1']]);
  });
});

describe('a provider that refuses', () => {
  it('ends what is kept: all who ask are told that the person has to sign in', async () => {
    const { kept, get, clock, provider, store } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    provider.fault = RefusalError.of('LOGIN_REFUSED', 'invalid_grant');
    const failures = await Promise.allSettled(Array.from({ length: 50 }, () => get()));
    for (const failure of failures) expect(failure).toMatchObject({ reason: refused('LOGIN_REFUSED') });
    expect(provider.asked).toHaveLength(1);
    expect(await store.find('anna', 'corp')).toBeNull();
    await expect(get()).rejects.toEqual(refused('NOT_FOUND'));
  });

  it('does not end what a sign-in has kept meanwhile', async () => {
    const { kept, get, clock, provider } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    const gate = createGate();
    provider.gate = gate.passed;
    provider.fault = RefusalError.of('LOGIN_REFUSED', 'invalid_grant');
    const given = get();
    await settle();
    await kept.save('anna', 'corp', tokens({ accessToken: 'new', expiresAt: null }));
    gate.open();
    expect(await given).toBe('new');
    expect(await get()).toBe('new');
  });
});

describe('tokens that are removed while they are refreshed', () => {
  it('are not kept again, nor given', async () => {
    const { kept, get, clock, provider, store } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    const gate = createGate();
    provider.gate = gate.passed;
    const given = expect(get()).rejects.toEqual(refused('NOT_FOUND'));
    await settle();
    await store.remove('anna', null);
    gate.open();
    await given;
    expect(await store.find('anna', 'corp')).toBeNull();
  });
});

describe('a provider that is down', () => {
  it('is asked again by the next caller, and what is kept stays', async () => {
    const { kept, get, start, clock, provider, store } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    provider.fault = new AuthUnavailableError('corp.example did not answer', 7);
    const before = await store.find('anna', 'corp');
    await expect(Promise.all([get(), get(), get()])).rejects.toBe(provider.fault);
    await expect(start().get()).rejects.toBe(provider.fault);
    expect(provider.asked).toHaveLength(2);
    expect(await store.find('anna', 'corp')).toEqual(before);
    provider.fault = null;
    expect(await get()).toBe('access-2');
  });
});

describe('a store that is down', () => {
  it.each(['find', 'claim', 'save'])('while it is asked to %s, is an outage that names nothing', async (method) => {
    const { kept, get, clock, provider, store } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    store.failing = [method];
    const asked = method === 'save' ? kept.save('anna', 'corp', tokens()) : get();
    await expect(asked).rejects.toEqual(down);
    await expect(asked).rejects.not.toHaveProperty('message', expect.stringContaining('secret'));
    expect(provider.asked).toEqual([]);
    store.failing = [];
    expect(await get()).toBe('access-2');
  });

  it('when tokens were refreshed, is asked to keep them several times', async () => {
    const { kept, get, clock, provider, store, ring } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    store.failing = ['replace'];
    const given = get();
    expect([await ring(), await ring()]).toEqual([[50], [100]]);
    store.failing = [];
    expect(await ring()).toEqual([200]);
    expect(await given).toBe('access-2');
    expect([await get(), provider.asked]).toEqual(['access-2', ['refresh-1']]);
  });

  it('for longer, is an outage', async () => {
    const { kept, get, clock, store, ring } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    store.failing = ['replace', 'release'];
    const given = expect(get()).rejects.toEqual(down);
    while ((await ring()).length > 0);
    await given;
    expect(store.calls.filter((call) => call === 'replace')).toHaveLength(4);
  });

  it('that changes the version each time is given up', async () => {
    const { kept, get, clock, provider, store } = open();
    await kept.save('anna', 'corp', tokens());
    clock.advanceSeconds(3_600);
    store.replace = () => Promise.resolve(false);
    store.claim = () => Promise.resolve(true);
    provider.refresh = () => Promise.resolve(tokens());
    await expect(get()).rejects.toEqual(down);
  });
});
