/** What passes between the app and a provider is not stored, logged or shown; kept tokens are stored encrypted. */
import { beforeAll, describe, expect } from 'vitest';
import { codeOf } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import type { Call } from '../support/http.js';
import { beginAsFrontend, goToProvider, locationOf, page, pathOf, signInByLink } from '../support/login-app.js';
import { asJson, loginClient, type Misbehaviour } from '../support/login-provider.js';
import { postgresMissing } from '../support/postgres.js';
import type { SessionClient } from '../support/session-app.js';
import { onPostgres } from '../support/store-runner.js';
import { placesOf, WatchedApp } from '../support/watched-login-app.js';

const it = onPostgres.it;
const callback = { redirectUri: `${page}/callback` };
const callbackLine = 'Callback address to register at corp';
const inBody = [['X-Token-Delivery', 'body']] as const;

/** A login by a link whose answer a test may change. */
async function byLink(watched: WatchedApp, browser: SessionClient, change: (back: URL) => void = () => undefined) {
  return await signInByLink(browser, watched.provider, undefined, (back) => {
    watched.codes.push(back.searchParams.get('code') ?? 'none was issued');
    change(back);
  });
}

/** A login of a frontend that is called back itself. */
async function asFrontend(
  watched: WatchedApp,
  client: SessionClient,
  body: object = callback,
  headers: Call['headers'] = [],
) {
  const sentOn = await beginAsFrontend(client, watched.provider, body, headers);
  watched.codes.push(sentOn.code);
  return await client.post('/auth/callback/corp', sentOn, headers);
}

/** Logins that succeed, in every way there is, and what people do afterwards. */
async function signInEveryWay(watched: WatchedApp): Promise<void> {
  const { provider } = watched;
  const browser = watched.client();
  expect(locationOf(await byLink(watched, browser))).toBe(`${page}/?new=1`);
  expect(locationOf(await byLink(watched, watched.client()))).toBe(`${page}/`);
  expect((await asFrontend(watched, watched.client())).status).toBe(200);
  expect((await asFrontend(watched, watched.client(), callback, inBody)).json).toMatchObject({ token_type: 'Bearer' });
  provider.person = { sub: 'p-linked', email: 'other@example.com', email_verified: true };
  expect((await asFrontend(watched, browser, { ...callback, link: true })).status).toBe(200);
  for (const path of ['/auth/me', '/auth/identities', '/auth/sessions']) {
    expect((await browser.call(path)).status).toBe(200);
  }
  expect((await browser.refresh()).status).toBe(200);
  const token = provider.logoutToken({ sid: provider.sid });
  const told = await watched.client().call('/auth/back-channel-logout/corp', {
    method: 'POST',
    body: String(new URLSearchParams({ logout_token: token })),
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
  });
  expect(told.status).toBe(200);
  provider.clock.advanceSeconds(1);
}

/** Answers of a provider that repeat what they should not, or are wrong. */
const faults: readonly (readonly [what: string, fault: Misbehaviour])[] = [
  ['an unknown key', { strangeKey: true }],
  ['another nonce', { claims: (claims) => ({ ...claims, nonce: 'another' }) }],
  ['no nonce', { claims: (claims) => ({ ...claims, nonce: undefined }) }],
  ['another audience', { claims: (claims) => ({ ...claims, aud: 'another app' }) }],
  ['an old token', { claims: (claims) => ({ ...claims, exp: 1, iat: 1 }) }],
  ['another access token', { claims: (claims) => ({ ...claims, at_hash: 'another' }) }],
  ['no subject', { claims: (claims) => ({ ...claims, sub: '' }) }],
  ['another subject', { userinfo: { sub: 'somebody else' } }],
  ['no token endpoint', { down: ['/token'] }],
  ['no userinfo', { down: ['/userinfo'] }],
  [
    'a broken ID token',
    { token: (answer) => asJson(200, { ...answer, id_token: String(answer['id_token']).slice(0, -9) }) },
  ],
  ['an ID token that is none', { token: (answer) => asJson(200, { ...answer, id_token: answer['refresh_token'] }) }],
  ['no ID token', { token: (answer) => asJson(200, { ...answer, id_token: undefined }) }],
  ['another type', { token: (answer) => asJson(200, { ...answer, token_type: answer['access_token'] }) }],
  ['tokens and status 500', { token: (answer) => asJson(500, answer) }],
  [
    'tokens in an error',
    { token: (answer) => asJson(400, { error: 'invalid_grant', error_description: JSON.stringify(answer) }) },
  ],
  ['tokens as an error', { token: (answer) => asJson(400, { error: JSON.stringify(answer) }) }],
  ['a page with tokens', { token: (answer) => ({ status: 200, type: 'text/html', body: JSON.stringify(answer) }) }],
  ['a broken body', { token: (answer) => ({ ...asJson(200, answer), body: JSON.stringify(answer).slice(0, -2) }) }],
  [
    'a token with a line break',
    { token: (answer) => asJson(200, { ...answer, access_token: `${String(answer['access_token'])}\n` }) },
  ],
];

