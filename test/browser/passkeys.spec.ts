/** Passkeys in Chromium with its virtual authenticator, on the page that docs/guides/passkeys.md shows. */
import { readFileSync } from 'node:fs';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { memoryStores } from 'nest-gatehouse/testing';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AccountApp, email, password } from '../support/account-app.js';
import { freePort } from '../support/free-port.js';
import { startPasskeyApp } from '../support/passkey-client.js';
import { findChromium, launchChromium } from './chromium.js';

const text = readFileSync(new URL('../../docs/guides/passkeys.md', import.meta.url), 'utf8');
const [, html = ''] = /^```html\n(.*?)^```$/ms.exec(text) ?? [];

@Controller()
class PageController {
  @Get('page')
  @Header('Content-Type', 'text/html')
  page(): string {
    return html;
  }
}

@Module({ controllers: [PageController] })
class PageModule {}

/** What CDP knows of a credential. */
interface VirtualCredential {
  readonly credentialId: string;
  readonly signCount: number;
}

/** How the authenticator is made. */
interface AuthenticatorKind {
  readonly isSynced?: boolean;
}

const chromiumPath = findChromium();

const platform = { name: 'Express', createAdapter: () => new ExpressAdapter() };

describe('passkeys in a browser', () => {
  let stand: AccountApp;
  let browser: Browser;
  let page: Page;
  let cdp: CDPSession;
  let authenticatorId: string;
  let address: string;
  let stores: ReturnType<typeof memoryStores>[];

  beforeAll(async () => {
    if (chromiumPath !== undefined) browser = await launchChromium(chromiumPath);
  });
  afterAll(async () => {
    if (chromiumPath !== undefined) await browser.close();
  });

  beforeEach(async (test) => {
    if (chromiumPath === undefined) test.skip('no Chromium on this machine; CHROMIUM_PATH can name one');
    const port = await freePort();
    address = `http://localhost:${port}`;
    stores = [memoryStores()];
    stand = await start(port, address);
    await stand.accounts.create({ email, emailVerified: true, password, name: 'Ada' });
    const context = await browser.newContext();
    page = await context.newPage();
    cdp = await context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await addAuthenticator();
    await page.goto(`${address}/page`);
  });
  afterEach(async () => {
    if (chromiumPath !== undefined) await page.context().close();
  });

  /** An instance of the app, which takes passkeys of pages of this origin. */
  function start(port: number, origin: string): Promise<AccountApp> {
    return startPasskeyApp(
      platform,
      { passkeys: { rpId: 'localhost', rpName: 'Example', origins: [origin] } },
      { port, stores, auth: { publicUrl: `http://localhost:${port}` }, imports: [PageModule] },
    );
  }

  async function addAuthenticator({ isSynced = true }: AuthenticatorKind = {}): Promise<void> {
    const added = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        defaultBackupEligibility: isSynced,
        defaultBackupState: isSynced,
      },
    });
    authenticatorId = added.authenticatorId;
  }

  /** In the place of the authenticator that is there. */
  async function changeAuthenticator(kind: AuthenticatorKind): Promise<void> {
    await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
    await addAuthenticator(kind);
  }

  const signInWithPassword = (): Promise<unknown> =>
    page.evaluate(
      async (json) =>
        (await fetch('/auth/sign-in', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: json }))
          .status,
      JSON.stringify({ email, password }),
    );

  /** Presses a button of the page, and reads what it shows. */
  async function press(name: string, result: string | RegExp): Promise<void> {
    await page.evaluate("document.querySelector('output').textContent = ''");
    await page.getByRole('button', { name }).click();
    const shown = page.locator('output');
    await expect.poll(() => shown.innerText(), { timeout: 10_000 }).toMatch(result);
  }

  const add = (result: string | RegExp = /^My laptop$/): Promise<void> => press('Add a passkey', result);
  const signIn = (result: string | RegExp = email): Promise<void> => press('Sign in with a passkey', result);
  const signOut = (): Promise<void> => page.context().clearCookies();
  const me = async (): Promise<unknown> => (await page.request.get(`${address}/auth/me`)).status();

  async function credentials(): Promise<readonly VirtualCredential[]> {
    return (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  }

  it('are registered and found without a login', async () => {
    expect(await signInWithPassword()).toBe(200);
    await add();
    const listed = (await (await page.request.get(`${address}/auth/passkeys`)).json()) as { items: object[] };
    expect(listed.items).toMatchObject([{ name: 'My laptop', backedUp: true, lastUsedAt: null }]);
    await add('InvalidStateError');
    await signOut();
    expect(await me()).toBe(401);
    await signIn();
    expect(await me()).toBe(200);
    expect(await credentials()).toHaveLength(1);
  });

  it('are offered in a field, and signed in with by that', async () => {
    await signInWithPassword();
    await add();
    await signOut();
    const status = await page.evaluate(`(async () => {
      const headers = { 'Content-Type': 'application/json' };
      const post = (path, body) =>
        fetch('/auth/passkeys/' + path, { method: 'POST', headers, body: JSON.stringify(body) });
      const { options } = await (await post('sign-in-options', {})).json();
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const credential = await navigator.credentials.get({ publicKey, mediation: 'conditional' });
      return (await post('sign-in', { response: credential.toJSON() })).status;
    })()`);
    expect(status).toBe(200);
  });

  it('are refused for another domain, by the browser and by the app', async () => {
    await signInWithPassword();
    await add();
    await signOut();
    await page.route('**/sign-in-options', async (route) => {
      const response = await route.fetch();
      const { options } = (await response.json()) as { options: object };
      await route.fulfill({ response, json: { options: { ...options, rpId: 'example.com' } } });
    });
    await signIn('SecurityError');
    await page.unroute('**/sign-in-options');

    // On another port the browser lets the passkey pass, since a port is no part of the domain.
    const elsewhere = await start(await freePort(), 'http://localhost:1');
    await page.goto(`${elsewhere.app.url.replace('127.0.0.1', 'localhost')}/page`);
    await signIn('INVALID_CREDENTIALS');
    await page.goto(`${address}/page`);
    await signIn();
  });

  it('are refused when their user is not verified', async () => {
    await signInWithPassword();
    await add();
    await signOut();
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    await signIn('NotAllowedError');
    // A page that does not ask for it, such as one of an attacker.
    await page.route('**/sign-in-options', async (route) => {
      const response = await route.fetch();
      const { options } = (await response.json()) as { options: object };
      await route.fulfill({ response, json: { options: { ...options, userVerification: 'discouraged' } } });
    });
    await signIn('INVALID_CREDENTIALS');
    expect(await me()).toBe(401);
  });

  it('are refused when their answer comes again', async () => {
    await signInWithPassword();
    await add();
    await signOut();
    let sent = '';
    page.on('request', (request) => {
      if (request.url().endsWith('/passkeys/sign-in')) sent = request.postData() ?? '';
    });
    await signIn();
    const again = await page.request.post(`${address}/auth/passkeys/sign-in`, {
      headers: { 'Content-Type': 'application/json', Origin: address },
      data: sent,
    });
    expect(again.status()).toBe(401);
    expect(await again.json()).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  it.each([
    { kind: 'of one device', isSynced: false, result: 'INVALID_CREDENTIALS' },
    { kind: 'that are synced', isSynced: true, result: email },
  ])('$kind are copied with a counter that is behind: $result', async ({ isSynced, result }) => {
    await changeAuthenticator({ isSynced });
    await signInWithPassword();
    await add();
    await signIn();
    const [original] = (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
    if (original === undefined) throw new Error('There is no credential');
    expect(original.signCount).toBeGreaterThan(1);
    await changeAuthenticator({ isSynced });
    await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: { ...original, signCount: 0 } });
    await signOut();
    await signIn(result);
  });
});
