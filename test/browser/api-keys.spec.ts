import { beforeEach, describe, expect, it } from 'vitest';
import type { PlaygroundPage } from './playground-page.js';
import { usePlayground } from './playground-stand.js';

interface Shown {
  readonly status: string;
  readonly request: string;
  readonly body: Record<string, unknown> | null;
}

describe('an API key in the playground', () => {
  const stand = usePlayground();
  let on: PlaygroundPage;

  beforeEach(() => {
    on = stand.on;
  });

  const card = () => on.page.locator('#api-key');
  const part = (name: string) => on.page.locator(`#answer [data-part="${name}"]`).innerText();

  /**
   * Presses a button of the card, and reads what the page shows of the answer. It has to be the answer that came over the
   * network.
   */
  async function press(name: string, path: RegExp): Promise<Shown> {
    const responded = on.page.waitForResponse((response) => path.test(new URL(response.url()).pathname));
    await on.page.evaluate('document.querySelector("#announcement").textContent = ""');
    await on.button(name).click();
    const response = await responded;
    await expect.poll(() => on.announcement.textContent()).toMatch(new RegExp(`^${name}: ${response.status()} `));
    const [status, request, text] = [await part('status'), await part('request'), await part('body')];
    expect(status).toBe(`${response.status()} ${response.statusText()}`);
    expect(await card().locator('p').first().innerText()).toContain(`${name}: ${status}`);
    const body = text === 'none' ? null : (JSON.parse(text) as Record<string, unknown>);
    const sent = await response.text();
    const { access_token: token, ...rest } = (sent === '' ? {} : JSON.parse(sent)) as Record<string, unknown>;
    if (body !== null) expect(body, 'what is shown is what was answered').toMatchObject(rest);
    if (typeof token === 'string') expect(await on.page.content()).not.toContain(token);
    return { status, request, body };
  }

  const me = /^\/api\/me$/;
  const calls = [
    { name: 'Call by Bearer', header: /Authorization: Bearer demo_/, scheme: 'Bearer' },
    { name: 'Call by Basic', header: /Authorization: Basic \w+/, scheme: 'Basic' },
    { name: 'Call by x-api-key', header: /x-api-key: demo_/, scheme: 'Bearer' },
  ];

  it('is made, sent in three ways, exchanged for a token, rotated and revoked', async () => {
    expect(await on.button('Make a key').isDisabled(), 'nobody makes a key without a session').toBe(true);
    await on.signIn();
    const { body: made } = await press('Make a key', /^\/playground\/keys$/);
    const { userId } = made?.['key'] as { readonly userId: string };
    expect(await on.ownSession.innerText()).toContain(userId);
    expect(made).toMatchObject({ key: { scopes: ['notes:read'] } });
    const id = String(made?.['id']);
    expect(made?.['text']).toBe(`${id}_${String(made?.['secret'])}`);
    expect(await card().innerText()).toContain(id);

    for (const { name, header, scheme } of calls) {
      const { status, request, body } = await press(name, me);
      expect(status).toBe('200 OK');
      expect(request).toMatch(header);
      expect(request, 'the key is the only credential').not.toContain('Cookie');
      expect(body).toMatchObject({ id: userId, provider: 'api-key', credential: { kind: 'api-key', id, scheme } });
    }

    const exchanged = await press('Exchange for a token', /^\/oauth\/token$/);
    expect(exchanged).toMatchObject({ status: '200 OK', body: { token_type: 'Bearer', scope: 'notes:read' } });
    expect(exchanged.request).toContain('grant_type=client_credentials');
    const byToken = await press('Call with the token', me);
    expect(byToken).toMatchObject({ status: '200 OK', body: { id: userId, provider: 'own', clientId: id } });

    const { body: rotated } = await press('Rotate the key', /^\/playground\/keys\/\w+\/rotate$/);
    expect(rotated).toMatchObject({ id });
    expect(rotated?.['secret']).not.toBe(made?.['secret']);
    for (const name of ['Call by Bearer', 'Call with the old secret']) {
      expect(await press(name, me), name).toMatchObject({ status: '200 OK', body: { id: userId } });
    }

    expect(await press('Revoke the key', /^\/playground\/keys\/\w+$/)).toMatchObject({ status: '204 No Content' });
    for (const name of [...calls.map((one) => one.name), 'Call with the token']) {
      const refused = { status: '401 Unauthorized', body: { code: 'INVALID_TOKEN', reason: 'revoked' } };
      expect(await press(name, me), name).toMatchObject(refused);
    }
    const refused = await press('Exchange for a token', /^\/oauth\/token$/);
    expect(refused).toMatchObject({ status: '401 Unauthorized', body: { error: 'invalid_client' } });
    expect(await on.button('Rotate the key').isDisabled()).toBe(true);
    expect(await on.fitsTheScreen()).toBe(true);
    expect(await on.page.locator('main').innerText()).not.toMatch(/undefined|\[object|This page has a fault/);
  });

  it('is of no use for another key, and says so when nobody answers', async () => {
    await on.signIn('theo', 'drawbridge');
    const { body } = await press('Make a key', /^\/playground\/keys$/);
    const answer = await fetch(`${on.address}/playground/keys`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${String(body?.['text'])}` },
    });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'INVALID_TOKEN', reason: 'type' });

    await on.page.route('**/api/me', (route) => route.abort());
    await on.button('Call by Basic').click();
    await expect.poll(() => card().innerText()).toContain('The playground does not answer');
  });
});
