/** A login leads back to pages of the app alone, however the address is written, and ends only where and when it may. */
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import type { Answer } from '../support/http.js';
import {
  beginAsFrontend,
  goToProvider,
  locationOf,
  type LoginApp,
  page,
  pathOf,
  signInByLink,
  startLoginApp,
} from '../support/login-app.js';
import type { SessionClient } from '../support/session-app.js';

/** Each of them leads a browser elsewhere, or runs a script, where it is used as it is. */
const hostile = [
  'https://evil.example',
  'http://app.example.com/',
  'https://app.example.com:444/',
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\r\n//evil.example',
  '\u0000https://evil.example',
  ' https://evil.example',
  'https:/\\evil.example',
  'https:\\\\evil.example',
  'https://app.example.com@evil.example',
  'https://app.example.com%40evil.example/@evil.example',
  'https://app.example.com\\@evil.example',
  'https://app.example.com.evil.example',
  'https://app.example.comevil.example',
  'https://evil.example#https://app.example.com',
  'https://evil.example?https://app.example.com/',
  'https://evil.example/https://app.example.com',
  'https://app.example.com。evil.example',
  'https://аpp.example.com',
  'https://user:word@app.example.com/',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'javascript://app.example.com/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'blob:https://app.example.com/0c5b',
  'file:///etc/passwd',
  'com.example.app:/callback',
  'http://127.0.0.1:1234/callback',
  'https://app.example.com/\r\nSet-Cookie: a=b',
  '',
];

/** They look hostile, and are paths of the app. */
const harmless = [
  'https:evil.example',
  '/%2f%2fevil.example',
  '/%5cevil.example',
  '/https://evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  '?returnTo=https://evil.example',
  '#https://evil.example',
  '@evil.example',
  '.evil.example',
  'evil.example',
  '%0d%0aSet-Cookie:a=b',
];

const apps = { login: { returnTo: [page, 'com.example.app:/callback', 'http://127.0.0.1/callback'] } };
const failed = (error: string): string => `${page}/?error=${error}`;

function expectRefused(answer: Answer, field: string): void {
  expect(answer.json).toMatchObject({ statusCode: 400, code: 'INVALID_INPUT', fields: [{ path: field }] });
  expect(answer.headers['location']).toBeUndefined();
  expect(answer.headers['set-cookie']).toBeUndefined();
}

describe.each(platforms)('the page that a login leads back to on $name', (platform) => {
  let client: LoginApp['client'];
  let provider: LoginApp['provider'];

  beforeAll(async () => {
    ({ client, provider } = await startLoginApp(platform, apps));
  });

  it.each(hostile.map((address) => [JSON.stringify(address), address]))('is not %s', async (_shown, address) => {
    const browser = client();
    const query = await browser.call(`/auth/login/corp?returnTo=${encodeURIComponent(address)}`);
    expectRefused(query, 'returnTo');
    expectRefused(await browser.post('/auth/login/corp', { returnTo: address }), 'returnTo');
    if (!['com.example.app:/callback', 'http://127.0.0.1:1234/callback'].includes(address))
      expectRefused(await browser.post('/auth/login/corp', { redirectUri: address }), 'redirectUri');
    expect(provider.requests).toEqual([]);
  });

  it('is not one that is no text', async () => {
    for (const given of [7, true, {}, ['https://app.example.com'], { href: page }]) {
      expectRefused(await client().post('/auth/login/corp', { returnTo: given }), 'returnTo');
      expectRefused(await client().post('/auth/login/corp', { redirectUri: given }), 'redirectUri');
    }
    for (const query of ['returnTo=/a&returnTo=/b', 'returnTo=%2Fa&returnTo=https://evil.example']) {
      expectRefused(await client().call(`/auth/login/corp?${query}`), 'returnTo');
    }
  });

  it('is of the app for spellings that only look hostile', async () => {
    const browser = client();
    for (const address of harmless) {
      const byLink = await signInByLink(browser, provider, `/auth/login/corp?returnTo=${encodeURIComponent(address)}`);
      const { json } = await browser.post('/auth/login/corp', { returnTo: address });
      const byBody = await browser.call(pathOf(provider.authorize((json as { url: string }).url)));
      for (const answer of [byLink, byBody]) {
        const location = locationOf(answer) ?? '';
        expect([address, location.startsWith(`${page}/`), location]).toEqual([address, true, expect.any(String)]);
        expect([address, new URL(location).origin]).toEqual([address, page]);
        expect([...location].filter((character) => character < '!')).toEqual([]);
      }
    }
  });

  it('is not changed by what is added to the callback', async () => {
    const browser = client();
    const add = (back: URL): void => {
      for (const name of ['returnTo', 'redirect_uri', 'redirectUri', 'next']) {
        back.searchParams.append(name, 'https://evil.example');
      }
    };
    provider.person = { sub: 'somebody else' };
    expect(locationOf(await signInByLink(browser, provider, '/auth/login/corp?returnTo=/a', add))).toBe(
      `${page}/a?new=1`,
    );
    expect(locationOf(await client().call('/auth/callback/corp?returnTo=https://evil.example'))).toBe(
      failed('login_state'),
    );
    // Nobody but the app tells a page how the login has ended.
    const path = `/auth/login/corp?returnTo=${encodeURIComponent('/b?error=x&x=%20&new=1&new=2')}`;
    provider.person = { sub: 'another one' };
    expect(locationOf(await signInByLink(browser, provider, path))).toBe(`${page}/b?x=%20&new=1`);
    provider.person = null;
    expect(locationOf(await signInByLink(browser, provider, path))).toBe(`${page}/b?x=%20&error=access_denied`);
  });
});

