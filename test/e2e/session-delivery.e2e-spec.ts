/** How the tokens of a session reach its client: in cookies or in the body, chosen when the session begins. */
import { memoryStores } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Platform, platforms } from '../support/app.js';
import { DeliveryCaller, json, refreshTokenOf } from '../support/delivery-caller.js';
import type { Answer } from '../support/http.js';
import { ManualClock } from '../support/manual-clock.js';
import { type SessionAppParts, setCookiesOf, startSessionApp } from '../support/session-app.js';
import { invalidRequest, missingToken, refusedSession, verdictOf } from '../support/verdicts.js';

/** By what an answer delivers its tokens. */
function deliveryOf(answer: Answer): string {
  const cookies = setCookiesOf(answer).map((line) => line.slice(0, line.indexOf('=')));
  const inBody = typeof answer.json === 'object' && answer.json !== null && 'refresh_token' in answer.json;
  if (cookies.length === 0 && inBody) return 'body';
  if (cookies.join() === '__Host-access,__Host-refresh' && !inBody) return 'cookies';
  return answer.status >= 400 && cookies.length === 0 && !inBody ? String(answer.status) : 'nothing that is known';
}

const start = async (platform: Platform, parts: SessionAppParts = {}): Promise<DeliveryCaller> =>
  new DeliveryCaller(await startSessionApp(platform, parts));

