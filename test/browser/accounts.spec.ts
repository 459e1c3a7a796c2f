import { beforeEach, describe, expect, it } from 'vitest';
import { PlaygroundPage } from './playground-page.js';
import { usePlayground } from './playground-stand.js';

const password = 'correct horse battery';

describe('an account of the playground', () => {
  const stand = usePlayground();
  let on: PlaygroundPage;
  let people = 0;
  let email: string;

  beforeEach(() => {
    on = stand.on;
    // A mail a minute goes to one address, and the tests share the app.
    people += 1;
    email = `person${people}@demo.example`;
  });

  const card = () => on.page.locator('#account');
  const notice = () => card().locator('p').first().innerText();
  const staff = () => card().locator('[data-part="staff"]').innerText();
  const mail = () => on.page.locator('#mails > li').first();
  const row = (text: string) => on.page.locator('[data-account]').filter({ hasText: text });

  async function fill(given: { readonly address?: string; readonly secret?: string } = {}): Promise<void> {
    await on.page.getByLabel('E-mail address').fill(given.address ?? email);
    await on.page.getByLabel('Password').fill(given.secret ?? password);
  }

  async function press(name: string, result: string | RegExp): Promise<void> {
    await on.page.evaluate('document.querySelector("#announcement").textContent = ""');
    await on.button(name).click();
    await expect.poll(() => on.announcement.textContent(), { message: name }).toMatch(result);
    await expect.poll(notice).toMatch(result);
  }

  /** The id of who has the session of this browser. */
  async function ownId(): Promise<string> {
    const shown = /id\s+([\da-f-]{36})/;
    await expect.poll(() => card().innerText()).toMatch(shown);
    return shown.exec(await card().innerText())?.[1] ?? '';
  }

  /** Signs up, and opens the link of the mail that is shown. */
  async function signUp(): Promise<void> {
    await fill();
    await press('Sign up', /^Sign up: 202 Accepted$/);
    await expect.poll(() => mail().innerText()).toContain(`to ${email}`);
    await mail().getByRole('link').click();
    await expect.poll(notice).toBe('Verify the address: 200 OK');
  }

  async function signOut(): Promise<void> {
    await press('Sign out of the app', /204 No Content$/);
    await on.button('Enter as a guest').waitFor();
  }

  it('is made by signing up and opening the mail that is shown, and signed in to by its password', async () => {
    await fill();
    await press('Sign up', /^Sign up: 202 Accepted$/);
    expect(await on.cookies(), 'nobody is signed in before the address is verified').toEqual([]);
    await press('Sign in with the password', /^Sign in: 401 Unauthorized: INVALID_CREDENTIALS, /);
    await mail().getByRole('link').click();
    await expect.poll(notice).toBe('Verify the address: 200 OK');
    expect(on.page.url(), 'the code is gone from the address').toBe(`${on.address}/`);
    const id = await ownId();
    expect(await card().innerText()).toContain(email);
    expect(await row(id).innerText()).toMatch(/you, verified/);
    expect(await on.send('session', 'required')).toMatchObject({ status: '200 OK', body: { id } });

    await signOut();
    expect(await on.cookies()).toEqual([]);
    await fill({ secret: 'not that one' });
    await press('Sign in with the password', /^Sign in: 401 Unauthorized: INVALID_CREDENTIALS, /);
    await fill();
    await press('Sign in with the password', /^Sign in: 200 OK$/);
    expect(await ownId()).toBe(id);
    expect(await on.page.content()).not.toContain(password);
    // The link is good for one use.
    await signOut();
    await mail().getByRole('button').click();
    await expect.poll(notice).toMatch(/^Verify the address: 400 Bad Request: INVALID_CODE, /);
  });

  it('needs the password beside the code in another browser than that of the sign-up', async () => {
    await fill();
    await press('Sign up', /^Sign up: 202 Accepted$/);
    const first = on;
    on = await PlaygroundPage.open(stand.browser, on.address, { width: 1280, height: 900 });
    await mail().getByRole('button').click();
    await expect.poll(notice).toMatch(/^Verify the address: 401 Unauthorized: PASSWORD_REQUIRED, /);
    await fill();
    await mail().getByRole('button').click();
    await expect.poll(notice).toBe('Verify the address: 200 OK');
    await on.close();
    on = first;
  });

  it('is made by a link in a mail, or by the code that is typed', async () => {
    await fill();
    await press('Mail me a link', /^Mail me a link: 202 Accepted$/);
    await expect.poll(() => mail().innerText()).toContain(`to ${email}`);
    await mail().getByRole('link').click();
    await expect.poll(notice).toBe('Sign in by the mail: 200 OK');
    expect(await card().innerText()).toContain(email);

    await signOut();
    await fill({ address: `typed-${email}` });
    await press('Mail me a link', /^Mail me a link: 202 Accepted$/);
    await expect.poll(() => mail().innerText()).toContain(`to typed-${email}`);
    await mail().getByRole('button').click();
    await expect.poll(notice).toBe('Sign in by the mail: 200 OK');
    await expect.poll(() => card().innerText()).toContain(`typed-${email}`);
  });

  it('keeps its id when a guest signs up', async () => {
    await press('Enter as a guest', /^Enter as a guest: 200 OK$/);
    const id = await ownId();
    expect(await card().innerText()).toContain('a guest');
    expect(await staff()).toMatch(/^GET \/api\/staff: 401 Unauthorized: INVALID_TOKEN, issuer, /);
    await signUp();
    expect(await ownId()).toBe(id);
    await expect.poll(() => card().innerText()).toContain(email);
    expect(await on.send('session', 'required')).toMatchObject({ status: '200 OK', body: { id } });
  });

  it('gets into the staff route while it is in the group, and shows its custom data, its end and its deletion', async () => {
    await signUp();
    const id = await ownId();
    expect(await staff()).toMatch(/^GET \/api\/staff: 403 Forbidden: ACCESS_DENIED, /);
    await on.button(`Edit ${email}`).click();
    await press('Add to the group', /^Add to the group: 204 No Content$/);
    await expect.poll(staff).toBe('GET /api/staff: 200 OK');
    expect(await row(id).innerText()).toContain('staff');
    await press('Remove from staff', /^Remove from the group: 204 No Content$/);
    await expect.poll(staff).toMatch(/^GET \/api\/staff: 403 Forbidden: ACCESS_DENIED, /);

    await on.page.getByLabel('Custom data').fill('{ "plan": "gold" }');
    await press('Save the custom data', /^Save the custom data: 200 OK$/);
    await expect.poll(() => on.page.getByLabel('Custom data').inputValue()).toBe('{\n  "plan": "gold"\n}');
    await on.page.getByLabel('Custom data').fill('["gold"]');
    await press('Save the custom data', /^Save the custom data: 400 Bad Request: INVALID_INPUT, /);

    await press('Disable', /^Disable: 200 OK$/);
    await expect.poll(() => row(id).innerText()).toContain('disabled');
    await expect.poll(() => on.sessions('current').count()).toBe(0);
    await fill();
    await press('Sign in with the password', /^Sign in: 401 Unauthorized: INVALID_CREDENTIALS, /);
    await press('Enable', /^Enable: 200 OK$/);
    await press('Sign in with the password', /^Sign in: 200 OK$/);
    await press('Delete', /^Delete: 204 No Content$/);
    await expect.poll(() => row(id).count()).toBe(0);
    await press('Sign in with the password', /^Sign in: 401 Unauthorized: INVALID_CREDENTIALS, /);
  });

  it('asks for a second factor once there is one', async () => {
    await signUp();
    const id = await ownId();
    await press('Add a second factor', /^Add a second factor: 200 OK$/);
    await press('Confirm with the code of the phone', /^Confirm the second factor: 200 OK$/);
    expect(await card().innerText()).toContain('Recovery codes');
    await signOut();
    await fill();
    await press('Sign in with the password', /^Sign in: 401 Unauthorized: MFA_REQUIRED, /);
    const code = on.page.getByLabel('Code of the second factor');
    const shown = await code.inputValue();
    await code.fill('000000');
    await press('Send the code', /^Send the code: 400 Bad Request: INVALID_CODE, /);
    await code.fill(shown);
    await press('Send the code', /^Send the code: 200 OK$/);
    expect(await ownId()).toBe(id);
    await press('Remove the second factor', /^Remove the second factor: 204 No Content$/);
  });

  it('is signed in to with a passkey', async () => {
    const cdp = await on.page.context().newCDPSession(on.page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await signUp();
    const id = await ownId();
    await press('Add a passkey', /^Add a passkey: 200 OK$/);
    await signOut();
    await press('Sign in with a passkey', /^Sign in with a passkey: 200 OK$/);
    expect(await ownId()).toBe(id);
    expect((await on.page.locator('#answer [data-part="request"]').innerText()).length).toBeLessThan(200);

    await signOut();
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    await press('Sign in with a passkey', /^The browser gave no passkey: it was not allowed$/);
    await on.button('Enter as a guest').waitFor();
  });

  it('of a person of the provider is made by the first sign-in, and has the roles as groups', async () => {
    await on.signIn();
    await expect.poll(() => card().innerText()).toMatch(/you\s+Mira Okafor[\s\S]+groups\s+admin, editor/);
    const id = await ownId();
    await on.signInAgain();
    expect(await ownId()).toBe(id);
    expect(await row('Mira Okafor').count()).toBe(1);

    // The account is deleted, and the person comes again.
    await on.button('Edit Mira Okafor').click();
    await press('Delete', /^Delete: 204 No Content$/);
    await on.signInOnceMore();
    await expect.poll(() => row('Mira Okafor').count()).toBe(1);
    expect(await row('Mira Okafor').innerText()).toMatch(/you, mira@demo\.example, verified[\s\S]+admin, editor/);
    expect(await ownId()).not.toBe(id);
  });

  it('goes its way by keyboard alone on a screen of 360 pixels', async () => {
    await on.page.setViewportSize({ width: 360, height: 740 });
    await on.tabTo(on.page.getByLabel('E-mail address'));
    await on.page.keyboard.type(email);
    await on.page.keyboard.press('Tab');
    await on.page.keyboard.type(password);
    await on.pressByKeyboard(on.button('Sign up'));
    await expect.poll(() => mail().innerText()).toContain(`to ${email}`);
    expect(await on.fitsTheScreen()).toBe(true);
    await on.pressByKeyboard(mail().getByRole('link'));
    await expect.poll(notice).toBe('Verify the address: 200 OK');
    await ownId();
    await on.pressByKeyboard(on.button(`Edit ${email}`));
    await on.pressByKeyboard(on.button('Add to the group'));
    await expect.poll(staff).toBe('GET /api/staff: 200 OK');
    expect(await on.isFocused(on.button('Add to the group')), 'focus stays').toBe(true);
    expect(await on.fitsTheScreen()).toBe(true);
    expect(await on.page.locator('main').innerText()).not.toMatch(/undefined|\[object|This page has a fault/);
  });
});
