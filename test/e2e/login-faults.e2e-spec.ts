/**
 * Signing in with GitHub without the faults of code that is often copied for it. Each test is named by one fault, and shows that it is not
 * there. Those after the sign-in, from 11 on, are in login-faults-of-tokens.
 */
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import {
  accountOf,
  asJson,
  formAnswer,
  githubClient,
  goToGitHub,
  signInWithGitHub,
  startGitHubApp,
} from '../support/github-stand.js';
import { locationOf, page, pathOf } from '../support/login-app.js';
import { claimsOf } from '../support/session-app.js';

const failed = (error: string): string => `${page}/?error=${error}`;
const signedUp = `${page}/?new=1`;
const signedIn = `${page}/`;

describe.each(platforms)('signing in with GitHub on $name is without this fault:', (platform) => {
  it('1. a state that is made and never compared', async () => {
    const { stand, client, clock } = await startGitHubApp(platform);
    const attacker = client();
    const back = await goToGitHub(attacker, stand);
    // In another browser, with or without a login of its own; changed; and without one.
    const victim = client();
    expect(locationOf(await victim.call(pathOf(back)))).toBe(failed('login_state'));
    await goToGitHub(victim, stand);
    expect(locationOf(await victim.call(pathOf(back)))).toBe(failed('login_state'));
    const changed = new URL(back);
    changed.searchParams.set('state', 'x'.repeat(43));
    expect(locationOf(await attacker.call(pathOf(changed)))).toBe(failed('login_state'));
    changed.searchParams.delete('state');
    expect(locationOf(await attacker.call(pathOf(changed)))).toBe(failed('login_state'));
    // GitHub compares no state when the code is exchanged, so all of this is before the exchange.
    expect(stand.exchanges).toEqual([]);
    // Used once, and within ten minutes.
    const copy = attacker.fork();
    expect(locationOf(await attacker.call(pathOf(back)))).toBe(signedUp);
    expect(locationOf(await copy.call(pathOf(back)))).toBe(failed('login_state'));
    const late = await goToGitHub(attacker, stand);
    clock.advanceSeconds(600);
    expect(locationOf(await attacker.call(pathOf(late)))).toBe(failed('login_state'));
    expect(stand.exchanges).toHaveLength(1);
  });

  it('2. no PKCE', async () => {
    const { stand, client, accounts } = await startGitHubApp(platform);
    const browser = client();
    const back = await goToGitHub(browser, stand);
    const [sent] = stand.authorizations;
    expect(sent?.searchParams.get('code_challenge_method')).toBe('S256');
    expect(sent?.searchParams.get('code_challenge')).toMatch(/^[\w-]{43}$/);
    // A code of another login is worth nothing here, although its state fits.
    const stolen = (await goToGitHub(client(), stand)).searchParams.get('code') ?? '';
    back.searchParams.set('code', stolen);
    expect(locationOf(await browser.call(pathOf(back)))).toBe(failed('access_denied'));
    expect(stand.exchanges[0]?.form.get('code_verifier')).toMatch(/^[\w-]{43}$/);
    expect((await accounts.list()).items).toEqual([]);
    expect(locationOf(await signInWithGitHub(browser, stand))).toBe(signedUp);
    const [first, , third] = stand.authorizations.map(({ searchParams }) => searchParams.get('code_challenge'));
    expect(first).not.toBe(third);
  });

  it('3. an exchange without redirect_uri', async () => {
    const { stand, client } = await startGitHubApp(platform);
    expect(locationOf(await signInWithGitHub(client(), stand))).toBe(signedUp);
    const address = 'https://api.example.com/auth/callback/github';
    expect(stand.authorizations[0]?.searchParams.get('redirect_uri')).toBe(address);
    expect(stand.exchanges[0]?.form.get('redirect_uri')).toBe(address);
  });

  it('4. the secret and the code in an address', async () => {
    const { stand, client } = await startGitHubApp(platform);
    const browser = client();
    const back = await goToGitHub(browser, stand);
    const code = back.searchParams.get('code') ?? '';
    expect(locationOf(await browser.call(pathOf(back)))).toBe(signedUp);
    const [exchange] = stand.exchanges;
    expect([exchange?.method, exchange?.path]).toEqual(['POST', '/login/oauth/access_token']);
    expect(exchange?.headers['content-type']).toContain('application/x-www-form-urlencoded');
    expect(exchange?.form.get('code')).toBe(code);
    expect(exchange?.form.get('client_secret')).toBe(githubClient.clientSecret);
    const addresses = [...stand.authorizations.map(String), ...stand.calls.map(({ path }) => path)].join(' ');
    expect(decodeURIComponent(addresses.replaceAll('+', ' '))).not.toContain(githubClient.clientSecret);
    expect(addresses).not.toContain(code);
    expect(stand.calls.filter(({ path }) => path.includes('token='))).toEqual([]);
  });

  it.each([
    ['an error with status 200', asJson(200, { error: 'bad_verification_code' }), 'access_denied', 401],
    ['a wrong secret', asJson(200, { error: 'incorrect_client_credentials' }), 'temporarily_unavailable', 503],
    ['an error as a form', formAnswer({ error: 'bad_verification_code' }), 'access_denied', 401],
    ['no token', asJson(200, {}), 'temporarily_unavailable', 503],
    ['a page', { status: 200, type: 'text/html', body: '<h1>Unicorn!</h1>' }, 'temporarily_unavailable', 503],
    ['a broken body', { status: 200, type: 'application/json', body: '{"access' }, 'temporarily_unavailable', 503],
  ] as const)(
    '5. an answer of unknown form, or an error, that becomes a 500: %s',
    async (_what, reply, error, status) => {
      const { stand, client, accounts } = await startGitHubApp(platform);
      stand.replies.set('/login/oauth/access_token', reply);
      expect(locationOf(await signInWithGitHub(client(), stand))).toBe(failed(error));
      expect(stand.exchanges[0]?.headers.accept).toContain('application/json');
      const frontend = client();
      const start = await frontend.post('/auth/login/github', { redirectUri: `${page}/callback` });
      const back = stand.authorize((start.json as { url: string }).url);
      const answer = await frontend.post('/auth/callback/github', Object.fromEntries(back.searchParams));
      expect(answer.status).toBe(status);
      expect(codeOf(answer.json)).toBe(status === 401 ? 'LOGIN_REFUSED' : 'SERVER_ERROR');
      expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
      expect((await accounts.list()).items).toEqual([]);
    },
  );

  it('6. calls without a deadline, a User-Agent, or a look at the status', async () => {
    const { stand, client, accounts } = await startGitHubApp(platform, { auth: { http: { timeoutMs: 300 } } });
    for (const path of ['/login/oauth/access_token', '/api/v3/user', '/api/v3/user/emails']) {
      for (const reply of ['silence', asJson(500, { message: 'Server Error' }), asJson(429, {})] as const) {
        stand.replies.set(path, reply);
        expect(locationOf(await signInWithGitHub(client(), stand))).toBe(failed('temporarily_unavailable'));
        stand.replies.delete(path);
      }
    }
    // A body with all that is wanted, under a status that says it is none.
    stand.replies.set('/api/v3/user', asJson(203, accountOf(1, 'ada').user));
    expect(locationOf(await signInWithGitHub(client(), stand))).toBe(failed('temporarily_unavailable'));
    expect((await accounts.list()).items).toEqual([]);
    const agents = stand.callsTo('/api/v3/user').map(({ headers }) => headers['user-agent']);
    expect(new Set(agents)).toEqual(new Set(['nest-gatehouse']));
  });

  it('7. fields that are demanded, although people may leave them empty', async () => {
    const { stand, client } = await startGitHubApp(platform);
    const empty = { avatar_url: null, gravatar_id: null, twitter_username: null };
    const { user, emails } = accountOf(1, 'ada');
    const accounts = [
      { user: { ...user, ...empty }, emails },
      { user: { id: 2, login: 'bo' }, emails: [] },
    ];
    for (const account of accounts) {
      stand.account = account;
      const browser = client();
      expect(locationOf(await signInWithGitHub(browser, stand))).toBe(signedUp);
      expect((await browser.call('/auth/me')).json).toMatchObject({ user: { name: null, pictureUrl: null } });
    }
  });

  it('8. an address that GitHub has not verified, or that the person only shows', async () => {
    const { stand, client } = await startGitHubApp(platform);
    const emailOf = async (): Promise<unknown> => {
      const browser = client();
      expect(locationOf(await signInWithGitHub(browser, stand))).toBe(signedUp);
      return (await browser.call('/auth/me')).json;
    };
    const entry = { email: 'ada@example.com', primary: true, verified: true, visibility: null };
    const shown = { ...accountOf(1, 'ada').user, email: 'victim@example.com' };
    stand.account = { user: shown, emails: [{ ...entry, email: 'old@example.com', primary: false }, entry] };
    expect(await emailOf()).toMatchObject({ user: { email: 'ada@example.com', emailVerified: true } });
    const asked = stand.authorizations[0]?.searchParams.get('scope')?.split(' ') ?? [];
    expect(asked).toContain('user:email');
    stand.account = { user: { ...shown, id: 2 }, emails: [{ ...entry, email: 'victim@example.com', verified: false }] };
    expect(await emailOf()).toMatchObject({ user: { email: null } });
    stand.account = { user: { ...shown, id: 3 }, emails: [{ ...entry, email: 'b@example.com', primary: false }] };
    expect(await emailOf()).toMatchObject({ user: { email: null } });
    // Of somebody who has granted less than was asked for.
    stand.account = accountOf(4, 'eve');
    stand.replies.set('/api/v3/user/emails', asJson(404, { message: 'Not Found' }));
    expect(await emailOf()).toMatchObject({ user: { email: null } });
  });

  it('9. an account that is found by a login name, which somebody else may have by now', async () => {
    const { stand, client, accounts } = await startGitHubApp(platform);
    const browser = client();
    stand.account = accountOf(1, 'ada');
    expect(locationOf(await signInWithGitHub(browser, stand))).toBe(signedUp);
    const owner = String(claimsOf(browser.accessToken)['sub']);
    // Ada renames herself, and a stranger takes the name that is free now.
    stand.account = accountOf(1, 'ada-lovelace');
    expect(locationOf(await signInWithGitHub(browser, stand))).toBe(signedIn);
    expect(claimsOf(browser.accessToken)['sub']).toBe(owner);
    stand.account = accountOf(2, 'ada', 'stranger@example.com');
    const stranger = client();
    expect(locationOf(await signInWithGitHub(stranger, stand))).toBe(signedUp);
    expect(claimsOf(stranger.accessToken)['sub']).not.toBe(owner);
    expect(await accounts.identities(owner)).toMatchObject([{ provider: 'github', subject: '1' }]);
  });

  it('10. two accounts of one person who comes twice at once', async () => {
    const { stand, client, accounts } = await startGitHubApp(platform);
    const browsers = Array.from({ length: 20 }, () => client());
    const backs = await Promise.all(browsers.map((browser) => goToGitHub(browser, stand)));
    const answers = await Promise.all(browsers.map((browser, at) => browser.call(pathOf(backs[at] ?? ''))));
    const places = answers.map(locationOf);
    expect(places.filter((place) => place === signedUp)).toHaveLength(1);
    expect(places.filter((place) => place === signedIn)).toHaveLength(19);
    const { items } = await accounts.list();
    expect(items).toHaveLength(1);
    expect(await accounts.identities(items[0]?.id ?? '')).toHaveLength(1);
  });
});
