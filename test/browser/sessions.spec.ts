import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import type { PlaygroundPage } from './playground-page.js';
import { createDataDirectory, PlaygroundProcess } from './playground-process.js';
import { usePlayground } from './playground-stand.js';

describe('a session of the playground', () => {
  const stand = usePlayground();
  let on: PlaygroundPage;

  beforeEach(() => {
    on = stand.on;
  });

  const notice = () => on.ownSession.locator('p').first().innerText();
  const isFocused = (name: string) => () => on.isFocused(on.button(name));

  /** Presses a button of the card without a mouse, and waits for its result. */
  async function press(name: string, result: string): Promise<void> {
    await on.pressByKeyboard(on.button(name));
    await expect.poll(notice).toBe(result);
  }

  // Another user for each width, so that each list begins empty.
  const screens = [
    { width: 1280, height: 900, name: 'theo', password: 'drawbridge' },
    { width: 390, height: 780, name: 'ines', password: 'portcullis' },
  ];

  it.each(screens)(
    'goes its way by keyboard alone at $width pixels: cookies, a refresh, another device, its end, sign-out everywhere',
    async ({ name, password, ...viewport }) => {
      await on.page.setViewportSize(viewport);
      await on.signInByKeyboard(name, password);
      expect(await on.text('#you')).toContain('Signed in by the demo provider. The account is new.');
      const [, id] = /user\s+([\da-f-]{36})/.exec(await on.ownSession.innerText()) ?? [];

      // The cookies: shown with their attributes, and never with their values.
      const cookies = await on.cookies();
      expect(cookies.map((cookie) => cookie.name).sort()).toEqual(['access', 'refresh']);
      for (const { name: cookie, value, httpOnly, sameSite, secure } of cookies) {
        expect({ httpOnly, sameSite, secure }).toEqual({ httpOnly: true, sameSite: 'Lax', secure: false });
        const shown = await on.cookieText(cookie);
        expect(shown).toContain(`${value.length} characters`);
        expect(shown).toMatch(/Path=\/; HttpOnly; SameSite=Lax; Max-Age=12\d{5}$/);
        expect(await on.page.content()).not.toContain(value);
      }
      expect(await on.page.evaluate('document.cookie')).toBe('');
      expect(await on.fitsTheScreen()).toBe(true);

      const before = [await on.cookieText('access'), await on.cookieText('refresh')];
      await press('Refresh', 'Refresh: 200 OK');
      await expect.poll(() => on.cookieText('access')).not.toBe(before[0]);
      expect(await on.cookieText('refresh')).not.toBe(before[1]);
      await expect.poll(isFocused('Refresh'), { message: 'focus stays' }).toBe(true);
      expect(await on.send('session', 'required')).toMatchObject({ status: '200 OK', body: { id } });

      expect(await on.cell('device', 'required').isVisible()).toBe(false);
      await press('Open another device', 'Open another device: 200 OK');
      await expect.poll(() => on.sessions('other').count()).toBe(1);
      expect(await on.sessions('other').innerText()).toContain('Another device');
      expect(await on.page.content()).not.toContain('grt_');
      expect(await on.send('device', 'required')).toMatchObject({ status: '200 OK', body: { id } });
      expect(await on.fitsTheScreen()).toBe(true);

      await press('End the session: Another device', 'End a session: 204 No Content');
      await expect.poll(() => on.sessions('other').count()).toBe(0);
      const revoked = { status: '401 Unauthorized', body: { code: 'INVALID_TOKEN', reason: 'revoked' } };
      expect(await on.send('device', 'required')).toMatchObject(revoked);
      expect(await on.send('session', 'required')).toMatchObject({ status: '200 OK' });

      await press('Open another device', 'Open another device: 200 OK');
      expect(await on.send('device', 'required')).toMatchObject({ status: '200 OK' });
      await press('Sign out everywhere', 'Sign out everywhere: 204 No Content');
      await expect.poll(() => on.sessions('current').count()).toBe(0);
      expect(await on.cookies()).toEqual([]);
      expect(await on.send('device', 'required')).toMatchObject(revoked);
      expect(await on.cell('session', 'required').isDisabled()).toBe(true);

      await on.pressByKeyboard(on.providerButton);
      await on.sessions('current').waitFor();
      await on.ready();
      expect(await on.text('#you')).toMatch(/Signed in by the demo provider\.$/m);
      expect(await on.fitsTheScreen()).toBe(true);
    },
  );

  it('shows a session that was ended elsewhere as what it is, and gets a new one', async () => {
    await on.signIn();
    const tab = await on.newTab();
    await tab.goto(on.address);
    await tab.locator('[data-session="current"]').waitFor();
    // The tab has the session, and asks the app for the token of the provider.
    await expect.poll(() => tab.locator('#token').innerText()).toMatch(/\d:\d\d left/);
    await tab.getByRole('button', { name: 'Sign out everywhere' }).click();
    await tab.locator('#own-session').getByText('Sign out everywhere: 204 No Content').waitFor();
    await tab.close();

    await on.button('Refresh').click();
    await expect.poll(notice).toBe('Refresh: 401 Unauthorized: MISSING_TOKEN, A refresh token is required');
    await on.signInOnceMore();
  });

  it('replaces the session of this browser when its user signs in again', async () => {
    await on.signIn();
    const [before] = await on.cookies();
    const count = await on.sessions('other').count();
    await on.signInAgain();

    expect((await on.cookies())[0]?.value).not.toBe(before?.value);
    expect(await on.sessions('current').count()).toBe(1);
    expect(await on.sessions('other').count(), 'the former session has ended').toBe(count);
    const former = await fetch(`${on.address}/api/me`, { headers: { Authorization: `Bearer ${before?.value ?? ''}` } });
    expect(former.status).toBe(401);
    expect(await former.json()).toMatchObject({ reason: 'revoked' });
  });

  it('signs out of the app and of the provider with one press', async () => {
    await on.signIn();
    await on.signOut();
    expect(await on.cookies()).toEqual([]);
    expect(await notice()).toContain('None. Sign in');
  });
});

