import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { findChromium, launchChromium } from './chromium.js';
import { PlaygroundPage } from './playground-page.js';
import { PlaygroundProcess } from './playground-process.js';

/** What a test of the page has: a running playground, a browser, and a page that nobody has used. */
export interface PlaygroundStand {
  playground: PlaygroundProcess;
  browser: Browser;
  on: PlaygroundPage;
}

const wide = { width: 1280, height: 900 };

/** Starts a playground and a browser for the tests of a `describe`, which are skipped where there is no Chromium. */
export function usePlayground(settings: () => Record<string, number | string> = () => ({})): PlaygroundStand {
  const chromiumPath = findChromium();
  const stand = {} as PlaygroundStand;

  beforeAll(async () => {
    if (chromiumPath === undefined) return;
    stand.playground = new PlaygroundProcess(settings());
    await stand.playground.address();
    stand.browser = await launchChromium(chromiumPath);
  }, 120_000);

  afterAll(async () => {
    if (chromiumPath === undefined) return;
    await stand.browser.close();
    await stand.playground.interrupt();
  });

  beforeEach(async (test) => {
    if (chromiumPath === undefined) test.skip('no Chromium on this machine; CHROMIUM_PATH can name one');
    stand.on = await PlaygroundPage.open(stand.browser, await stand.playground.address(), wide);
  });

  afterEach(async () => {
    if (chromiumPath === undefined) return;
    await stand.on.close();
    expect(stand.on.strays, 'what the page asked of others, or its policy refused').toEqual([]);
    expect(stand.playground.output, 'what the server prints').not.toMatch(/eyJ|grt_/);
  });

  return stand;
}