/** Sends what the provider has answered on, as a page does that was called back. */
const sendOn = (browser: SessionClient, sentOn: object) => browser.post('/auth/callback/corp', sentOn);

function expectStateRefused(answer: Answer): void {
  expect([answer.status, codeOf(answer.json)]).toEqual([400, 'LOGIN_STATE']);
  expect(answer.headers['www-authenticate']).toBeUndefined();
}

describe.each(platforms)('a login on $name ends', (platform) => {
  const startAnd = async (): Promise<LoginApp & { readonly browser: SessionClient }> => {
    const app = await startLoginApp(platform, apps);
    return { ...app, browser: app.client() };
  };

  it('once, for a page that is called back itself', async () => {
    const { browser, provider } = await startAnd();
    const sentOn = await beginAsFrontend(browser, provider);
    const copy = browser.fork();
    expect((await sendOn(browser, sentOn)).status).toBe(200);
    expectStateRefused(await sendOn(browser, sentOn));
    expectStateRefused(await sendOn(copy, sentOn));
    expect(provider.exchanges).toHaveLength(1);
  });

  it('once, also where it has failed', async () => {
    const { browser, provider } = await startAnd();
    const back = await goToProvider(browser, provider);
    const copy = browser.fork();
    provider.faults = { down: ['/token'] };
    expect(locationOf(await browser.call(pathOf(back)))).toBe(failed('temporarily_unavailable'));
    provider.faults = {};
    expect(locationOf(await copy.call(pathOf(back)))).toBe(failed('login_state'));
  });

  it('within ten minutes, not a day later, wherever it is kept', async () => {
    const { browser, provider, client, clock } = await startAnd();
    const byLink = await goToProvider(browser, provider);
    const sentOn = await beginAsFrontend(browser, provider);
    const app = client('body');
    const delivery = [['X-Token-Delivery', 'body']] as const;
    const kept = await beginAsFrontend(app, provider, { redirectUri: 'com.example.app:/callback' }, delivery);
    clock.advanceSeconds(86_400);
    expect(locationOf(await browser.call(pathOf(byLink)))).toBe(failed('login_state'));
    expectStateRefused(await sendOn(browser, sentOn));
    expectStateRefused(await app.post('/auth/callback/corp', kept, delivery));
    expect(provider.exchanges).toEqual([]);
  });

  it('in the browser in which it began', async () => {
    const { browser, provider, client } = await startAnd();
    const sentOn = await beginAsFrontend(browser, provider);
    expectStateRefused(await sendOn(client(), sentOn));
    const stranger = client();
    await beginAsFrontend(stranger, provider);
    expectStateRefused(await sendOn(stranger, sentOn));
    // With the name of the right cookie, and the value of another login.
    const [name = ''] = [...browser.jar.keys()];
    const [value = ''] = [...stranger.jar.values()];
    const forged = client();
    for (const text of [value, 'x', '', (browser.jar.get(name) ?? '').slice(0, -1), 'A'.repeat(5_000)]) {
      forged.jar.set(name, text);
      expectStateRefused(await sendOn(forged, sentOn));
    }
    expect(provider.exchanges).toEqual([]);
    expect((await sendOn(browser, sentOn)).status).toBe(200);
  });

  it('in an app that has kept it, with its own attempt', async () => {
    const { provider, client } = await startAnd();
    const delivery = [['X-Token-Delivery', 'body']] as const;
    const body = { redirectUri: 'http://127.0.0.1:49152/callback' };
    const app = client('body');
    const one = await beginAsFrontend(app, provider, body, delivery);
    const other = await beginAsFrontend(app, provider, body, delivery);
    const mixed = { ...one, attempt: other.attempt };
    const changed = { ...one, attempt: `${one.attempt ?? ''}A` };
    for (const wrong of [mixed, changed, { ...one, attempt: undefined }, { ...one, attempt: 'x' }]) {
      expectStateRefused(await app.post('/auth/callback/corp', wrong, delivery));
    }
    expect(provider.exchanges).toEqual([]);
    for (const right of [other, one]) {
      expect((await app.post('/auth/callback/corp', right, delivery)).status).toBe(200);
    }
  });

  it('in two tabs, whether a link or the page began it', async () => {
    const { browser, provider } = await startAnd();
    const byLink = await goToProvider(browser, provider, '/auth/login/corp?returnTo=/one');
    const sentOn = await beginAsFrontend(browser, provider);
    // Whose answer was meant for the other.
    const { code, state } = sentOn;
    const crossed = `/auth/callback/corp?${String(new URLSearchParams({ code, state }))}`;
    expect(locationOf(await browser.fork().call(crossed))).toBe(failed('login_state'));
    expect((await sendOn(browser, sentOn)).status).toBe(200);
    expect(locationOf(await browser.call(pathOf(byLink)))).toBe(`${page}/one`);
  });

  it('by the newest five of a browser that began very many', async () => {
    const { browser, provider } = await startAnd();
    const backs: URL[] = [];
    for (let at = 0; at < 8; at += 1) backs.push(await goToProvider(browser, provider));
    expect(browser.jar.size).toBe(5);
    for (const back of backs.slice(0, 3)) {
      expect(locationOf(await browser.fork().call(pathOf(back)))).toBe(failed('login_state'));
    }
    for (const back of backs.slice(3)) {
      expect([`${page}/?new=1`, `${page}/`]).toContain(locationOf(await browser.call(pathOf(back))));
    }
  });
});