describe('a session of the playground and its database', () => {
  const dataDirectory = createDataDirectory();
  let ports: Record<string, number>;
  beforeAll(async () => {
    ports = { PLAYGROUND_PORT: await freePort(), PLAYGROUND_PROVIDER_PORT: await freePort() };
  });

  const stand = usePlayground(() => ({ ...ports, PLAYGROUND_DATA: dataDirectory }));

  it('outlives several ends of the process, also by kill -9, while the provider forgets its tokens', async () => {
    const { on } = stand;
    await on.signIn();
    for (const end of ['kill', 'interrupt', 'kill'] as const) {
      const [access, refresh] = [await on.cookieText('access'), await on.cookieText('refresh')];
      await stand.playground[end]();
      stand.playground = new PlaygroundProcess({ ...ports, PLAYGROUND_DATA: dataDirectory });
      await stand.playground.address();
      await on.page.reload();
      await on.ready();

      expect(await on.text('#token')).toContain('None yet');
      expect(await on.sessions('current').count()).toBe(1);
      const fingerprint = /SHA-256 (\w+)/;
      expect(fingerprint.exec(await on.cookieText('refresh'))?.[1]).toBe(fingerprint.exec(refresh)?.[1]);
      expect(await on.cookieText('access')).toContain('set by an earlier run');
      expect(await on.send('session', 'required')).toMatchObject({
        status: '200 OK',
        body: { roles: ['admin', 'editor'] },
      });
      await on.button('Refresh').click();
      await expect.poll(() => on.cookieText('access')).toContain('HttpOnly');
      expect(await on.cookieText('access')).not.toBe(access);
    }
  });
});

describe('a page of another site, in a browser with a session of the playground', () => {
  const stand = usePlayground();
  /** A page with a form that posts to the address in its query. */
  const foreign = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://foreign');
    const target = (searchParams.get('target') ?? '').replaceAll('"', '');
    const enctype = searchParams.get('enctype') ?? '';
    response
      .writeHead(200, { 'Content-Type': 'text/html' })
      .end(
        `<form method="post" action="${target}" enctype="${enctype}"><input name="{&quot;a" value="&quot;:1}"><button>Win</button></form>`,
      );
  });

  beforeAll(async () => {
    await once(foreign.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => {
    foreign.close();
  });

  /** The status of the page that the form leads to. */
  async function submit(tab: Page, host: string, target: string, enctype: string): Promise<number> {
    const { port } = foreign.address() as AddressInfo;
    await tab.goto(`http://${host}:${port}/?${new URLSearchParams({ target, enctype }).toString()}`);
    const [response] = await Promise.all([tab.waitForResponse(target), tab.getByRole('button').click()]);
    return response.status();
  }

  // On another port of the same host it is the same site for SameSite, so the browser sends the cookies. 127.0.0.1 is another
  // site: it does not send them, so a guarded route finds no credential. The routes of sessions refuse such a page in any case.
  it.each([
    { host: 'localhost', guarded: 403 },
    { host: '127.0.0.1', guarded: 401 },
  ])('changes nothing by its forms, from $host', async ({ host, guarded }) => {
    const { on } = stand;
    await on.signIn();
    const before = await on.cookies();
    const tab = await on.newTab();

    for (const enctype of ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']) {
      const statuses: Record<string, number> = {};
      for (const path of [
        '/auth/refresh',
        '/auth/sign-out',
        '/auth/sign-out-everywhere',
        '/playground/session/devices',
      ]) {
        statuses[path] = await submit(tab, host, `${on.address}${path}`, enctype);
      }
      expect(statuses, enctype).toEqual({
        '/auth/refresh': 403,
        '/auth/sign-out': 403,
        '/auth/sign-out-everywhere': 403,
        '/playground/session/devices': guarded,
      });
    }

    expect(await on.cookies()).toEqual(before);
    await on.page.reload();
    await on.ready();
    expect(await on.sessions('current').count()).toBe(1);
    expect(await on.sessions('other').count(), 'no device was opened').toBe(0);
    expect(await on.send('session', 'required')).toMatchObject({ status: '200 OK' });
    await on.button('Sign out everywhere').click();
    await expect.poll(() => on.sessions('current').count()).toBe(0);
  });

  it('changes nothing by fetch with credentials either', async () => {
    const { on } = stand;
    await on.signIn();
    const before = await on.cookies();
    const tab = await on.newTab();
    const { port } = foreign.address() as AddressInfo;
    await tab.goto(`http://localhost:${port}/`);
    const statuses: number[] = [];
    tab.on('response', (response) => statuses.push(response.status()));
    for (const path of ['/auth/refresh', '/auth/sign-out', '/playground/session/devices']) {
      await tab.evaluate(
        `fetch('${on.address}${path}', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' })`,
      );
    }
    expect(statuses).toEqual([403, 403, 403]);
    expect(await on.cookies()).toEqual(before);
  });
});
