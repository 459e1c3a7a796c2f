/** Answers of providers: whose they are (RFC 9207), and what the errors in them mean to the person (RFC 6749 §4.1.2.1). */
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { goToGitHub, startGitHubApp } from '../support/github-stand.js';
import {
  beginAsFrontend,
  goToProvider,
  locationOf,
  page,
  pathOf,
  signInByLink,
  startLoginApp,
} from '../support/login-app.js';

const failed = (error: string): string => `${page}/?error=${error}`;

describe.each(platforms)('an answer of GitHub on $name', (platform) => {
  it('has its name, and is taken; without a name as well, which not every version of its server sends', async () => {
    const { stand, client } = await startGitHubApp(platform);
    const named = client();
    const back = await goToGitHub(named, stand);
    expect(back.searchParams.get('iss')).toBe(`${stand.url}/login/oauth`);
    expect(locationOf(await named.call(pathOf(back)))).toBe(`${page}/?new=1`);
    const unnamed = client();
    const without = await goToGitHub(unnamed, stand);
    without.searchParams.delete('iss');
    expect(locationOf(await unnamed.call(pathOf(without)))).toBe(`${page}/`);
    stand.account = null;
    const declined = client();
    const error = await goToGitHub(declined, stand);
    expect(error.searchParams.get('iss')).toBe(`${stand.url}/login/oauth`);
    expect(locationOf(await declined.call(pathOf(error)))).toBe(failed('access_denied'));
  });

  it.each([
    ['of another provider', () => 'https://evil.example/login/oauth'],
    ['of github.com, for a server of its own', () => 'https://github.com/login/oauth'],
    ['without its path', (url: string) => url],
    ['with a slash', (url: string) => `${url}/login/oauth/`],
    ['that is empty', () => ''],
  ])('is refused with a name %s, whether it is a code or an error', async (_, nameFor) => {
    const { stand, client, accounts } = await startGitHubApp(platform);
    const wrong = nameFor(stand.url);
    const comeBack = async (): Promise<string | undefined> => {
      const browser = client();
      const back = await goToGitHub(browser, stand);
      back.searchParams.set('iss', wrong);
      return locationOf(await browser.call(pathOf(back)));
    };
    expect(await comeBack()).toBe(failed('login_state'));
    const frontend = client();
    const start = await frontend.post('/auth/login/github', { redirectUri: `${page}/callback` });
    const { code, state } = Object.fromEntries(stand.authorize((start.json as { url: string }).url).searchParams);
    const iss = wrong === '' ? 'nobody' : wrong;
    const answer = await frontend.post('/auth/callback/github', { code, state, iss });
    expect([answer.status, codeOf(answer.json)]).toEqual([400, 'LOGIN_STATE']);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    stand.account = null;
    expect(await comeBack()).toBe(failed('login_state'));
    expect(stand.exchanges).toEqual([]);
    expect((await accounts.list()).items).toEqual([]);
  });
});

describe.each(platforms)('an error of a provider on $name', (platform) => {
  it.each([
    ...['server_error', 'temporarily_unavailable', 'invalid_scope', 'unauthorized_client', 'redirect_uri_mismatch'].map(
      (error) => [error, 'temporarily_unavailable', 503, 'SERVER_ERROR'] as const,
    ),
    ...['access_denied', 'login_required', 'consent_required', 'something_of_its_own'].map(
      (error) => [error, 'access_denied', 401, 'LOGIN_REFUSED'] as const,
    ),
  ])('%s tells a page %s, and a frontend %i', async (error, shown, status, code) => {
    const app = await startLoginApp(platform);
    const { provider, client } = app;
    const browser = client();
    const toError = (back: URL): void => {
      back.searchParams.delete('code');
      back.searchParams.set('error', error);
      back.searchParams.set('error_description', 'A text of the provider');
    };
    const shownTo = await signInByLink(browser, provider, '/auth/login/corp?returnTo=/orders', toError);
    expect(locationOf(shownTo)).toBe(`${page}/orders?error=${shown}`);
    expect([...browser.jar.keys()]).toEqual([]);
    for (const headers of [[], [['X-Token-Delivery', 'body']]] as const) {
      const frontend = client();
      const { state, attempt } = await beginAsFrontend(frontend, provider, undefined, headers);
      const answer = await frontend.post('/auth/callback/corp', { state, error, attempt }, headers);
      expect([answer.status, codeOf(answer.json)]).toEqual([status, code]);
      const retry = Number(answer.headers['retry-after'] ?? 'NaN');
      expect(status === 503 ? retry > 0 : Number.isNaN(retry)).toBe(true);
      expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
      expect(answer.text).not.toContain('A text of the provider');
      expect([...frontend.jar.keys()]).toEqual([]);
    }
    // The provider was not asked, and whoever tries again signs in.
    expect(provider.exchanges).toEqual([]);
    expect((await app.accounts.list()).items).toEqual([]);
    expect(locationOf(await browser.call(pathOf(await goToProvider(browser, provider))))).toBe(`${page}/?new=1`);
  });
});
