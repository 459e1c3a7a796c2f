import { beforeEach, describe, expect, it } from 'vitest';
import type { PlaygroundPage } from './playground-page.js';
import { usePlayground } from './playground-stand.js';

describe('the playground in a browser', () => {
  const stand = usePlayground();
  let on: PlaygroundPage;

  beforeEach(() => {
    on = stand.on;
  });

  it('signs in through the provider, shows who the app takes you for, and the life of the token', async () => {
    await on.signIn();

    expect(await on.text('#you')).toContain('Mira Okafor');
    expect(await on.text('#you')).toContain('admin, editor');
    expect(await on.text('.claims')).toMatch(/typ\s+at\+jwt[\s\S]+sub\s+mira/);
    const left = await on.text('#token .left');
    expect(left).toMatch(/^(5:00|4:\d\d) left$/);
    await expect.poll(() => on.text('#token .left'), { timeout: 3_000 }).not.toBe(left);
    // The code is gone from the address, and a reload keeps the token.
    expect(on.page.url()).toBe(`${on.address}/`);
    await on.page.reload();
    await on.ready();
    expect(await on.text('#you')).toContain('Mira Okafor');
  });

  it('looks the full profile up, once, and says whether the answer is fresh or cached', async () => {
    await on.signIn();
    await on.button('Full profile').click();
    await expect.poll(() => on.text('#you .profile')).toContain('fresh: the provider was asked for this answer');
    expect(await on.text('#you .profile')).toContain('mira@demo.example');
    const asked = await on.text('#you .profile > div:last-child dd');

    await on.button('Full profile').click();
    await expect
      .poll(() => on.text('#you .profile'))
      .toContain('cached: the provider was asked less than 15 seconds ago');
    expect(await on.text('#you .profile > div:last-child dd')).toBe(asked);
    expect(await on.announcement.textContent()).toContain('cached');
  });

  it('says so when the password is wrong and when sign-in is denied, and signs out', async () => {
    await on.providerButton.click();
    await on.page.getByLabel('Name').fill('mira');
    await on.page.getByLabel('Password').fill('drawbridge');
    await on.button('Sign in').click();
    expect(await on.page.getByRole('alert').innerText()).toContain('do not belong together');

    await on.button('Fill in Theo Lindqvist').click();
    await on.button('Sign in').click();
    await on.button('Deny').click();
    await on.ready();
    expect(await on.page.getByRole('alert').innerText()).toContain('error=access_denied');

    // The provider knows Theo by now; what is left is to allow.
    await on.providerButton.click();
    await on.button('Allow').click();
    await on.ready();
    expect(await on.text('#you')).toContain('Theo Lindqvist');
    await on.signOut();
    expect(await on.providerButton.count()).toBe(1);
    expect(await on.cell('yours', 'required').isDisabled()).toBe(true);
  });

  const refusals = [
    { token: 'none', challenge: /^WWW-Authenticate: Bearer$/, code: 'MISSING_TOKEN', log: /token/i },
    { token: 'tampered', reason: 'signature', log: /signature/i },
    { token: 'expired', reason: 'expired', log: /expired|exp/i },
    { token: 'other-audience', reason: 'audience', log: /https:\/\/billing\.playground\.example/ },
    { token: 'stranger', reason: 'signature', log: /signature/i },
    { token: 'unknown-key', reason: 'key', log: /key/i },
    { token: 'id-token', reason: 'type', log: /at\+jwt/i },
    {
      token: 'malformed',
      status: '400',
      challenge: /"invalid_request"/,
      code: 'INVALID_REQUEST',
      log: /Authorization: Bearer/,
    },
  ];

  it('refuses what is wrong with a token on a guarded route: status, challenge, code, and the log’s reason', async () => {
    await on.signIn();
    for (const { token, status = '401', challenge, code = 'INVALID_TOKEN', reason, log } of refusals) {
      const answer = await on.send(token, 'required');
      expect.soft(answer.status, token).toContain(status);
      expect.soft(answer.cell, token).toContain(status);
      expect.soft(answer.challenge, token).toMatch(challenge ?? /error="invalid_token", error_description="[^"]+"/);
      expect.soft(answer.body.code, token).toBe(code);
      expect.soft(answer.body.reason, token).toBe(reason);
      expect.soft(answer.log, token).toContain('debug');
      expect.soft(answer.log, token).toMatch(log);
      expect.soft(answer.announced, token).toContain(code);
    }
  });

  it('lets a good token through everywhere, and says what it makes of a bad one where none is needed', async () => {
    await on.signIn();
    const passed = { status: '200 OK', challenge: 'none' };
    const required = await on.send('yours', 'required');
    expect(required).toMatchObject({ ...passed, body: { id: 'mira' } });
    expect(required.request).toContain('Authorization: Bearer eyJ');
    expect(await on.send('yours', 'optional')).toMatchObject({ ...passed, body: { user: { id: 'mira' } } });
    expect(await on.send('none', 'optional')).toMatchObject({ ...passed, body: { user: null } });
    for (const token of ['tampered', 'expired', 'other-audience', 'stranger', 'unknown-key', 'id-token']) {
      const optional = await on.send(token, 'optional');
      expect.soft(optional, token).toMatchObject({ status: '200 OK', body: { user: null } });
      expect.soft(optional.challenge, token).toContain('error="invalid_token"');
      expect.soft(optional.log, token).toContain('debug');
      expect.soft(await on.send(token, 'public'), token).toMatchObject({ ...passed, body: { user: null } });
    }
    expect(await on.send('malformed', 'optional')).toMatchObject({ status: '400 Bad Request' });
    expect(await on.send('malformed', 'public')).toMatchObject(passed);
  });

  it('answers 403 to who lacks the role of a route, with a token and with a session', async () => {
    await on.signIn('theo', 'drawbridge');
    for (const token of ['yours', 'session']) {
      const answer = await on.send(token, 'admin');
      expect(answer).toMatchObject({ status: '403 Forbidden', cell: expect.stringContaining('403') as string });
      expect(answer.body.code).toBe('ACCESS_DENIED');
      expect(answer.request).toContain("@RequireRoles('admin')");
    }
    await on.signOut();
    await on.signIn();
    expect(await on.send('yours', 'admin')).toMatchObject({ status: '200 OK' });
    expect(await on.send('session', 'admin')).toMatchObject({ status: '200 OK' });
    expect(await on.send('none', 'admin')).toMatchObject({ status: '401 Unauthorized' });
  });

  it('sends all requests with one press', async () => {
    await on.button('Send all').click();
    await expect.poll(() => on.announcement.textContent(), { timeout: 15_000 }).toContain('28 requests sent');
    expect(await on.cell('expired', 'required').innerText()).toContain('401');
  });

  // Tests before may have asked for a key that no issuer has; the guard then does not ask again for ten seconds.
  const afterMiss = { timeout: 15_000, interval: 1_000 };
  const statusOf = (token: string) => async (): Promise<string> => (await on.send(token, 'required')).status;

  it('rotates the keys: the old token passes until the guard reads the key set again, the new one at once', async () => {
    await on.signIn();
    const before = await on.text('#key-id');

    await on.button('Rotate the keys').click();
    await expect.poll(() => on.text('#key-id')).not.toBe(before);
    expect(await on.text('#advice')).toContain('withdrawn key');
    expect(await on.send('yours', 'required')).toMatchObject({ status: '200 OK' });
    expect(await on.cell('former', 'required').isVisible()).toBe(false);

    await on.signInAgain();
    await expect.poll(statusOf('yours'), afterMiss).toBe('200 OK');
    expect(await on.text('.claims')).toContain(await on.text('#key-id'));
    const former = await on.send('former', 'required');
    expect(former).toMatchObject({ status: '401 Unauthorized', body: { code: 'INVALID_TOKEN', reason: 'key' } });
    expect(former.log).toContain(before);
  });

  it('takes the key server down: known keys serve on, an unknown one is 503, and up again all is as before', async () => {
    await on.signIn();

    await on.keyServer.click();
    await expect.poll(() => on.keyServer.getAttribute('aria-checked')).toBe('false');
    expect(await on.text('#advice')).toContain('down');
    expect(await on.keyServer.innerText()).toMatch(/Key server: off/);
    expect(await on.send('yours', 'required')).toMatchObject({ status: '200 OK' });
    let unknown = await on.send('unknown-key', 'required');
    const tryAgain = async () => (unknown = await on.send('unknown-key', 'required')).status;
    if (!unknown.status.startsWith('503')) await expect.poll(tryAgain, afterMiss).toBe('503 Service Unavailable');
    expect(unknown.body).toMatchObject({ code: 'SERVER_ERROR' });
    expect(unknown.challenge).toMatch(/^Retry-After: \d+$/);
    expect(unknown.log).toMatch(/^error .*127\.0\.0\.1.*503/);

    await on.keyServer.click();
    await expect.poll(() => on.keyServer.getAttribute('aria-checked')).toBe('true');
    await expect.poll(tryAgain, { timeout: 20_000, interval: 1_000 }).toBe('401 Unauthorized');
    expect(unknown.body).toMatchObject({ code: 'INVALID_TOKEN', reason: 'key' });
    expect(await on.send('yours', 'required')).toMatchObject({ status: '200 OK' });
  });

  it('works from the keyboard alone', async () => {
    const { keyboard } = on.page;
    await keyboard.press('Tab');
    expect(await on.text(':focus')).toBe('Skip to the requests');
    await on.signInByKeyboard('ines', 'portcullis');
    await on.tabTo(on.cell('expired', 'required'));
    await keyboard.press('Space');
    await expect.poll(() => on.announcement.textContent()).toContain('INVALID_TOKEN, expired');
    expect(await on.isFocused(on.cell('expired', 'required')), 'focus stays').toBe(true);
  });

  it('fits a screen of 360 pixels, on every screen of the way, and brings the answer into view', async () => {
    await on.page.setViewportSize({ width: 360, height: 740 });
    expect(await on.fitsTheScreen()).toBe(true);
    await on.providerButton.click();
    await on.page.getByLabel('Name').waitFor();
    expect(await on.fitsTheScreen()).toBe(true);
    await on.button('Fill in Mira Okafor').click();
    await on.page.keyboard.press('Enter');
    await on.button('Allow').waitFor();
    expect(await on.fitsTheScreen()).toBe(true);
    await on.button('Allow').click();
    await on.ready();
    await on.send('stranger', 'required');
    expect(await on.fitsTheScreen()).toBe(true);
    // What explains the rows and the colours is there on a small screen too.
    for (const hint of [
      'as the provider gave it',
      'key id never published',
      '/api/admin',
      'the dot: let through as nobody',
    ]) {
      expect(await on.page.getByText(hint).isVisible(), hint).toBe(true);
    }
    expect(await on.keyServer.innerText()).toMatch(/Key server: on/);
    const answer = await on.page.locator('#result').boundingBox();
    expect(answer?.y).toBeLessThan(740 - 160);
  });
});
