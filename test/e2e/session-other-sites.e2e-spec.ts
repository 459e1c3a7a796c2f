/** Pages of other sites that send requests to the routes of sessions, and to guarded routes with the session's cookies. */
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import type { Answer, Call } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import {
  claimsOf,
  type SessionApp,
  type SessionClient,
  setCookiesOf,
  startSessionApp,
} from '../support/session-app.js';
import { accessDenied, verdictOf } from '../support/verdicts.js';

type Headers = NonNullable<Call['headers']>;

const foreign: readonly (readonly [string, Headers])[] = [
  ['another origin', [['Origin', 'https://evil.example']]],
  [
    'a subdomain',
    [
      ['Origin', 'https://www.api.example.com'],
      ['Sec-Fetch-Site', 'same-site'],
    ],
  ],
  [
    'the domain above',
    [
      ['Origin', 'https://example.com'],
      ['Sec-Fetch-Site', 'same-site'],
    ],
  ],
  ['the same host by http', [['Origin', 'http://api.example.com']]],
  ['the same host at another port', [['Origin', 'https://api.example.com:8443']]],
  ['no origin', [['Origin', 'null']]],
  ['a page that is only said to be foreign', [['Sec-Fetch-Site', 'cross-site']]],
  ['a page that is only said to be near', [['Sec-Fetch-Site', 'same-site']]],
  ['a site that is not known', [['Sec-Fetch-Site', 'nonsense']]],
  [
    'two origins',
    [
      ['Origin', 'https://api.example.com'],
      ['Origin', 'https://evil.example'],
    ],
  ],
];

const own: readonly (readonly [string, Headers])[] = [
  ['the app', [['Origin', 'https://api.example.com']]],
  [
    'the app, whatever else is said',
    [
      ['Origin', 'https://api.example.com'],
      ['Sec-Fetch-Site', 'cross-site'],
    ],
  ],
  [
    'a trusted page',
    [
      ['Origin', 'https://shop.example'],
      ['Sec-Fetch-Site', 'cross-site'],
    ],
  ],
  ['the address bar', [['Sec-Fetch-Site', 'none']]],
  ['the same origin, without Origin', [['Sec-Fetch-Site', 'same-origin']]],
  [
    'the same origin, as the browser says, whatever Origin is',
    [
      ['Origin', 'null'],
      ['Sec-Fetch-Site', 'same-origin'],
    ],
  ],
  ['no browser', []],
];

const routes = [
  ['POST', '/auth/refresh'],
  ['POST', '/auth/sign-out'],
  ['POST', '/auth/sign-out-everywhere'],
  ['DELETE', '/auth/sessions/01950000-0000-7000-8000-000000000001'],
] as const;

