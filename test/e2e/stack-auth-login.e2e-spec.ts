/** Logins by other providers through Stack Auth: from the link to the cookies, and what is refused on the way. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import { type SessionClient, setCookiesOf } from '../support/session-app.js';
import { alice, type StackAuthApp, type StackAuthClient, startStackAuthApp } from '../support/stack-auth-app.js';
import { exchangedCode, knownError } from '../support/stack-auth-replies.js';
import { verdictOf } from '../support/verdicts.js';
import { readRecordedExchange, readRecordedTokens } from '../vectors/stack-auth/recorded.js';

const tokens = readRecordedTokens();
const callback = 'https://api.example.com/auth/callback/github';
const page = 'https://app.example.com/welcome?tab=1';

const module = { returnTo: ['https://app.example.com', 'https://other.example.com'] };
const exchange = 'POST /auth/oauth/token';

async function begin(client: StackAuthClient, returnTo = page): Promise<URLSearchParams> {
  const answer = await client.call(`/auth/login/github?${new URLSearchParams({ returnTo }).toString()}`);
  expect(answer.status).toBe(302);
  const url = new URL(answer.headers['location'] ?? '');
  expect(url.origin + url.pathname).toBe('http://localhost:8102/api/v1/auth/oauth/authorize/github');
  return url.searchParams;
}

const back = (client: SessionClient, parameters: Record<string, string>): Promise<Answer> =>
  client.call(`/auth/callback/github?${new URLSearchParams(parameters).toString()}`);

const calledBack = async ({ client }: StackAuthApp, more: Record<string, string>): Promise<Answer> => {
  const browser = client();
  const sent = await begin(browser);
  return back(browser, { state: sent.get('state') ?? '', ...more });
};

describe.each(platforms)('logins through Stack Auth on $name', (platform) => {
  it('lead to the provider and back to the page, with the cookies of a session', async () => {
    const stand = await startStackAuthApp(platform, { module });
    const { server } = stand;
    server.replies.set(exchange, exchangedCode(false));
    const browser = stand.client();
    const sent = await begin(browser);
    expect(sent.get('redirect_uri')).toBe(callback);
    expect(sent.get('error_redirect_uri')).toBe(`${callback}?state=${sent.get('state') ?? ''}`);
    expect([...browser.jar.keys()].map((name) => name.slice(0, 13))).toEqual(['__Host-login.']);
    expect([...browser.jar.values()].join()).not.toContain(sent.get('state'));
    const answer = await back(browser, { code: 'the code', state: sent.get('state') ?? '' });
    expect([answer.status, answer.headers['location']]).toEqual([302, page]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect([...browser.jar.keys()].sort()).toEqual(['__Host-access', '__Host-refresh']);
    expect(browser.cookie('access')).toBe(tokens['password-sign-in']);
    expect(await browser.call('/me')).toMatchObject({ status: 200, json: { id: alice.id } });
    const form = Object.fromEntries(new URLSearchParams(server.calls.at(-1)?.body));
    expect(form).toMatchObject({ code: 'the code', redirect_uri: callback, grant_type: 'authorization_code' });
    const challenge = createHash('sha256')
      .update(form['code_verifier'] ?? '')
      .digest('base64url');
    expect(challenge).toBe(sent.get('code_challenge'));
  });

  it('tell the page about a new user', async () => {
    const stand = await startStackAuthApp(platform, { module });
    stand.server.replies.set(exchange, exchangedCode(true));
    const answer = await calledBack(stand, { code: 'the code' });
    expect(answer.headers['location']).toBe(`${page}&new=1`);
  });

  it('are used once, and in the browser in which they began', async () => {
    const stand = await startStackAuthApp(platform, { module });
    stand.server.replies.set(exchange, exchangedCode(false));
    const browser = stand.client();
    const other = await begin(browser);
    const sent = await begin(browser);
    const parameters = { code: 'the code', state: sent.get('state') ?? '' };
    const replayed = browser.fork();
    const refused = 'https://app.example.com/?error=login_state';
    expect((await back(stand.client(), parameters)).headers['location']).toBe(refused);
    expect((await back(browser, parameters)).headers['location']).toBe(page);
    expect((await back(replayed, parameters)).headers['location']).toBe(
      'https://app.example.com/welcome?tab=1&error=login_state',
    );
    // The login in the other tab goes on.
    expect((await back(browser, { code: 'c', state: other.get('state') ?? '' })).headers['location']).toBe(page);
    expect(stand.server.calls).toHaveLength(2);
    const late = stand.client();
    const state = (await begin(late)).get('state') ?? '';
    stand.clock.advanceSeconds(600);
    expect((await back(late, { code: 'c', state })).headers['location']).toBe(refused);
  });

  it.each([
    [{ errorCode: 'OAUTH_PROVIDER_ACCESS_DENIED', error: 'server_error' }, 'access_denied'],
    [{ error: 'access_denied' }, 'access_denied'],
    [{ errorCode: 'USER_EMAIL_ALREADY_EXISTS' }, 'email_taken'],
    [{ errorCode: 'OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER' }, 'identity_taken'],
    [{ errorCode: 'OUTER_OAUTH_TIMEOUT' }, 'login_state'],
    [{ errorCode: 'REDIRECT_URL_NOT_WHITELISTED' }, 'temporarily_unavailable'],
    [{ error: 'server_error' }, 'temporarily_unavailable'],
    [{ errorCode: 'A_NEW_CODE' }, 'access_denied'],
    [{}, 'access_denied'],
  ])('that fail with %j are reported to the page as %s', async (parameters, expected) => {
    const stand = await startStackAuthApp(platform, { module });
    const answer = await calledBack(stand, { ...parameters });
    expect([answer.status, answer.headers['location']]).toEqual([302, `${page}&error=${expected}`]);
    expect(setCookiesOf(answer).some((line) => line.includes('-access=') || line.includes('-refresh='))).toBe(false);
    expect(stand.server.calls).toEqual([]);
  });

  it('that fail because of the configuration are in the log with the option, once a minute', async () => {
    const logger = new LogLines();
    const stand = await startStackAuthApp(platform, { module, logger });
    const errors = (): readonly string[] => logger.ours('error').map(({ text }) => text);
    for (const errorCode of ['REDIRECT_URL_NOT_WHITELISTED', 'REDIRECT_URL_NOT_WHITELISTED', 'A_NEW_CODE']) {
      await calledBack(stand, { errorCode });
    }
    expect(errors()).toEqual([expect.stringContaining('AuthModule.forRoot({ publicUrl })')]);
    await calledBack(stand, { errorCode: 'INVALID_OAUTH_CLIENT_ID_OR_SECRET' });
    expect(errors().slice(1)).toEqual([expect.stringContaining('stackAuth({ publishableClientKey })')]);
    stand.clock.advanceSeconds(60);
    await calledBack(stand, { errorCode: 'REDIRECT_URL_NOT_WHITELISTED' });
    expect(errors()).toHaveLength(3);
  });

  it('lead to the page when something of the app throws, which is in the log', async () => {
    const logger = new LogLines();
    const stand = await startStackAuthApp(platform, { module, logger });
    const browser = stand.client();
    const state = (await begin(browser)).get('state') ?? '';
    stand.clock.now = () => {
      throw new TypeError('The clock of the app has failed');
    };
    const answer = await back(browser, { state, code: 'the code' });
    expect([answer.status, answer.headers['location']]).toEqual([
      302,
      'https://app.example.com/?error=temporarily_unavailable',
    ]);
    const texts = logger.ours('error').map(({ text }) => text);
    expect(texts).toEqual([expect.stringContaining('The clock of the app has failed')]);
    expect(texts.join()).not.toContain('the code');
  });

  it('know their providers in whatever case they are written', async () => {
    const { client, server } = await startStackAuthApp(platform, { module });
    server.replies.set(exchange, exchangedCode(false));
    const browser = client();
    const { pathname, searchParams } = new URL(
      (await browser.call('/auth/login/GitHub')).headers['location'] ?? 'about:',
    );
    expect(pathname).toMatch(/\/authorize\/github$/);
    expect(searchParams.get('redirect_uri')).toBe(callback);
    const query = new URLSearchParams({ code: 'c', state: searchParams.get('state') ?? '' }).toString();
    const answer = await browser.call(`/auth/callback/GITHUB?${query}`);
    expect(answer.headers['location']).toBe('https://app.example.com/');
  });

  it.each([
    [knownError('INVALID_AUTHORIZATION_CODE'), 'error=login_state'],
    [knownError('USER_EMAIL_ALREADY_EXISTS'), 'error=email_taken'],
    [knownError('INVALID_OAUTH_CLIENT_ID_OR_SECRET'), 'error=temporarily_unavailable'],
    [readRecordedExchange('rate-limited-with-retry-after').response, 'error=temporarily_unavailable'],
    [{ status: 503, headers: {}, body: '' }, 'error=temporarily_unavailable'],
    // The second factor's code is where no server sees it.
    [
      knownError('MULTI_FACTOR_AUTHENTICATION_REQUIRED', 400, { attempt_code: 'a b' }),
      'error=mfa_required#attemptCode=a+b',
    ],
  ])('whose code is not exchanged, %j, are reported as %s', async (reply, expected) => {
    const logger = new LogLines();
    const stand = await startStackAuthApp(platform, { module, logger });
    stand.server.replies.set(exchange, reply);
    const answer = await calledBack(stand, { code: 'the code' });
    expect(answer.headers['location']).toBe(`${page}&${expected}`);
    // Never twice, because a code is good for one exchange.
    expect(stand.server.calls).toHaveLength(1);
    expect(logger.lines.some(({ text }) => text.includes('the code'))).toBe(false);
  });

  it('lead back to listed pages alone, and know their providers', async () => {
    const { client } = await startStackAuthApp(platform, { module });
    for (const returnTo of ['https://evil.example/', '//evil.example', 'javascript:alert(1)']) {
      const answer = await client().call(`/auth/login/github?${new URLSearchParams({ returnTo }).toString()}`);
      expect(verdictOf(answer)).toEqual({ status: 400, challenge: undefined, code: 'INVALID_INPUT' });
    }
    const notFound = { status: 404, challenge: undefined, code: 'NOT_FOUND' };
    expect(verdictOf(await client().call('/auth/login/nobody'))).toEqual(notFound);
    expect(verdictOf(await client().call('/auth/callback/nobody?state=s'))).toEqual(notFound);
    const { client: own } = await startStackAuthApp(platform, { module: { providers: ['corp'] } });
    expect((await own().call('/auth/login/corp')).status).toBe(302);
    expect(verdictOf(await own().call('/auth/login/github'))).toEqual(notFound);
    const { client: bodyOnly } = await startStackAuthApp(platform, { module: { delivery: ['body'] } });
    expect(verdictOf(await bodyOnly().call('/auth/login/github'))).toEqual(notFound);
  });

  it('send the token of a guest along, until it expires', async () => {
    const { client, clock } = await startStackAuthApp(platform, { module });
    const browser = client();
    await browser.begin('anonymous');
    expect((await begin(browser)).get('token')).toBe(tokens['anonymous-sign-up']);
    clock.advanceSeconds(601);
    expect((await begin(browser)).get('token')).toBeNull();
  });

  it('end at another instance, which has the same key', async () => {
    const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');
    for (const [parts, expected] of [
      [{ module: { ...module, encryptionKey } }, page],
      [{ module, issuer: { secretServerKey: 'ssk_sample_1' } }, page],
      // Each process has a random one.
      [{ module }, 'https://app.example.com/?error=login_state'],
    ] as const) {
      const one = await startStackAuthApp(platform, parts);
      const other = await startStackAuthApp(platform, { ...parts, server: one.server });
      one.server.replies.set(exchange, exchangedCode(false));
      const browser = one.client();
      const sent = await begin(browser);
      const elsewhere = browser.fork(other.app);
      const query = new URLSearchParams({ code: 'c', state: sent.get('state') ?? '' }).toString();
      const answer = await elsewhere.call(`/auth/callback/github?${query}`);
      expect(answer.headers['location']).toBe(expected);
    }
  });

  it('come back below the global prefix, which the log states', async () => {
    const logger = new LogLines();
    const { app } = await startStackAuthApp(platform, {
      module,
      logger,
      prepare: (nest) => nest.setGlobalPrefix('v1'),
    });
    const answer = await app.call('/v1/auth/login/github');
    const redirectUri = new URL(answer.headers['location'] ?? '').searchParams.get('redirect_uri');
    expect(redirectUri).toBe('https://api.example.com/v1/auth/callback/github');
    const lines = logger.ours('log').map(({ text }) => text);
    expect(lines.join()).toContain('https://api.example.com/v1/auth/callback/:provider');
    expect(lines.join()).toContain('GATEHOUSE_ENCRYPTION_KEY');
  });
});
