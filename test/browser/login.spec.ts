import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import type { PlaygroundPage } from './playground-page.js';
import { createDataDirectory, PlaygroundProcess } from './playground-process.js';
import { usePlayground } from './playground-stand.js';

const screens = [
  { width: 1280, height: 900 },
  { width: 390, height: 780 },
];

/** The page by the cards that are about logins. */
class LoginPage {
  constructor(readonly on: PlaygroundPage) {}

  /** What the card "You" shows, once the page is ready. */
  async you(): Promise<string> {
    await this.on.ready();
    return this.on.text('#you');
  }

  async userId(): Promise<string> {
    const [, id] = /id\s+([\da-f-]{36})/.exec(await this.you()) ?? [];
    return id ?? 'nobody';
  }

  log(): Promise<string> {
    return this.on.text('#answer [data-part="log"]');
  }

  identity(provider: string) {
    return this.on.page.locator(`[data-identity="${provider}"]`);
  }

  /** Chooses one of the people of the stand-in, or leaves it. */
  async answerAtGitHub(button: string): Promise<void> {
    await this.on.page.getByRole('heading', { name: 'Authorize' }).waitFor();
    expect(await this.on.fitsTheScreen(), 'the screen of GitHub').toBe(true);
    await this.on.button(button).click();
    await this.on.ready();
  }

  async signInByGitHub(button: string): Promise<void> {
    await this.on.button('Sign in with GitHub').click();
    await this.answerAtGitHub(button);
  }

  /** Presses a button of the accounts card, and reads what the page announces. */
  async press(name: string): Promise<string> {
    await this.on.page.evaluate('document.querySelector("#announcement").textContent = ""');
    await this.on.button(name).click();
    await expect.poll(() => this.on.announcement.textContent()).not.toBe('');
    return (await this.on.announcement.textContent()) ?? '';
  }
}

describe('signing in elsewhere, in the playground', () => {
  const stand = usePlayground();
  let on: PlaygroundPage;
  let page: LoginPage;

  beforeEach(() => {
    on = stand.on;
    page = new LoginPage(on);
  });

  it.each(screens)(
    'leads through GitHub and back at $width pixels, and keeps the last way to sign in',
    async (screen) => {
      await on.page.setViewportSize(screen);
      await page.signInByGitHub('Authorize as Noor Haddad');
      expect(on.page.url(), 'what the app has told is gone from the address').toBe(`${on.address}/`);
      expect(await page.you()).toMatch(/Signed in by GitHub[\s\S]+Noor Haddad\s+no e-mail address/);
      expect(await page.identity('github').innerText()).toContain('no address, id 9402');
      expect(await on.text('#token'), 'GitHub issues no token for the API').toContain('None yet');
      expect(await on.send('session', 'required')).toMatchObject({
        status: '200 OK',
        body: { id: await page.userId() },
      });
      expect(await on.fitsTheScreen()).toBe(true);
      expect(await on.page.content()).not.toMatch(/gho_|eyJ/);
      expect(await on.page.evaluate('document.cookie')).toBe('');

      expect(await page.press('Unlink GitHub')).toMatch(/^Unlink: 409 Conflict: LAST_SIGN_IN_METHOD, /);
      expect(await page.identity('github').count()).toBe(1);
      await on.page.reload();
      expect(await page.you(), 'a reload does not tell it again').not.toContain('Signed in by');
      await on.button('Sign out').click();
      await on.providerButton.waitFor();
      expect(await on.cookies()).toEqual([]);
    },
  );

  it('says of a new account that it is new, and only once', async () => {
    await on.signIn('theo', 'drawbridge');
    expect(await page.you()).toContain('Signed in by the demo provider. The account is new.');
    expect(await page.you()).toMatch(/roles\s+reader/);
    await on.signInAgain();
    expect(await page.you()).toMatch(/^Signed in by the demo provider\.$/m);
  });

  it('says that the person has declined', async () => {
    await page.signInByGitHub('Cancel');
    expect(await on.page.getByRole('alert').innerText()).toContain('error=access_denied');
    expect(await on.text('#answer')).toMatch(/302 Found\s+not signed in[\s\S]+\/auth\/callback\/github\?code=…/);
    expect(await page.log()).toContain('LOGIN_REFUSED');
    expect(await on.cookies()).toEqual([]);
  });

  it('finds the account by an address that GitHub has verified', async () => {
    await on.signIn();
    const id = await page.userId();
    await on.signOut();
    await page.signInByGitHub('Authorize as Mira Okafor');
    expect(await page.you()).toMatch(/^Signed in by GitHub\.$/m);
    expect(await page.you()).toContain(id);
    expect(await page.identity('demo').innerText()).toContain('mira@demo.example, id mira');
    expect(await page.identity('github').innerText()).toContain('mira@demo.example, id 9401');
    // One of the two may go.
    expect(await page.press('Unlink GitHub')).toBe('Unlink: 204 No Content');
    await expect.poll(() => page.identity('github').count()).toBe(0);
  });

  it.each(screens)(
    'links GitHub to an account at $width pixels, unless another one has the identity',
    async (screen) => {
      await on.page.setViewportSize(screen);
      await page.signInByGitHub('Authorize as Noor Haddad');
      await on.button('Sign out').click();
      await on.signIn('ines', 'portcullis');
      await on.button('Link GitHub').click();
      await page.answerAtGitHub('Authorize as Noor Haddad');
      expect(await on.page.getByRole('alert').innerText()).toContain('error=identity_taken');
      expect(await page.you(), 'the session goes on').toContain('Inês Duarte');

      await on.button('Link GitHub').click();
      await page.answerAtGitHub('Authorize as Mira Okafor');
      expect(await page.you()).toContain('Linked: you can sign in by GitHub from now on.');
      expect(await page.you()).toContain('Inês Duarte');
      expect(await page.identity('github').innerText()).toContain('id 9401');
      expect(await on.button('Link GitHub').count()).toBe(0);
      expect(await on.fitsTheScreen()).toBe(true);
      expect(await page.press('Unlink GitHub')).toBe('Unlink: 204 No Content');
      await on.button('Link GitHub').waitFor();
    },
  );

  const misdeeds = [
    { choice: 'Sends another state', error: 'login_state', log: /LOGIN_STATE.*no cookie of a login with this state/ },
    { choice: 'Answers as another issuer', error: 'login_state', log: /LOGIN_STATE.*https:\/\/another\.example/ },
    { choice: 'ID token of another login', error: 'access_denied', log: /LOGIN_REFUSED.*"nonce"/ },
    { choice: 'Refuses with status 200', error: 'access_denied', log: /LOGIN_REFUSED.*invalid_grant/ },
    { choice: 'Answers too late', error: 'temporarily_unavailable', log: /SERVER_ERROR.*within 5000 ms/ },
    { choice: 'Is down', error: 'temporarily_unavailable', log: /SERVER_ERROR.*status 503/ },
  ];

  it.each(misdeeds)('shows error=$error and the log line of a provider that misbehaves: $choice', async (misdeed) => {
    await on.page.getByLabel(misdeed.choice).check();
    await on.button('Sign in there').click();
    await on.page.locator('#you .problem').waitFor();
    await on.ready();
    expect(await on.page.getByRole('alert').innerText()).toMatch(new RegExp(`^error=${misdeed.error} \\w.+\\.$`));
    expect(await on.text('#answer [data-part="challenge"]')).toBe(`Location: /?error=${misdeed.error}`);
    expect(await page.log()).toMatch(misdeed.log);
    expect(on.page.url()).toBe(`${on.address}/`);
    expect(await on.cookies(), 'nobody is signed in').toEqual([]);
    expect(await on.page.getByLabel(misdeed.choice).isChecked(), 'it does so again').toBe(true);
    await on.page.setViewportSize({ width: 390, height: 780 });
    expect(await on.fitsTheScreen()).toBe(true);
  });

  it('signs a person in of whom the provider knows no address', async () => {
    await on.page.getByLabel('Knows no address').check();
    await on.button('Sign in there').click();
    await on.page.getByText('Signed in by the misbehaving provider. The account is new.').waitFor();
    expect(await page.you()).toMatch(/Rhea Castell\s+no e-mail address/);
  });
});