/** Logins that are refused, by the person, the provider or the app. */
async function beRefused(watched: WatchedApp): Promise<void> {
  const { provider } = watched;
  const failed = async (error: string, change?: (back: URL) => void, browser = watched.client()): Promise<void> => {
    expect(locationOf(await byLink(watched, browser, change))).toBe(`${page}/?error=${error}`);
  };
  provider.person = { sub: 'p-refused', email: 'ada@example.com', email_verified: false };
  await failed('email_taken');
  await failed('login_state', (back) => back.searchParams.set('iss', 'https://evil.example'));
  await failed('login_state', (back) => back.searchParams.set('state', 'another'));
  await failed('access_denied', (back) => back.searchParams.set('code', 'another'));
  await failed('access_denied', (back) => back.searchParams.append('code', 'another'));
  await failed('access_denied', (back) => back.searchParams.set('error', `access_denied ${back.search}`));
  const browser = watched.client();
  const back = await goToProvider(browser, provider);
  watched.codes.push(back.searchParams.get('code') ?? '');
  const again = browser.fork();
  for (const client of [watched.client(), browser, again]) await client.call(pathOf(back));
  provider.person = null;
  await failed('access_denied');
  provider.person = { sub: 'p-refused', email: 'ada@example.com', email_verified: false };
  const taken = await asFrontend(watched, watched.client());
  expect([taken.status, codeOf(taken.json)]).toEqual([409, 'EMAIL_TAKEN']);
}

/** Logins at a provider that misbehaves. */
async function meetFaults(watched: WatchedApp): Promise<void> {
  const { provider } = watched;
  provider.person = { sub: 'p-faulty', email: 'faulty@example.com', email_verified: true };
  for (const [what, fault] of faults) {
    for (const way of [byLink, asFrontend]) {
      const client = watched.client();
      provider.faults = fault;
      const answer = await way(watched, client);
      provider.faults = {};
      const error = /[?&]error=(?:access_denied|temporarily_unavailable)$/.test(locationOf(answer) ?? '');
      expect([what, error || [401, 503].includes(answer.status)]).toEqual([what, true]);
      // So that no pause after an outage answers in the place of the next fault.
      provider.clock.advanceSeconds(60);
    }
  }
}

describe.each(platforms)('the secrets of logins on $name', (platform) => {
  describe.each([
    ['dropped', false],
    ['kept', true],
  ])('whose tokens are %s', (_, keepTokens) => {
    let watched: WatchedApp;
    beforeAll(async () => {
      if (postgresMissing !== undefined) return;
      watched = await WatchedApp.start(platform, keepTokens);
      await signInEveryWay(watched);
      await beRefused(watched);
      await meetFaults(watched);
    }, 120_000);

    it('are many, and known to this test', async () => {
      const { provider, begun, codes } = watched;
      // Each login has one of each; the faulty ones as well.
      expect(new Set(provider.tokens).size).toBeGreaterThan(60);
      expect(new Set(codes).size).toBeGreaterThan(40);
      expect(new Set(begun).size).toBeGreaterThan(80);
    });

    it('are in no row of any table, no line of the log, no event and no answer', async () => {
      const findings = await watched.findings();
      expect(placesOf([...watched.secrets, ...watched.begun], findings)).toEqual([]);
    });

    it('would be found: what is no secret is', async () => {
      const findings = await watched.findings();
      const [event = ''] = placesOf(['EMAIL_TAKEN'], new Map([['events', findings.get('events') ?? '']]));
      expect(event).not.toBe('');
      const known = placesOf(['ada@example.com'], findings).map((place) => place.split(':')[0]);
      expect(known).toEqual(expect.arrayContaining(['table accounts', 'table identities', 'answers']));
      expect(placesOf([callbackLine], findings).map((place) => place.split(':')[0])).toContain('log');
      const hidden = Buffer.from(`{"a":"${loginClient.clientSecret}"}`);
      for (const coding of ['base64', 'base64url', 'hex'] as const) {
        expect(placesOf(watched.secrets, new Map([['cookie', hidden.toString(coding)]]))).not.toEqual([]);
      }
    });

    if (!keepTokens) {
      it('are not stored at all', async () => {
        expect((await watched.findings()).get('table provider_tokens')).toBe('');
        await expect(watched.app.logins.accessTokenOf('anybody', 'corp')).rejects.toMatchObject({
          code: 'CONFIGURATION_ERROR',
        });
      });
      return;
    }

    it('are stored encrypted, refreshed, and given to the app alone', async () => {
      const { app, provider } = watched;
      const { id = '' } = (await app.accounts.findByIdentity('corp', 'p-1')) ?? {};
      const isKept = async (): Promise<boolean> =>
        (await watched.findings()).get('table provider_tokens')?.includes(id) === true;
      expect(await isKept()).toBe(true);
      provider.clock.advanceSeconds(60);
      expect(provider.tokens).toContain(await app.logins.accessTokenOf(id, 'corp'));
      expect(provider.exchanges.at(-1)?.get('grant_type')).toBe('refresh_token');
      expect(placesOf(watched.secrets, await watched.findings())).toEqual([]);
      provider.clock.advanceSeconds(60);
      provider.faults = faults.find(([what]) => what === 'tokens in an error')?.[1] ?? {};
      await expect(app.logins.accessTokenOf(id, 'corp')).rejects.toMatchObject({ code: 'LOGIN_REFUSED' });
      provider.faults = {};
      expect(await isKept()).toBe(false);
      expect(placesOf(watched.secrets, await watched.findings())).toEqual([]);
    });
  });
});
