/** What a login must not do: answers of strangers, of other providers and other logins, and providers that misbehave. */
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { codeOf } from '../support/account-app.js';
import {
  beginAsFrontend,
  corp,
  goToProvider,
  locationOf,
  type LoginApp,
  page,
  pathOf,
  signInByLink,
  startLoginApp,
} from '../support/login-app.js';
import { asJson, LoginProviderStand, type Misbehaviour } from '../support/login-provider.js';
import { claimsOf, setCookiesOf } from '../support/session-app.js';

const failed = (error: string): string => `${page}/?error=${error}`;

/** Nothing was made: no account, no session. */
async function expectNothingMade({ accounts }: LoginApp, ...clients: readonly { readonly jar: Map<string, string> }[]) {
  expect((await accounts.list()).items).toEqual([]);
  for (const { jar } of clients) expect([...jar.keys()].filter((name) => !name.includes('login.'))).toEqual([]);
}

describe.each(platforms)('a login that must fail on $name', (platform) => {
  it('is one in another browser than that in which it began (login CSRF)', async () => {
    const app = await startLoginApp(platform);
    const { provider, client } = app;
    const attacker = client();
    const victim = client();
    const back = await goToProvider(attacker, provider);
    expect(locationOf(await victim.call(pathOf(back)))).toBe(failed('login_state'));
    // Also where the victim has begun a login of their own.
    await goToProvider(victim, provider);
    expect(locationOf(await victim.call(pathOf(back)))).toBe(failed('login_state'));
    const { code, state } = Object.fromEntries(back.searchParams);
    const answer = await victim.post('/auth/callback/corp', { code, state });
    expect([answer.status, codeOf(answer.json)]).toEqual([400, 'LOGIN_STATE']);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(provider.exchanges).toEqual([]);
    await expectNothingMade(app, attacker, victim);
  });

  it('is one with the code of another login (code injection)', async () => {
    const app = await startLoginApp(platform);
    const { provider, client } = app;
    const attacker = client();
    const victim = client();
    const stolen = (await goToProvider(victim, provider)).searchParams.get('code') ?? '';
    const answer = await signInByLink(attacker, provider, undefined, (back) => back.searchParams.set('code', stolen));
    expect(locationOf(answer)).toBe(failed('access_denied'));
    await expectNothingMade(app, attacker, victim);
  });

  it('is one at the callback of another provider (mix-up)', async () => {
    const honest = await LoginProviderStand.start();
    const evil = await LoginProviderStand.start(honest.clock);
    const providers = [corp(honest), corp(evil, { id: 'evil' })];
    const app = await startLoginApp(platform, { provider: honest, login: { providers } });
    const browser = app.client();
    const back = await goToProvider(browser, honest);
    expect(locationOf(await browser.call(pathOf(back).replace('/callback/corp', '/callback/evil')))).toBe(
      failed('login_state'),
    );
    expect(evil.exchanges).toEqual([]);
    // The login is still good where it belongs.
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/?new=1`);
  });

  it.each([
    ['another issuer', (back: URL) => back.searchParams.set('iss', 'https://evil.example')],
    ['the issuer with a slash', (back: URL) => back.searchParams.set('iss', `${back.searchParams.get('iss') ?? ''}/`)],
    ['no issuer', (back: URL) => back.searchParams.delete('iss')],
    ['an empty issuer', (back: URL) => back.searchParams.set('iss', '')],
    ['two issuers', (back: URL) => back.searchParams.append('iss', back.searchParams.get('iss') ?? '')],
  ])('is one whose answer has %s, where the provider announces it (RFC 9207)', async (_what, change) => {
    const app = await startLoginApp(platform);
    const { provider, client } = app;
    provider.faults = { metadata: { authorization_response_iss_parameter_supported: true } };
    const browser = client();
    expect(locationOf(await signInByLink(browser, provider, undefined, change))).toBe(failed('login_state'));
    provider.person = null;
    expect(locationOf(await signInByLink(browser, provider, undefined, change))).toBe(failed('login_state'));
    expect(provider.exchanges).toEqual([]);
    await expectNothingMade(app, browser);
  });

  it('is one whose answer has another issuer, where the provider announces none', async () => {
    const app = await startLoginApp(platform);
    const { provider, client } = app;
    const browser = client();
    const wrong = (back: URL): void => back.searchParams.set('iss', 'https://evil.example');
    expect(locationOf(await signInByLink(browser, provider, undefined, wrong))).toBe(failed('login_state'));
    const right = (back: URL): void => back.searchParams.set('iss', provider.issuer);
    expect(locationOf(await signInByLink(browser, provider, undefined, right))).toBe(`${page}/?new=1`);
  });

  it('is one that was used already, is too old, has a changed state, or comes without cookies', async () => {
    const app = await startLoginApp(platform);
    const { provider, client, clock } = app;
    const browser = client();
    const back = await goToProvider(browser, provider);
    const second = browser.fork();
    await browser.call(pathOf(back));
    expect(locationOf(await browser.call(pathOf(back)))).toBe(failed('login_state'));
    // With the cookie that was removed.
    expect(locationOf(await second.call(pathOf(back)))).toBe(failed('login_state'));
    expect(provider.exchanges).toHaveLength(1);

    const late = await goToProvider(browser, provider);
    clock.advanceSeconds(600);
    expect(locationOf(await browser.call(pathOf(late)))).toBe(failed('login_state'));
    const changed = (url: URL): void => url.searchParams.set('state', `${url.searchParams.get('state') ?? ''}x`);
    expect(locationOf(await signInByLink(client(), provider, undefined, changed))).toBe(failed('login_state'));
    expect(locationOf(await client().call('/auth/callback/corp'))).toBe(failed('login_state'));
    const stateTwice = (url: URL): void => url.searchParams.append('state', url.searchParams.get('state') ?? '');
    expect(locationOf(await signInByLink(client(), provider, undefined, stateTwice))).toBe(failed('login_state'));
    expect(provider.exchanges).toHaveLength(1);
  });

  it('is one that the person or the provider declines', async () => {
    const app = await startLoginApp(platform);
    const { provider, client } = app;
    provider.person = null;
    const browser = client();
    const answer = await signInByLink(browser, provider, '/auth/login/corp?returnTo=/start');
    expect(locationOf(answer)).toBe(`${page}/start?error=access_denied`);
    expect(setCookiesOf(answer)).toEqual([expect.stringMatching(/^__Host-login\.[\w-]{8}=; .*Max-Age=0$/)]);
    const { state } = await beginAsFrontend(browser, provider);
    const declined = await browser.post('/auth/callback/corp', { error: 'access_denied', state });
    expect([declined.status, codeOf(declined.json), declined.headers['www-authenticate']]).toEqual([
      401,
      'LOGIN_REFUSED',
      'Bearer',
    ]);
    await expectNothingMade(app, browser);
  });

  const refused: readonly (readonly [string, Misbehaviour])[] = [
    ['no nonce', { claims: (claims) => ({ ...claims, nonce: undefined }) }],
    ['another nonce', { claims: (claims) => ({ ...claims, nonce: 'another' }) }],
    ['another audience', { claims: (claims) => ({ ...claims, aud: 'another app' }) }],
    [
      'several audiences and another party',
      { claims: (claims) => ({ ...claims, aud: [claims['aud'], 'x'], azp: 'x' }) },
    ],
    ['another issuer', { claims: (claims) => ({ ...claims, iss: 'https://evil.example' }) }],
    ['a key of a stranger', { strangeKey: true }],
    ['an expired time', { claims: (claims) => ({ ...claims, exp: Number(claims['iat']) - 100 }) }],
    ['a time in the future', { claims: (claims) => ({ ...claims, iat: Number(claims['iat']) + 100 }) }],
    ['no subject', { claims: (claims) => ({ ...claims, sub: undefined }) }],
    ['another subject than userinfo', { userinfo: { sub: 'p-2' } }],
  ];

  it.each(refused)('is one whose ID token has %s', async (_what, faults) => {
    const app = await startLoginApp(platform);
    const { provider, client } = app;
    provider.faults = faults;
    const browser = client();
    expect(locationOf(await signInByLink(browser, provider))).toBe(failed('access_denied'));
    const answer = await browser.post('/auth/callback/corp', await beginAsFrontend(browser, provider));
    expect([answer.status, codeOf(answer.json)]).toEqual([401, 'LOGIN_REFUSED']);
    await expectNothingMade(app, browser);
  });

  const faulty: readonly (readonly [string, Misbehaviour])[] = [
    ['is down at the exchange', { down: ['/token'] }],
    ['is down when it is asked for the person', { down: ['/userinfo'] }],
    ['answers with a page', { token: () => ({ status: 200, type: 'text/html', body: '<h1>Wi-Fi login</h1>' }) }],
    ['answers with a redirect', { token: () => ({ status: 302, type: 'text/html', body: '' }) }],
    ['limits the app', { token: () => asJson(429, { error: 'slow_down' }) }],
    ['does not know the app', { token: () => asJson(401, { error: 'invalid_client' }) }],
    ['answers without a token', { token: () => asJson(200, {}) }],
  ];

  it.each(faulty)('is no refusal where the provider %s', async (_what, faults) => {
    const app = await startLoginApp(platform);
    const { provider, client } = app;
    const browser = client();
    const back = await goToProvider(browser, provider);
    provider.faults = faults;
    expect(locationOf(await browser.call(pathOf(back)))).toBe(failed('temporarily_unavailable'));
    // A code is good for one use, so it must not be sent again.
    expect(provider.requests.filter((request) => request === 'POST /token')).toHaveLength(1);
    const answer = await browser.post('/auth/callback/corp', await beginAsFrontend(browser, provider));
    expect([answer.status, codeOf(answer.json)]).toEqual([503, 'SERVER_ERROR']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(provider.requests.filter((request) => request === 'POST /token')).toHaveLength(2);
    await expectNothingMade(app, browser);
    provider.faults = {};
  });

  it.each<readonly [string, (answer: Readonly<Record<string, unknown>>) => ReturnType<typeof asJson>]>([
    [
      'in form encoding',
      (answer) => ({
        status: 200,
        type: 'application/x-www-form-urlencoded',
        body: String(new URLSearchParams(answer as Record<string, string>)),
      }),
    ],
    [
      'without expires_in and token_type',
      (answer) => asJson(200, { ...answer, expires_in: undefined, token_type: undefined }),
    ],
    ['with scopes separated by commas', (answer) => asJson(200, { ...answer, scope: 'openid,email,profile' })],
    ['with expires_in as a text', (answer) => asJson(200, { ...answer, expires_in: '60', unknown: { a: 1 } })],
  ])('does not fail where the provider answers %s', async (_what, token) => {
    const { provider, client } = await startLoginApp(platform);
    provider.faults = { token };
    const browser = client();
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/?new=1`);
  });

  it('is a fault, and no refusal, where the provider does not accept how the app is registered', async () => {
    const logger = new LogLines();
    const app = await startLoginApp(platform, { logger });
    const { provider, client } = app;
    const browser = client();
    const fault = (back: URL): void => {
      back.searchParams.delete('code');
      back.searchParams.set('error', 'redirect_uri_mismatch');
    };
    for (let at = 0; at < 3; at += 1) {
      const answer = await signInByLink(browser, provider, undefined, fault);
      expect(locationOf(answer)).toBe(failed('temporarily_unavailable'));
    }
    expect(logger.ours('error').map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /corp does not accept how this app is registered there: redirect_uri_mismatch\. Register/,
      ) as string,
    ]);
    const strange = (back: URL): void => back.searchParams.set('code', 'x\u0000y');
    expect(locationOf(await signInByLink(browser, provider, undefined, strange))).toBe(failed('access_denied'));
    expect(provider.exchanges).toEqual([]);
    await expectNothingMade(app, browser);
  });

  it('does not depend on strange cookies, or on many', async () => {
    const { client } = await startLoginApp(platform);
    const strange = ['login.(', 'login.a[0]', 'login.a:b', 'login.@'].map((name) => `__Host-${name}=1`).join('; ');
    const many = Array.from({ length: 500 }, (_, at) => `__Host-login.${at}=1`).join('; ');
    for (const [cookies, most] of [
      [strange, 1],
      [many, 21],
    ] as const) {
      const answer = await client().call('/auth/login/corp', { headers: [['Cookie', cookies]] });
      expect(answer.status).toBe(302);
      expect(setCookiesOf(answer).length).toBeLessThanOrEqual(most);
    }
  });

  it('starts nothing while the provider cannot be reached, and says so', async () => {
    const { provider, client } = await startLoginApp(platform);
    provider.faults = { down: ['/.well-known/openid-configuration'] };
    const browser = client();
    for (const answer of [await browser.call('/auth/login/corp'), await browser.post('/auth/login/corp', {})]) {
      expect([answer.status, codeOf(answer.json)]).toEqual([503, 'SERVER_ERROR']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
  });

  it('does not fail when the provider replaces its keys during it', async () => {
    const { provider, client, clock } = await startLoginApp(platform);
    await signInByLink(client(), provider);
    const browser = client();
    const back = await goToProvider(browser, provider);
    provider.rotateKeys();
    clock.advanceSeconds(120);
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/`);
    expect(claimsOf(browser.accessToken)['amr']).toEqual(['fed']);
  });

  it('is none that a page of another origin sends', async () => {
    const { provider, client } = await startLoginApp(platform);
    const browser = client();
    const foreign = [['Origin', 'https://evil.example']] as const;
    const start = await browser.post('/auth/login/corp', {}, foreign);
    expect([start.status, codeOf(start.json)]).toEqual([403, 'ACCESS_DENIED']);
    const sentOn = await beginAsFrontend(browser, provider);
    const answer = await browser.post('/auth/callback/corp', sentOn, foreign);
    expect([answer.status, codeOf(answer.json)]).toEqual([403, 'ACCESS_DENIED']);
    const form = await browser.call('/auth/callback/corp', {
      method: 'POST',
      body: String(new URLSearchParams(sentOn)),
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    });
    expect(form.status).toBe(415);
  });
});