describe.each(platforms)('a page of another site, on $name', (platform) => {
  const logger = new LogLines();
  let story: SessionApp;
  let browser: SessionClient;
  let bearer: SessionClient;

  beforeAll(async () => {
    story = await startSessionApp(platform, { logger, auth: { trustedOrigins: ['https://shop.example'] } });
    browser = story.client();
    bearer = story.client('body');
    await browser.signIn('alice');
    await bearer.signIn('alice');
  });

  const stillSignedIn = async (): Promise<void> => {
    for (const client of [browser, bearer]) {
      expect((await client.call('/me')).status).toBe(200);
      expect((await client.refresh()).status).toBe(200);
    }
  };

  const expectDenied = (answer: Answer): void => {
    expect(verdictOf(answer)).toEqual(accessDenied);
    expect(setCookiesOf(answer)).toEqual([]);
    expect(answer.headers['cache-control']).toBe('no-store');
  };

  it.each(foreign)('%s changes nothing, with or without a credential', async (_, headers) => {
    for (const [method, path] of routes) {
      expectDenied(await story.app.call(path, { method, headers }));
      expectDenied(await browser.call(path, { method, headers }));
      expectDenied(await bearer.call(path, { method, headers }));
      // What a form can send.
      const form = [...headers, ['Content-Type', 'text/plain']] as const;
      if (method === 'POST') expectDenied(await browser.call(path, { method, headers: form, body: '{"a":"="}' }));
    }
    const body = { refresh_token: bearer.refreshToken };
    expectDenied(await bearer.call('/auth/refresh', { method: 'POST', json: body, headers }));
    const guarded = await browser.call('/change', { method: 'POST', headers });
    expect(verdictOf(guarded)).toEqual(accessDenied);
    // By a Bearer header, which no browser adds by itself.
    expect((await bearer.call('/change', { method: 'POST', headers })).status).toBe(201);
    await stillSignedIn();
  });

  it.each(foreign)('%s may read what CORS lets it read', async (_, headers) => {
    for (const path of ['/auth/me', '/auth/sessions', '/me']) {
      expect((await browser.call(path, { headers })).status).toBe(200);
    }
  });

  it.each(own)('%s is no other site', async (_, headers) => {
    const client = story.client();
    await client.signIn('bob');
    expect((await client.call('/change', { method: 'POST', headers })).status).toBe(201);
    expect((await client.call('/auth/refresh', { method: 'POST', headers })).status).toBe(200);
    const id = String(claimsOf(client.accessToken)['sid']);
    expect((await client.call(`/auth/sessions/${id}`, { method: 'DELETE', headers })).status).toBe(204);
    await client.signIn('bob');
    expect((await client.call('/auth/sign-out-everywhere', { method: 'POST', headers })).status).toBe(204);
    await client.signIn('bob');
    expect((await client.call('/auth/sign-out', { method: 'POST', headers })).status).toBe(204);
    expect(client.jar.size).toBe(0);
  });

  it('may use tokens that it keeps itself, which X-Token-Delivery: body shows', async () => {
    const headers = [
      ['Origin', 'https://evil.example'],
      ['X-Token-Delivery', 'body'],
    ] as const;
    const page = story.client('body');
    await page.signIn('bob');
    const body = { refresh_token: page.refreshToken };
    expect((await page.call('/auth/refresh', { method: 'POST', json: body, headers })).status).toBe(200);
    expect((await page.call('/auth/sign-out-everywhere', { method: 'POST', headers })).status).toBe(204);
    await page.signIn('bob');
    expect((await page.call('/auth/sign-out', { method: 'POST', headers })).status).toBe(204);
    expectDenied(
      await page.call('/auth/refresh', {
        method: 'POST',
        headers: [...headers.slice(0, 1), ['X-Token-Delivery', 'cookies']],
      }),
    );
  });

  it('does not get at the cookies by that header', async () => {
    const headers = [
      ['Origin', 'https://evil.example'],
      ['X-Token-Delivery', 'body'],
    ] as const;
    for (const [method, path] of routes) expectDenied(await browser.call(path, { method, headers }));
    const body = { refresh_token: bearer.refreshToken };
    expectDenied(await browser.call('/auth/refresh', { method: 'POST', json: body, headers }));
    // A session that receives its tokens in the body, whose client keeps them in a cookie.
    const both = story.client('body');
    await both.signIn('bob');
    const cookie = ['Cookie', `__Host-refresh=${both.refreshToken}`] as const;
    for (const path of ['/auth/refresh', '/auth/sign-out']) {
      expectDenied(await story.app.call(path, { method: 'POST', headers: [...headers, cookie] }));
    }
    expect((await both.refresh()).status).toBe(200);
    await stillSignedIn();
  });

  it('signs nobody in by the sign-in route of the app', async () => {
    const origin = ['Origin', 'https://evil.example'] as const;
    const form = [origin, ['Content-Type', 'application/x-www-form-urlencoded']] as const;
    const sent = await browser.call('/sign-in', { method: 'POST', headers: form, body: 'userId=bob' });
    expect(verdictOf(sent)).toEqual(accessDenied);
    expect(setCookiesOf(sent)).toEqual([]);
    // Without a session as well, and with one that the header would end.
    expect(verdictOf(await story.client().post('/sign-in', { userId: 'bob' }, [origin]))).toEqual(accessDenied);
    expect(
      verdictOf(await browser.post('/sign-in', { userId: 'bob' }, [origin, ['X-Token-Delivery', 'body']])),
    ).toEqual(accessDenied);
    await stillSignedIn();
    // A page that keeps its own tokens, and sends no cookies.
    const page = await story.client('body').post('/sign-in', { userId: 'bob' }, [origin, ['X-Token-Delivery', 'body']]);
    expect(page.status).toBe(201);
    expect(setCookiesOf(page)).toEqual([]);
  });

  it('signs in where the app says that it may', async () => {
    const request = { headers: { origin: 'https://evil.example' }, method: 'POST' };
    await expect(story.service.start('bob', { request })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await story.service.start('bob', { request, checkOrigin: false })).toMatchObject({ userId: 'bob' });
    expect(await story.service.start('bob', { request, delivery: 'body' })).toMatchObject({ userId: 'bob' });
  });

  it('is named in the log, with what to change', async () => {
    logger.forget();
    await browser.call('/auth/refresh', { method: 'POST', headers: [['Origin', 'https://evil.example']] });
    const lines = logger.ours('debug').map(({ text }) => text);
    expect(lines).toEqual([expect.stringMatching(/https:\/\/evil\.example.*publicUrl.*trustedOrigins/)]);
    expect(logger.ours('warn')).toEqual([]);
    expect(logger.lines.map(({ text }) => text).join()).not.toContain(browser.refreshToken);
  });
});