describe.each(platforms)('the delivery of tokens, on $name', (platform) => {
  let caller: DeliveryCaller;

  beforeAll(async () => {
    caller = await start(platform);
  });

  it.each([
    [null, 'cookies'],
    ['cookies', 'cookies'],
    ['body', 'body'],
  ] as const)('at sign-in with the choice %s is by %s', async (choice, expected) => {
    const { answer } = await caller.signIn(choice);
    expect([answer.status, deliveryOf(answer)]).toEqual([201, expected]);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it.each([
    // No choice at the beginning: the place of the refresh token decides each answer.
    [null, 'cookies', null, 'cookies'],
    [null, 'body', null, 'body'],
    [null, 'cookies', 'cookies', 'cookies'],
    [null, 'body', 'body', 'body'],
    [null, 'cookies', 'body', '400'],
    [null, 'body', 'cookies', '400'],
    // A choice at the beginning stays.
    ['cookies', 'cookies', null, 'cookies'],
    ['cookies', 'body', null, 'cookies'],
    ['cookies', 'cookies', 'cookies', 'cookies'],
    ['cookies', 'body', 'cookies', 'cookies'],
    ['cookies', 'cookies', 'body', '400'],
    ['cookies', 'body', 'body', '400'],
    ['body', 'body', null, 'body'],
    ['body', 'cookies', null, 'body'],
    ['body', 'body', 'body', 'body'],
    ['body', 'cookies', 'body', 'body'],
    ['body', 'body', 'cookies', '400'],
    ['body', 'cookies', 'cookies', '400'],
  ] as const)('of a session begun with %s, token in %s, choice %s: %s', async (begun, place, choice, expected) => {
    const { refreshToken } = await caller.signIn(begun);
    const answer = await caller.refresh(refreshToken, place, choice);
    expect(deliveryOf(answer)).toBe(expected);
    expect(answer.headers['cache-control']).toBe('no-store');
    if (expected !== '400') return;
    expect(verdictOf(answer)).toEqual(invalidRequest);
    // Refused before the token was replaced.
    const again = await caller.refresh(refreshToken, place);
    expect(refreshTokenOf(again)).not.toBe(refreshToken);
  });

  it.each(['Body', 'cookie', '', 'body, cookies', 'body,body', 'none'])(
    'by a value that is not known, %j, is refused',
    async (value) => {
      const { refreshToken } = await caller.signIn(null);
      const headers = [['X-Token-Delivery', value] as const];
      const body = JSON.stringify({ userId: 'alice' });
      const answers = [
        await caller.story.app.call('/sign-in', { method: 'POST', headers: [...json, ...headers], body }),
        await caller.story.app.call('/auth/refresh', {
          method: 'POST',
          headers: [['Cookie', `__Host-refresh=${refreshToken}`], ...headers],
        }),
      ];
      for (const answer of answers) {
        expect(verdictOf(answer)).toEqual(invalidRequest);
        expect(setCookiesOf(answer)).toEqual([]);
      }
      expect((await caller.refresh(refreshToken, 'cookies')).status).toBe(200);
    },
  );

  it('by two headers is refused', async () => {
    const headers = [...json, ['X-Token-Delivery', 'body'], ['X-Token-Delivery', 'cookies']] as const;
    const answer = await caller.story.app.call('/sign-in', { method: 'POST', headers, body: '{"userId":"alice"}' });
    expect(verdictOf(answer)).toEqual(invalidRequest);
  });

  it('refuses a cookie and a body that differ, and takes two that do not', async () => {
    const [one, other] = [await caller.signIn(null), await caller.signIn(null)];
    const send = (body: string): Promise<Answer> =>
      caller.story.app.call('/auth/refresh', {
        method: 'POST',
        headers: [...json, ['Cookie', `__Host-refresh=${one.refreshToken}`]],
        body: JSON.stringify({ refresh_token: body }),
      });
    expect(verdictOf(await send(other.refreshToken))).toEqual(invalidRequest);
    expect(verdictOf(await send('no token'))).toEqual(invalidRequest);
    const same = await send(one.refreshToken);
    expect([same.status, deliveryOf(same)]).toEqual([200, 'cookies']);
    expect((await caller.refresh(other.refreshToken, 'body')).status).toBe(200);
  });

  it('refuses two refresh cookies that differ', async () => {
    const [one, other] = [await caller.signIn(null), await caller.signIn(null)];
    const cookie = `__Host-refresh=${one.refreshToken}; __Host-refresh=${other.refreshToken}`;
    const answer = await caller.story.app.call('/auth/refresh', { method: 'POST', headers: [['Cookie', cookie]] });
    expect(verdictOf(answer)).toEqual(invalidRequest);
    expect((await caller.refresh(one.refreshToken, 'cookies')).status).toBe(200);
  });

  it('reads the refresh cookie at refresh and sign-out alone', async () => {
    const { refreshToken } = await caller.signIn(null);
    const headers = [['Cookie', `__Host-refresh=${refreshToken}`]] as const;
    const { app } = caller.story;
    for (const [method, path] of [
      ['GET', '/me'],
      ['POST', '/change'],
      ['GET', '/auth/me'],
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions/x'],
      ['POST', '/auth/sign-out-everywhere'],
    ] as const) {
      expect(verdictOf(await app.call(path, { method, headers }))).toEqual(missingToken);
    }
    expect((await caller.refresh(refreshToken, 'cookies')).status).toBe(200);
    expect((await app.call('/auth/sign-out', { method: 'POST', headers })).status).toBe(204);
    expect(verdictOf(await caller.refresh(refreshToken, 'cookies'))).toEqual(refusedSession('revoked'));
  });

  it('answers a request without a refresh token with 401, and leaves cookies alone', async () => {
    const answer = await caller.story.app.call('/auth/refresh', { method: 'POST' });
    expect(verdictOf(answer)).toEqual(missingToken);
    expect(setCookiesOf(answer)).toEqual([]);
  });

  it('leaves cookies alone when a refresh fails', async () => {
    const { refreshToken } = await caller.signIn(null);
    await caller.refresh(refreshToken, 'cookies');
    caller.story.clock.advanceSeconds(11);
    for (const token of [refreshToken, 'nonsense', `${refreshToken}x`, 'a.b.c']) {
      const answer = await caller.refresh(token, 'cookies');
      expect(answer.status).toBe(401);
      expect(setCookiesOf(answer)).toEqual([]);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });
});

describe.each(platforms)('an app that offers one delivery, on $name', (platform) => {
  it('by the body, sets and reads no cookie ever', async () => {
    const caller = await start(platform, { sessions: { delivery: ['body'] } });
    const { answer, refreshToken } = await caller.signIn(null);
    expect(deliveryOf(answer)).toBe('body');
    expect(verdictOf((await caller.signIn('cookies')).answer)).toEqual(invalidRequest);
    expect(verdictOf(await caller.refresh(refreshToken, 'body', 'cookies'))).toEqual(invalidRequest);
    expect(verdictOf(await caller.refresh(refreshToken, 'cookies'))).toEqual(missingToken);
    const { access_token } = answer.json as { access_token: string };
    const cookies = [['Cookie', `__Host-access=${access_token}; __Host-refresh=${refreshToken}`]] as const;
    for (const path of ['/me', '/auth/me', '/auth/sessions']) {
      expect(verdictOf(await caller.story.app.call(path, { headers: cookies }))).toEqual(missingToken);
    }
    const out = await caller.story.app.call('/auth/sign-out', { method: 'POST', headers: cookies });
    expect([out.status, setCookiesOf(out)]).toEqual([204, []]);
    const refreshed = await caller.refresh(refreshToken, 'body');
    expect(deliveryOf(refreshed)).toBe('body');
    const { access_token: token } = refreshed.json as { access_token: string };
    const ended = await caller.story.app.call('/auth/sign-out', { method: 'POST', token });
    expect([ended.status, setCookiesOf(ended)]).toEqual([204, []]);
    expect(verdictOf(await caller.refresh(refreshTokenOf(refreshed), 'body'))).toEqual(refusedSession('revoked'));
  });

  it('by cookies, reads no refresh token from bodies', async () => {
    const caller = await start(platform, { sessions: { delivery: ['cookies'] } });
    const { answer, refreshToken } = await caller.signIn(null);
    expect(deliveryOf(answer)).toBe('cookies');
    expect(verdictOf((await caller.signIn('body')).answer)).toEqual(invalidRequest);
    expect(verdictOf(await caller.refresh(refreshToken, 'body'))).toEqual(missingToken);
    expect(deliveryOf(await caller.refresh(refreshToken, 'cookies'))).toBe('cookies');
  });

  it('by the body first, gives that to who does not choose', async () => {
    const caller = await start(platform, { sessions: { delivery: ['body', 'cookies'] } });
    expect(deliveryOf((await caller.signIn(null)).answer)).toBe('body');
    expect(deliveryOf((await caller.signIn('cookies')).answer)).toBe('cookies');
  });

  it('delivers sessions from before in what it offers now', async () => {
    const clock = new ManualClock();
    const stores = [memoryStores({ clock })];
    const before = await start(platform, { clock, stores });
    const now = await start(platform, { clock, stores, sessions: { delivery: ['body'] } });
    const { refreshToken } = await before.signIn('cookies');
    const answer = await now.refresh(refreshToken, 'body');
    expect([answer.status, deliveryOf(answer)]).toEqual([200, 'body']);
    const onlyCookies = await start(platform, { clock, stores, sessions: { delivery: ['cookies'] } });
    const { refreshToken: other } = await before.signIn('body');
    expect(deliveryOf(await onlyCookies.refresh(other, 'cookies'))).toBe('cookies');
  });
});