describe('signing in elsewhere, in a playground with accounts from before', () => {
  const dataDirectory = createDataDirectory();
  let ports: Record<string, number>;
  beforeAll(async () => {
    ports = { PLAYGROUND_PORT: await freePort(), PLAYGROUND_PROVIDER_PORT: await freePort() };
  });

  const stand = usePlayground(() => ({ ...ports, PLAYGROUND_DATA: dataDirectory }));

  it('is refused while an account has the address, and the provider has not verified it', async () => {
    const { on } = stand;
    await on.page.getByLabel('E-mail address').fill('ines@demo.example');
    await on.page.getByLabel('Password').fill('correct horse battery');
    await on.button('Sign up').click();
    await on.page.locator('#mails').getByRole('link').click();
    await expect.poll(() => on.text('#you')).toContain('ines@demo.example');
    await on.ready();
    await on.button('Sign out').click();
    await on.signIn('ines', 'portcullis');
    expect(await on.page.getByRole('alert').innerText()).toContain('error=email_taken');
    expect(await new LoginPage(on).log()).toContain('EMAIL_TAKEN');
  });

  it('links and unlinks nothing in a session whose sign-in is older than five minutes', async () => {
    const { on } = stand;
    const page = new LoginPage(on);
    await on.signIn('theo', 'drawbridge');
    await stand.playground.interrupt();
    const database = await PGlite.create(join(dataDirectory, 'postgres'));
    const { rows } = await database.query<{ schemaname: string }>(
      "select schemaname from pg_tables where tablename = 'sessions'",
    );
    await database.query(
      `update ${rows[0]?.schemaname ?? ''}.sessions set auth_time = auth_time - interval '6 minutes'`,
    );
    await database.close();
    stand.playground = new PlaygroundProcess({ ...ports, PLAYGROUND_DATA: dataDirectory });
    await stand.playground.address();
    await on.page.reload();
    await on.ready();

    // The access token of before has the time of before.
    expect(await page.press('Refresh')).toBe('Refresh: 200 OK');
    for (const name of ['Link GitHub', 'Unlink the demo provider']) {
      expect(await page.press(name), name).toMatch(/401 Unauthorized: STEP_UP_REQUIRED, /);
      expect(await on.text('#answer [data-part="challenge"]')).toContain('insufficient_user_authentication');
    }
    expect(on.page.url()).toBe(`${on.address}/`);
    expect(await page.identity('demo').count()).toBe(1);
  });
});
