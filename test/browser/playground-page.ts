import type { Browser, BrowserContext, Cookie, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

export interface ShownAnswer {
  readonly status: string;
  readonly request: string;
  readonly challenge: string;
  readonly body: { code?: string; reason?: string; user?: unknown; id?: string };
  readonly log: string;
  /** What the pressed button shows from now on. */
  readonly cell: string;
  readonly announced: string;
}

/** The page as a person sees it: by its labels, and by what it shows. */
export class PlaygroundPage {
  /** Requests to other machines, faults of the page, and what its Content-Security-Policy refused. */
  readonly strays: string[] = [];

  static async open(browser: Browser, address: string, viewport: { width: number; height: number }) {
    const context = await browser.newContext({ viewport });
    const opened = new PlaygroundPage(address, context, await context.newPage());
    await opened.page.goto(address);
    await opened.ready();
    return opened;
  }

  private constructor(
    readonly address: string,
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on('request', (request) => {
      if (!['localhost', '127.0.0.1'].includes(new URL(request.url()).hostname)) this.strays.push(request.url());
    });
    page.on('pageerror', (error) => this.strays.push(error.message));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.strays.push(message.text());
    });
  }

  /** Another tab of the same browser, with the same cookies; what it does is not watched. */
  newTab(): Promise<Page> {
    return this.context.newPage();
  }

  /** The cookies of the app, as the browser has them. */
  async cookies(): Promise<Cookie[]> {
    const cookies = await this.context.cookies(this.address);
    return cookies.filter(({ name }) => name === 'access' || name === 'refresh');
  }

  close(): Promise<void> {
    return this.context.close();
  }

  ready(): Promise<void> {
    return this.page.locator('body[data-ready]').waitFor();
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  get providerButton(): Locator {
    return this.button('Sign in with the demo provider');
  }

  get keyServer(): Locator {
    return this.page.getByRole('switch', { name: 'Key server' });
  }

  get announcement(): Locator {
    return this.page.locator('#announcement');
  }

  cell(token: string, route: string): Locator {
    return this.page.locator(`[data-token="${token}"][data-route="${route}"]`);
  }

  text(selector: string): Promise<string> {
    return this.page.locator(selector).innerText();
  }

  /** The card of the session with the app: the result of the last call, its cookies, and the list of sessions. */
  get ownSession(): Locator {
    return this.page.locator('#own-session');
  }

  /** The sessions in the list: `current` is that of this browser. */
  sessions(which: 'current' | 'other'): Locator {
    return this.ownSession.locator(`[data-session="${which}"]`);
  }

  /** What the card shows of a cookie. */
  cookieText(name: string): Promise<string> {
    return this.ownSession.locator(`[data-cookie="${name}"]`).innerText();
  }

  /** Signs in without a mouse, from wherever the focus is. */
  async signInByKeyboard(name: string, password: string): Promise<void> {
    const { keyboard } = this.page;
    await this.tabTo(this.providerButton);
    await keyboard.press('Enter');
    await expect.poll(() => this.isFocused(this.page.getByLabel('Name'))).toBe(true);
    await keyboard.type(name);
    await keyboard.press('Tab');
    await keyboard.type(password);
    await keyboard.press('Enter');
    await expect.poll(() => this.isFocused(this.button('Allow'))).toBe(true);
    await keyboard.press('Enter');
    await this.ready();
  }

  /** Presses a button without a mouse. */
  async pressByKeyboard(target: Locator): Promise<void> {
    await this.tabTo(target);
    await this.page.keyboard.press('Enter');
  }

  async signIn(name = 'mira', password = 'gatehouse'): Promise<void> {
    await this.providerButton.click();
    await this.page.getByLabel('Name').fill(name);
    await this.page.getByLabel('Password').fill(password);
    await this.button('Sign in').click();
    await this.button('Allow').click();
    await this.ready();
  }

  /** Begins a session where there is none any more, while that of the provider goes on: no screen is shown. */
  async signInOnceMore(): Promise<void> {
    await this.providerButton.click();
    await this.sessions('current').waitFor();
    await this.ready();
  }

  /** The session at the provider goes on, so this is one press and no screen. */
  async signInAgain(): Promise<void> {
    const token = this.page.locator('#token .raw');
    const held = await token.textContent();
    await this.button('Sign in again').click();
    await expect.poll(() => token.textContent()).not.toBe(held);
    await this.ready();
  }

  async signOut(): Promise<void> {
    await this.button('Sign out').click();
    await this.page.getByRole('heading', { name: 'Sign out?' }).waitFor();
    await this.button('Sign out').click();
    await this.ready();
  }

  async send(token: string, route: string): Promise<ShownAnswer> {
    // Two requests in a row may be announced in the same words.
    await this.page.evaluate('document.querySelector("#announcement").textContent = ""');
    await this.cell(token, route).click();
    await this.page.locator('#announcement:not(:empty)').waitFor({ state: 'attached' });
    return {
      status: await this.part('status'),
      request: await this.part('request'),
      challenge: await this.part('challenge'),
      body: JSON.parse(await this.part('body')) as ShownAnswer['body'],
      log: await this.part('log'),
      cell: await this.cell(token, route).innerText(),
      announced: (await this.announcement.textContent()) ?? '',
    };
  }

  fitsTheScreen(): Promise<boolean> {
    return this.page.evaluate('document.documentElement.scrollWidth <= innerWidth');
  }

  async tabTo(target: Locator): Promise<void> {
    for (let presses = 0; presses < 150; presses += 1) {
      await this.page.keyboard.press('Tab');
      if (await this.isFocused(target)) return;
    }
    throw new Error(`Tab does not lead to ${String(target)}`);
  }

  async isFocused(target: Locator): Promise<boolean> {
    return (await target.and(this.page.locator(':focus-visible')).count()) > 0;
  }

  private async part(name: string): Promise<string> {
    return (await this.page.locator(`#answer [data-part="${name}"]`).textContent()) ?? '';
  }
}
