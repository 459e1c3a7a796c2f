import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, ConfigurationError } from '../../../src/errors/auth-error.js';
import { OwnKeySource } from '../../../src/issuing/own-key-source.js';
import type { SigningKeys } from '../../../src/issuing/signing-keys.js';
import type { KeySet } from '../../../src/keys/key-set.js';
import { type App, day, kidOf, openApp, RemoteKeys, settle } from '../../support/shared-signing-keys.js';

const has =
  (kid: string) =>
  (keys: KeySet): boolean =>
    keys.find(kid, 'ES256').kind === 'found';

const openSource = ({ clock, events }: App, keys: SigningKeys): OwnKeySource =>
  new OwnKeySource({ findSigningKeys: () => keys, clock, report: (event) => events.push(event) });

describe('OwnKeySource', () => {
  it('has a key that was created in this process at once, without reading the store', async () => {
    const app = openApp();
    const keys = app.start();
    const source = openSource(app, keys);
    await source.obtain(() => true);
    source.current();
    await settle();
    await keys.rotate();
    app.store.countCalls('list');
    const kid = await kidOf(keys);

    expect(has(kid)(await source.obtain(has(kid)))).toBe(true);
    expect(app.store.countCalls('list')).toBe(0);
  });

  it('finds a key at once that another instance has created', async () => {
    const app = openApp();
    const source = openSource(app, app.start());
    await source.obtain(() => true);
    const other = app.start();
    await other.rotate();
    const kid = await kidOf(other);

    expect(has(kid)(await source.obtain(has(kid)))).toBe(true);
    expect(has(kid)(source.current() as KeySet)).toBe(true);
  });

  it('finds it also when nothing was read here before', async () => {
    const app = openApp();
    const [keys, other] = [app.start(), app.start()];
    await keys.current();
    await other.rotate();
    const kid = await kidOf(other);

    expect(has(kid)(await openSource(app, keys).obtain(has(kid)))).toBe(true);
  });

  it('finds a key that was created while a reading was in progress', async () => {
    const app = openApp();
    const source = openSource(app, app.start());
    await source.obtain(() => true);
    await settle();
    const other = app.start();
    await other.current();
    const release = app.store.holdBack();
    const running = source.refresh();
    await settle();
    await other.rotate();
    const kid = await kidOf(other);
    const obtained = source.obtain(has(kid));
    release();
    await running;

    expect(has(kid)(await obtained)).toBe(true);
  });

  it('reads the store three times for 10,000 unknown key ids, and again ten seconds later', async () => {
    const app = openApp();
    const source = openSource(app, app.start());
    const known = await source.obtain(() => true);
    await settle();
    app.store.countCalls('list');
    for (let attempt = 0; attempt < 5_000; attempt += 1) expect(await source.obtain(has(`no-${attempt}`))).toBe(known);
    await Promise.all(Array.from({ length: 5_000 }, (_, attempt) => source.obtain(has(`none-${attempt}`))));
    expect(app.store.countCalls('list')).toBe(3);

    app.clock.advanceSeconds(10);
    await Promise.all(Array.from({ length: 1_000 }, (_, attempt) => source.obtain(has(`later-${attempt}`))));
    // One that begins with the first of them, and one for those that came while it was in progress.
    expect(app.store.countCalls('list')).toBe(2);
  });

  it('asks a service of keys as seldom', async () => {
    const app = openApp();
    const remote = new RemoteKeys(app.start());
    const source = openSource(app, remote);
    const known = await source.obtain(() => true);
    remote.calls = 0;
    for (let attempt = 0; attempt < 1_000; attempt += 1) await source.obtain(has(`no-${attempt}`));

    expect(remote.calls).toBe(3);
    expect(source.current()).toBe(known);
  });

  it('keeps the set and its keys while nothing has changed, and the keys when one is added', async () => {
    const app = openApp();
    const keys = app.start();
    const source = openSource(app, keys);
    const before = await source.obtain(() => true);
    app.clock.advanceSeconds(61);
    source.current();
    await settle();
    expect(source.current()).toBe(before);

    await keys.rotate();
    await source.refresh();
    const after = source.current();
    expect(after?.keys).toHaveLength(2);
    expect(before.keys.map((key) => after?.has(key))).toEqual([true]);
  });

  it('drops a key that was removed, within a minute of use', async () => {
    const app = openApp();
    const [one, other] = [app.start(), app.start()];
    const source = openSource(app, one);
    const first = await kidOf(one);
    await source.obtain(() => true);
    await settle();
    await other.rotate();
    await app.store.remove([first]);
    app.clock.advanceSeconds(60);
    expect(has(first)(source.current() as KeySet)).toBe(true);
    await settle();
    expect(has(first)(source.current() as KeySet)).toBe(false);
  });

  it('does not use a removed key after ten minutes in which no token came', async () => {
    const app = openApp();
    const [one, other] = [app.start(), app.start()];
    const source = openSource(app, one);
    const first = await kidOf(one);
    await source.obtain(() => true);
    await other.rotate();
    await app.store.remove([first]);
    app.clock.advanceSeconds(600);

    expect(source.current()).toBeNull();
    expect(has(first)(await source.obtain(() => true))).toBe(false);
  });

  it('uses the keys for a day while the store does not answer, and says so once', async () => {
    const app = openApp();
    const source = openSource(app, app.start());
    const set = await source.obtain(() => true);
    await settle();
    app.store.isDown = true;
    app.clock.advanceSeconds(60);
    source.current();
    await settle();
    for (let hour = 1; hour < 24; hour += 1) {
      app.clock.advanceSeconds(3_600);
      expect(source.current()).toBe(set);
      await settle();
    }
    expect(app.events.map(({ type }) => type)).toEqual(['outage-began']);
    expect(JSON.stringify(app.events)).not.toContain('secret');
    expect(source.state().status).toBe('stale');
    expect(source.state().lastError).toBe('The store of the signing keys does not answer');

    app.clock.advanceSeconds(3_600);
    expect(source.current()).toBeNull();
    await expect(source.obtain(() => true)).rejects.toBeInstanceOf(AuthUnavailableError);
    expect(source.state().status).toBe('missing');

    app.store.isDown = false;
    app.clock.advanceSeconds(60);
    expect(await source.obtain(() => true)).toBe(set);
    expect(app.events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
    expect(source.state()).toMatchObject({ status: 'fresh', lastError: null });
  });

  it('answers with a fault for an unknown key only while the store does not answer', async () => {
    const app = openApp();
    const keys = app.start();
    const source = openSource(app, keys);
    const kid = await kidOf(keys);
    await source.obtain(() => true);
    await settle();
    app.store.isDown = true;

    await expect(source.obtain(has('unknown'))).rejects.toBeInstanceOf(AuthUnavailableError);
    expect(has(kid)(await source.obtain(has(kid)))).toBe(true);
  });

  it('takes what the keys have in memory when the store has stopped answering', async () => {
    const app = openApp();
    const keys = app.start();
    const kid = await kidOf(keys);
    app.store.isDown = true;

    expect(has(kid)(await openSource(app, keys).obtain(has(kid)))).toBe(true);
  });

  it('drops a key whose time is over also while the store does not answer', async () => {
    const app = openApp();
    const keys = app.start();
    const source = openSource(app, keys);
    const first = await kidOf(keys);
    await keys.rotate();
    await source.obtain(() => true);
    await settle();
    app.store.isDown = true;
    app.clock.advanceSeconds(4_200);
    for (let use = 0; use < 3; use += 1) {
      await source.obtain(() => true);
      app.clock.advanceSeconds(60);
    }

    expect(has(first)(source.current() as KeySet)).toBe(false);
    expect(source.current()?.keys).toHaveLength(1);
  });

  it('keeps the keys of a service for a day after it has stopped answering', async () => {
    const app = openApp();
    const remote = new RemoteKeys(app.start());
    const source = openSource(app, remote);
    const set = await source.obtain(() => true);
    app.clock.advanceSeconds(61);
    source.current();
    await settle();
    remote.isDown = true;
    app.clock.advanceSeconds(61);
    source.current();
    await settle();
    app.clock.advanceSeconds(day - 62);
    expect(source.current()).toBe(set);
    expect(JSON.stringify(app.events)).not.toContain('secret');
    app.clock.advanceSeconds(1);
    expect(source.current()).toBeNull();
  });

  it('refuses keys that cannot verify anything as a fault', async () => {
    const app = openApp();
    const remote = new RemoteKeys(app.start());
    remote.published = () => Promise.resolve([]);

    await expect(openSource(app, remote).obtain(() => true)).rejects.toBeInstanceOf(AuthUnavailableError);
  });

  it('reports missing SigningKeys as they are, each time', async () => {
    const { clock, events } = openApp();
    const missing = new ConfigurationError('ownTokens()', 'there is no SessionsModule', 'Import it');
    const source = new OwnKeySource({
      findSigningKeys: () => {
        throw missing;
      },
      clock,
      report: (event) => events.push(event),
    });

    for (let use = 0; use < 3; use += 1) await expect(source.obtain(() => true)).rejects.toBe(missing);
    expect(events).toEqual([]);
  });

  it('reads nothing in the background after it was closed', async () => {
    const app = openApp();
    const source = openSource(app, app.start());
    const set = await source.obtain(() => true);
    await settle();
    source.close();
    app.store.countCalls('list');
    app.clock.advanceSeconds(61);

    expect(source.current()).toBe(set);
    await settle();
    expect(app.store.countCalls('list')).toBe(0);
  });
});
