import { beforeEach, describe, expect, it } from 'vitest';
import type { PlaygroundPage } from './playground-page.js';
import { usePlayground } from './playground-stand.js';

const silence = 'The playground does not answer. Is the playground still running?';

/** What no part of the page may say: that of a member that is not there, and of a fault of its own. */
async function expectTruthful(on: PlaygroundPage, after: string): Promise<void> {
  const text = await on.page.locator('main').innerText();
  expect.soft(text, after).not.toMatch(/undefined|\[object|\bnull\b(?!,?\n)|This page has a fault/);
  expect.soft(text, after).not.toContain('does not answer');
}

/** A button of the page, the call that it makes, and what is announced for an answer with status 200 or 204. */
interface Switch {
  readonly name: string;
  readonly path: string | RegExp;
  readonly announced: RegExp;
}

const switches = {
  profile: { name: 'Full profile', path: '/api/profile', announced: /fresh|cached|stale/ },
  refresh: { name: 'Refresh', path: '/auth/refresh', announced: /^Refresh: 200 OK$/ },
  device: {
    name: 'Open another device',
    path: '/playground/session/devices',
    announced: /^Open another device: 200 OK$/,
  },
  end: {
    name: 'End the session: Another device',
    path: /^\/auth\/sessions\/[\w-]+$/,
    announced: /^End a session: 204 No Content$/,
  },
  rotate: {
    name: 'Rotate the keys',
    path: '/playground/provider/keys',
    announced: /^The provider signs with a new key\.$/,
  },
  everywhere: {
    name: 'Sign out everywhere',
    path: '/auth/sign-out-everywhere',
    announced: /^Sign out everywhere: 204 No Content$/,
  },
} satisfies Record<string, Switch>;

/** Presses it, and expects that the page announces the answer that has come over the network. @returns its status */
async function press(on: PlaygroundPage, { name, path, announced }: Switch): Promise<number> {
  await on.page.evaluate('document.querySelector("#announcement").textContent = ""');
  const responded = on.page.waitForResponse((response) => {
    const { pathname } = new URL(response.url());
    return typeof path === 'string' ? pathname === path : path.test(pathname);
  });
  await on.button(name).first().click();
  const status = (await responded).status();
  const expected = status < 300 ? announced : new RegExp(`^${name}: ${status} \\w+.*: [A-Z_]+, `);
  await expect.poll(() => on.announcement.textContent(), { message: name }).toMatch(expected);
  await expectTruthful(on, name);
  return status;
}

// After key ids that nobody knows, the guard waits up to ten seconds before it reads the key set again.
const afterMiss = { timeout: 25_000, interval: 1_000 };
const mira = { name: 'mira', password: 'gatehouse' };
const theo = { name: 'theo', password: 'drawbridge' };
const ines = { name: 'ines', password: 'portcullis' };

describe('the playground while something is wrong', () => {
  const stand = usePlayground();
  let on: PlaygroundPage;

  beforeEach(async () => {
    on = stand.on;
    // The tests share the provider.
    if ((await on.keyServer.getAttribute('aria-checked')) === 'false') await on.keyServer.click();
    await expect.poll(() => on.text('#key-server-state')).toBe('on');
  });

  /** After outages, the app does not call the provider for a while: the login is told to come again, and does. */
  async function signIn({ name, password }: typeof mira): Promise<void> {
    await on.signIn(name, password);
    const isSignedIn = async () => {
      if ((await on.sessions('current').count()) === 1) return true;
      expect(await on.text('#you')).toContain('error=temporarily_unavailable');
      await begin();
      return (await on.sessions('current').count()) === 1;
    };
    await expect.poll(isSignedIn, afterMiss).toBe(true);
    const yours = async () => (await on.send('yours', 'required')).status;
    await expect.poll(yours, afterMiss).toBe('200 OK');
  }

  /** Goes to the provider, which knows the person, and comes back. */
  async function begin(): Promise<void> {
    await on.page.evaluate('delete document.body.dataset.ready');
    await on.providerButton.click();
    await on.ready();
  }

  it('shows what the app answers to: sign in, rotate the keys, ask for the full profile', async () => {
    await signIn(mira);
    await press(on, switches.rotate);
    expect(await press(on, switches.profile)).toBe(401);

    const shown = 'Full profile: 401 Unauthorized: INVALID_TOKEN, revoked, The access token has been revoked';
    expect(await on.text('#you')).toContain(shown);
    expect(await on.announcement.textContent()).toBe(shown);
    expect(await on.text('button:focus')).toBe('Full profile');
    // A profile of a new token is shown again.
    await on.signInAgain();
    await expect.poll(async () => (await on.send('yours', 'required')).status, afterMiss).toBe('200 OK');
    expect(await press(on, switches.profile)).toBe(200);
  });

  // A profile is remembered, so nobody whose profile is expected to be refused may have had one before.
  const faults = [
    {
      fault: 'the keys are rotated',
      person: theo,
      begin: () => press(on, switches.rotate),
      profile: 401,
      login: 'Signed in',
    },
    {
      fault: 'the key server is off',
      person: mira,
      begin: () => on.keyServer.click(),
      profile: 200,
      login: 'Signed in',
    },
    {
      fault: 'the key server is off and the keys are rotated',
      person: ines,
      begin: async () => {
        await on.keyServer.click();
        await press(on, switches.rotate);
      },
      profile: 401,
      login: 'error=temporarily_unavailable',
    },
  ];

  it.each(faults)('shows the answer to each switch while $fault', async ({ person, begin: fail, profile, login }) => {
    await signIn(person);
    await fail();
    expect(await press(on, switches.profile)).toBe(profile);
    expect(await press(on, switches.refresh), 'the app signs its own tokens').toBe(200);
    expect(await press(on, switches.device)).toBe(200);
    expect(await press(on, switches.end)).toBe(204);
    await on.button('Send all').click();
    await expect
      .poll(() => on.announcement.textContent(), { timeout: 30_000 })
      .toMatch(/^\d\d requests sent, \d+ of them refused/);
    await expectTruthful(on, 'Send all');
    expect(await press(on, switches.everywhere)).toBe(204);
    await begin();
    expect(await on.text('#you')).toContain(login);
    await expectTruthful(on, 'Sign in');
    expect(await press(on, switches.rotate)).toBe(201);
    const state = await on.text('#key-server-state');
    await on.keyServer.click();
    await expect.poll(() => on.text('#key-server-state')).toBe(state === 'on' ? 'off' : 'on');
    await expectTruthful(on, 'Key server');
  });

  it('says that nobody can sign in for now: the key server is off, and the keys are rotated', async () => {
    await signIn(mira);
    await on.keyServer.click();
    await press(on, switches.rotate);
    await press(on, switches.everywhere);
    await begin();
    expect(await on.text('#you')).toContain('error=temporarily_unavailable');
    expect(await on.text('#answer [data-part="log"]')).toMatch(/could not be decided \(SERVER_ERROR\).*127\.0\.0\.1/s);
    expect(await on.sessions('current').count()).toBe(0);

    await on.keyServer.click();
    const comeAgain = async () => {
      await begin();
      return on.text('#you');
    };
    await expect.poll(comeAgain, afterMiss).toContain('Signed in by the demo provider');
  });

  const failures = [
    { call: '/api/profile', switch: 'Full profile', where: '#you' },
    { call: '/api/me', switch: 'yours', where: '#answer' },
    { call: '/playground/tokens/expired?*', switch: 'expired', where: '#answer' },
    { call: '/playground/provider', switch: 'yours', where: '#advice' },
    { call: '/playground/provider/keys', switch: 'Rotate the keys', where: '#advice' },
    { call: '/playground/provider/key-server', switch: 'Key server', where: '#advice' },
    { call: '/playground/log/*', switch: 'yours', where: '#answer [data-part="log"]' },
    { call: '/auth/refresh', switch: 'Refresh', where: '#own-session' },
    { call: '/auth/sessions?*', switch: 'Refresh', where: '#own-session' },
    { call: '/playground/session/cookies', switch: 'Refresh', where: '#own-session' },
    { call: '/playground/session/devices', switch: 'Open another device', where: '#own-session' },
    { call: '/auth/sign-out', switch: 'Sign out', where: '#answer' },
    { call: '/auth/sign-out-everywhere', switch: 'Sign out everywhere', where: '#own-session' },
  ];

  it('shows an answer that is no JSON, and one without a code, at the place of the call', async () => {
    await signIn(mira);
    const answers = [
      { status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>', shown: '502 Bad Gateway' },
      {
        status: 500,
        contentType: 'application/json',
        body: '{"statusCode":500,"message":"Internal server error"}',
        shown: '500 Internal Server Error',
      },
    ];
    for (const { shown, ...answer } of answers) {
      for (const { call, switch: name, where } of failures) {
        await on.page.route(`**${call}`, (route) => route.fulfill(answer));
        const isRow = /^[a-z]/.test(name);
        await (isRow ? on.cell(name, 'required') : name === 'Key server' ? on.keyServer : on.button(name)).click();
        await expect.poll(() => on.text(where), { message: `${call} ${name}` }).toContain(shown);
        await expectTruthful(on, `${call} ${name}`);
        await on.page.unroute(`**${call}`);
        // Well again, for the next one.
        await on.page.reload();
        await on.ready();
      }
    }
  });
});

describe('the playground when its process has ended', () => {
  const stand = usePlayground();

  it('says so for each switch, at the place of the call, and does not leave the page', async () => {
    const { on } = stand;
    await on.signIn();
    await press(on, switches.device);
    await on.sessions('other').waitFor();
    await stand.playground.kill();

    const places = [
      { name: 'Full profile', place: '#answer' },
      { name: 'Send all', place: '#answer' },
      { name: 'Rotate the keys', place: '#advice' },
      { name: 'Refresh', place: '#own-session' },
      { name: 'Open another device', place: '#own-session' },
      { name: 'End the session: Another device', place: '#own-session' },
      { name: 'Sign out everywhere', place: '#own-session' },
      { name: 'Sign out', place: '#answer' },
    ];
    for (const { name, place } of places) {
      await on.page.evaluate('document.querySelector("#announcement").textContent = ""');
      await on.button(name).click();
      await expect.poll(() => on.announcement.textContent(), { message: name }).toBe(silence);
      expect(await on.text(place), name).toContain(silence);
    }
    await on.keyServer.click();
    await expect.poll(() => on.text('#advice')).toContain(silence);
    expect(await on.keyServer.getAttribute('aria-checked'), 'nothing was switched').toBe('true');
    await on.cell('none', 'required').click();
    await expect.poll(() => on.text('#answer')).toContain(silence);
    expect(on.page.url()).toBe(`${on.address}/`);
  });
});
