/** What begins after a sign-in with GitHub, without the faults of code that is often copied for it. The first ten are in login-faults. */
import { createHmac } from 'node:crypto';
import { github } from 'nest-gatehouse/login';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { accountOf, githubClient, goToGitHub, signInWithGitHub, startGitHubApp } from '../support/github-stand.js';
import { locationOf, page, pathOf } from '../support/login-app.js';
import { claimsOf, setCookiesOf } from '../support/session-app.js';

const failed = (error: string): string => `${page}/?error=${error}`;
const signedUp = `${page}/?new=1`;
const signedIn = `${page}/`;

describe.each(platforms)('signing in with GitHub on $name is without this fault:', (platform) => {
  it('11. the whole profile in the token', async () => {
    const { stand, client } = await startGitHubApp(platform);
    const browser = client();
    const { user, emails } = accountOf(1, 'ada');
    stand.account = { user: { ...user, name: 'Ada Lovelace', company: 'Analytical', location: 'London' }, emails };
    await signInWithGitHub(browser, stand);
    expect(Object.keys(claimsOf(browser.accessToken)).sort()).toEqual(
      ['amr', 'aud', 'auth_time', 'client_id', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'].sort(),
    );
    // What is current is asked for, and not read from the token.
    await browser.call('/auth/me', { method: 'PATCH', json: { name: 'Ada' } });
    expect((await browser.call('/auth/me')).json).toMatchObject({ user: { name: 'Ada' } });
  });

  it('12. a token without issuer, audience and end, for which any other token passes', async () => {
    const { stand, client, app } = await startGitHubApp(platform);
    const browser = client();
    await signInWithGitHub(browser, stand);
    const { accessToken, refreshToken } = browser;
    expect(claimsOf(accessToken)).toMatchObject({
      iss: 'https://api.example.com',
      aud: 'https://api.example.com',
      sub: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      jti: expect.stringMatching(/./) as string,
      iat: expect.any(Number) as number,
      exp: expect.any(Number) as number,
    });
    const [head = '', body = ''] = accessToken.split('.');
    const hs256 = `${Buffer.from('{"alg":"HS256","typ":"at+jwt"}').toString('base64url')}.${body}`;
    const bySecret = createHmac('sha256', githubClient.clientSecret).update(hs256).digest('base64url');
    const attempt = client();
    await goToGitHub(attempt, stand);
    const others = [
      refreshToken,
      attempt.cookie([...attempt.jar.keys()][0] ?? ''),
      `${hs256}.${bySecret}`,
      `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`,
      `${head}.${Buffer.from(JSON.stringify({ ...claimsOf(accessToken), exp: undefined })).toString('base64url')}.x`,
    ];
    for (const token of others) {
      const answer = await app.call('/me', { token });
      expect([token, answer.status, codeOf(answer.json)]).toEqual([token, 401, 'INVALID_TOKEN']);
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    }
    expect((await app.call('/me', { token: accessToken })).status).toBe(200);
  });

  it('13. one key for everything, times without a clock, and no end of a session', async () => {
    const { stand, client, app, clock } = await startGitHubApp(platform);
    const browser = client();
    await signInWithGitHub(browser, stand);
    const [head = ''] = browser.accessToken.split('.');
    const { alg, kid, typ } = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
    expect([alg, typ]).toEqual(['ES256', 'at+jwt']);
    const { keys } = (await app.call('/.well-known/jwks.json')).json as { keys: { kid: string; d?: string }[] };
    expect(keys.map((key) => [key.kid, key.d])).toContainEqual([kid, undefined]);
    const { iat, exp } = claimsOf(browser.accessToken);
    expect([iat, Number(exp) - Number(iat)]).toEqual([Math.floor(clock.now().getTime() / 1_000), 600]);
    clock.advanceSeconds(606);
    const expired = await browser.call('/auth/me');
    expect([expired.status, expired.json]).toEqual([401, expect.objectContaining({ reason: 'expired' })]);
    expect((await browser.refresh()).status).toBe(200);
    expect((await browser.call('/auth/me')).status).toBe(200);
    const copy = browser.fork();
    expect((await browser.post('/auth/sign-out')).status).toBe(204);
    const ended = await copy.call('/auth/me');
    expect([ended.status, ended.json]).toEqual([401, expect.objectContaining({ reason: 'revoked' })]);
    expect((await copy.refresh()).status).toBe(401);
  });

  it('14. people who are disabled or deleted, and still get in', async () => {
    const { stand, client, accounts } = await startGitHubApp(platform);
    const browser = client();
    await signInWithGitHub(browser, stand);
    const id = String(claimsOf(browser.accessToken)['sub']);
    await accounts.disable(id);
    const disabled = await browser.call('/me');
    expect([disabled.status, codeOf(disabled.json)]).toEqual([401, 'INVALID_TOKEN']);
    expect(disabled.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(locationOf(await signInWithGitHub(client(), stand))).toBe(failed('access_denied'));
    await accounts.enable(id);
    expect(locationOf(await signInWithGitHub(browser, stand))).toBe(signedIn);
    await accounts.delete(id);
    expect((await browser.call('/me')).status).toBe(401);
    expect((await browser.refresh()).status).toBe(401);
  });

  it('15. a token that is handed to the page', async () => {
    const { stand, client } = await startGitHubApp(platform);
    const browser = client();
    const answer = await signInWithGitHub(browser, stand);
    expect(locationOf(answer)).toBe(signedUp);
    expect(answer.text).toBe('');
    const kept = setCookiesOf(answer).filter((line) => !line.includes('Max-Age=0'));
    expect(kept.map((line) => line.split('=')[0])).toEqual(['__Host-access', '__Host-refresh']);
    for (const line of kept) expect(line).toMatch(/; Path=\/; Secure; HttpOnly; SameSite=Lax/);
    // A page that was called back itself gets cookies too, and no token.
    const frontend = client();
    const start = await frontend.post('/auth/login/github', { redirectUri: `${page}/callback` });
    const back = stand.authorize((start.json as { url: string }).url);
    const tokens = await frontend.post('/auth/callback/github', Object.fromEntries(back.searchParams));
    expect(Object.keys(tokens.json as object).sort()).toEqual(['expires_in', 'is_new_user', 'user']);
  });

  it('16. a 401 that does not say what is asked for', async () => {
    const { client, app } = await startGitHubApp(platform);
    expect((await client().call('/me')).headers['www-authenticate']).toBe('Bearer');
    const wrong = await app.call('/me', { token: 'gho_16C7e42F292c6912E7710c838347Ae178B4a' });
    expect(wrong.status).toBe(401);
    expect(wrong.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/);
  });

  it('17. a flow without a code, or options that are missing and noticed by the first person', async () => {
    const { stand, client, accounts } = await startGitHubApp(platform);
    const browser = client();
    const back = await goToGitHub(browser, stand);
    expect(stand.authorizations[0]?.searchParams.get('response_type')).toBe('code');
    back.searchParams.delete('code');
    back.searchParams.set('access_token', 'gho_of_somebody');
    expect(locationOf(await browser.call(pathOf(back)))).toBe(failed('access_denied'));
    expect(stand.calls).toEqual([]);
    expect((await accounts.list()).items).toEqual([]);
    const wrong = { authorizationParameters: { response_type: 'token' } };
    const missing = [
      { ...githubClient, clientSecret: '' },
      { ...githubClient, clientId: '' },
    ];
    for (const options of [{ ...githubClient, ...wrong }, ...missing]) {
      expect(() => github(options)).toThrow(expect.objectContaining({ code: 'CONFIGURATION_ERROR' }) as Error);
    }
  });
});
