/** The site of the documents in Chromium: every page on a screen and on a phone, light and dark, and the search by keyboard. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildDocsSite } from '../support/docs-site.js';
import { findChromium, launchChromium } from './chromium.js';

const base = '/nest-gatehouse/';
const chromiumPath = findChromium();
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const widths = [1280, 390];

/** Serves a folder as GitHub Pages does: `/reference/errors` is the file `reference/errors.html`. */
async function serve(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '').slice(base.length);
    const found = [path, `${path}.html`, `${path}index.html`].find(
      (file) => extname(file) !== '' && existsSync(join(folder, file)),
    );
    if (found === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': types[extname(found)] ?? 'application/octet-stream' });
    response.end(readFileSync(join(folder, found)));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** How much wider than the screen the page is, and which element is. */
function overflowOf(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll('.vp-doc *')].filter((one) => one.getBoundingClientRect().right > clientWidth);
    return [scrollWidth + ' of ' + clientWidth, ...wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 120))];
  })()`);
}

/** The contrast of the text of a page with its background (WCAG 2, 1.4.3). */
function contrastOf(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const luminance = (color) => {
      const [red, green, blue] = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const text = luminance(getComputedStyle(document.querySelector('.vp-doc p')).color);
    const ground = luminance(getComputedStyle(document.body).backgroundColor);
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  })()`);
}

describe('the site of the documents in a browser', () => {
  const work = mkdtempSync(join(tmpdir(), 'gatehouse-docs-'));
  let browser: Browser;
  let server: Server;
  let address: string;
  let pages: string[];

  beforeAll(async () => {
    if (chromiumPath === undefined) return;
    await buildDocsSite(work);
    server = await serve(work);
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`;
    pages = readdirSync(work, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.html') && file !== '404.html')
      .map((file) => file.replace(/(index)?\.html$/, ''));
    browser = await launchChromium(chromiumPath);
  }, 300_000);

  afterAll(async () => {
    if (chromiumPath !== undefined) {
      await browser.close();
      server.close();
    }
    rmSync(work, { recursive: true });
  });

  beforeEach((test) => {
    if (chromiumPath === undefined) test.skip('no Chromium on this machine; CHROMIUM_PATH can name one');
  });

  it.each(widths)('fits a screen of %i px on every page', { timeout: 300_000 }, async (width) => {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    const found: Record<string, string[]> = {};
    for (const path of pages) {
      await page.goto(`${address}${path}`);
      const overflow = await overflowOf(page);
      if (overflow.length > 0) found[path] = overflow;
    }
    await page.close();
    expect(pages.length).toBeGreaterThan(60);
    expect(found).toEqual({});
  });

  it.each(['light', 'dark'] as const)('can be read where the system is %s', async (colorScheme) => {
    const page = await browser.newPage({ colorScheme });
    await page.goto(`${address}guides/answers`);
    expect(await contrastOf(page)).toBeGreaterThan(7);
    expect(await page.locator('html.dark').count()).toBe(colorScheme === 'dark' ? 1 : 0);
    await page.close();
  });

  it('is searched by keyboard, and asks no other host', async () => {
    const page = await browser.newPage();
    const others: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(address) && !request.url().startsWith('data:')) others.push(request.url());
    });
    await page.goto(address, { waitUntil: 'networkidle' });
    await page.keyboard.press('Control+k');
    await page.keyboard.type('guardEverything');
    await page.locator('.VPLocalSearchBox .result').first().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname !== base);
    expect(others).toEqual([]);
    await page.close();
  });

  it('opens the menu of a phone', async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    await page.goto(`${address}guides/routes`, { waitUntil: 'networkidle' });
    await page.locator('.VPLocalNav .menu').click();
    await page.locator('.VPSidebar').getByRole('link', { name: 'Authorization' }).click();
    await page.waitForURL(/guides\/authorization$/);
    await page.close();
  });
});
