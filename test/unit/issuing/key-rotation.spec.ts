import { describe, expect, it } from 'vitest';
import { AuthUnavailableError } from '../../../src/errors/auth-error.js';
import { day, kidOf, kidsOf, openApp, use } from '../../support/shared-signing-keys.js';

describe('the rotation', () => {
  it('publishes the next key a day before it signs, and both instances change at the same time', async () => {
    const { store, clock, start } = openApp();
    const [one, other] = [start(), start()];
    const first = await kidOf(one);
    await other.current();
    clock.advanceSeconds(89 * day - 1);
    await use(one);
    expect(store.keys).toHaveLength(1);

    clock.advanceSeconds(61);
    await use(one);
    await use(other);
    const second = store.keys[1]?.kid ?? '';
    expect(store.keys).toHaveLength(2);
    expect(await kidsOf(one)).toEqual([first, second]);
    expect(await kidsOf(other)).toEqual([first, second]);
    expect([await kidOf(one), await kidOf(other)]).toEqual([first, first]);

    const untilItSigns = ((store.keys[1]?.signsFrom.getTime() ?? 0) - clock.now().getTime()) / 1_000;
    expect(untilItSigns).toBe(day);
    clock.advanceSeconds(day - 1);
    expect([await kidOf(one), await kidOf(other)]).toEqual([first, first]);
    clock.advanceSeconds(1);
    expect([await kidOf(one), await kidOf(other)]).toEqual([second, second]);
  });

  it('changes at the planned time also while the store does not answer', async () => {
    const { store, clock, start } = openApp();
    const keys = start();
    const first = await kidOf(keys);
    clock.advanceSeconds(89 * day + 60);
    await use(keys);
    clock.advanceSeconds(day - 600);
    await use(keys);
    store.isDown = true;
    clock.advanceSeconds(120);
    await use(keys);

    expect(await kidOf(keys)).toBe(first);
    clock.advanceSeconds(480);
    expect(await kidOf(keys)).toBe(store.keys[1]?.kid);
  });

  it('publishes a retired key until its tokens have expired, then removes it', async () => {
    const { store, clock, start } = openApp();
    const keys = start({ longestTokenSeconds: 7_200 });
    const first = await kidOf(keys);
    await keys.rotate();
    const second = await kidOf(keys);
    expect(await kidsOf(keys)).toEqual([first, second]);

    clock.advanceSeconds(7_200 + 3_600 - 1);
    await use(keys);
    expect(await kidsOf(keys)).toEqual([first, second]);

    clock.advanceSeconds(1);
    expect(await kidsOf(keys)).toEqual([second]);
    clock.advanceSeconds(60);
    await use(keys);
    expect(store.keys.map(({ kid }) => kid)).toEqual([second]);
  });

  it('gives a next key of the whole time ahead after nobody has used the app for a year', async () => {
    const { store, clock, start } = openApp();
    const keys = start();
    const first = await kidOf(keys);
    clock.advanceSeconds(365 * day);

    expect(await kidOf(keys)).toBe(first);
    expect(store.keys.map(({ signsFrom }) => signsFrom.getTime() - clock.now().getTime())).toEqual([
      -365 * day * 1_000,
      day * 1_000,
    ]);
  });

  it('adds one next key for ten instances', async () => {
    const { store, clock, start } = openApp();
    const instances = Array.from({ length: 10 }, () => start());
    await Promise.all(instances.map(kidOf));
    clock.advanceSeconds(89 * day);
    await Promise.all(instances.map((keys) => keys.refresh()));

    expect(store.keys).toHaveLength(2);
    expect(new Set((await Promise.all(instances.map(kidsOf))).map(String)).size).toBe(1);
  });

  it('continues when the next key cannot be added', async () => {
    const { store, clock, start } = openApp();
    const keys = start();
    const first = await kidOf(keys);
    store.add = () => Promise.reject(new Error('read only'));
    clock.advanceSeconds(90 * day);
    await keys.refresh();

    expect(await kidOf(keys)).toBe(first);
  });

  it('makes the next key with an algorithm that was changed, and one only', async () => {
    const { store, clock, start } = openApp();
    const [before, after] = [start(), start({ algorithm: 'EdDSA' })];
    await before.current();
    await after.current();
    for (let reading = 0; reading < 5; reading += 1) {
      await after.refresh();
      await before.refresh();
    }
    expect(store.keys.map(({ algorithm }) => algorithm)).toEqual(['ES256', 'EdDSA']);

    clock.advanceSeconds(day);
    expect(await after.current()).toEqual({ kid: store.keys[1]?.kid, algorithm: 'EdDSA' });
  });
});

describe('rotate()', () => {
  it('makes a new key sign at once, here, and in another instance within a minute of use', async () => {
    const { store, clock, start } = openApp();
    const [one, other] = [start(), start()];
    const first = await kidOf(one);
    await other.current();
    await one.rotate();
    expect(await kidOf(one)).toBe(store.keys[1]?.kid);
    expect(await kidOf(other)).toBe(first);

    clock.advanceSeconds(60);
    await use(other);
    expect(await kidOf(other)).toBe(store.keys[1]?.kid);
    expect(await kidsOf(other)).toContain(first);
  });

  it('passes over a next key that is waiting', async () => {
    const { store, clock, start } = openApp();
    const keys = start();
    await keys.current();
    clock.advanceSeconds(89 * day);
    await keys.refresh();
    await keys.rotate();
    const rotated = await kidOf(keys);
    clock.advanceSeconds(2 * day);
    await keys.refresh();

    expect(rotated).toBe(store.keys.find(({ sequence }) => sequence === 3)?.kid);
    expect(await kidOf(keys)).toBe(rotated);
  });

  it('rotates once when ten instances are told to at once', async () => {
    const { store, start } = openApp();
    const instances = Array.from({ length: 10 }, () => start());
    await Promise.all(instances.map(kidOf));
    await Promise.all(instances.map((keys) => keys.rotate()));

    expect(store.keys).toHaveLength(2);
    expect(new Set(await Promise.all(instances.map(kidOf)))).toEqual(new Set([store.keys[1]?.kid]));
  });

  it('fails while the store does not answer', async () => {
    const { store, start } = openApp();
    const keys = start();
    const first = await kidOf(keys);
    store.isDown = true;

    await expect(keys.rotate()).rejects.toBeInstanceOf(AuthUnavailableError);
    expect(await kidOf(keys)).toBe(first);
  });
});
