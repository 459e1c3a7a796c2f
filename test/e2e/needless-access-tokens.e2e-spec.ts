/** Signing in, refreshing and signing out with access tokens that are broken, expired, or of somebody else. */
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { DeliveryCaller, json, refreshTokenOf } from '../support/delivery-caller.js';
import { setCookiesOf, startSessionApp } from '../support/session-app.js';
import { refusedSession, verdictOf } from '../support/verdicts.js';

describe.each(platforms)('access tokens that are not needed, on $name', (platform) => {
  let caller: DeliveryCaller;

  beforeAll(async () => {
    caller = new DeliveryCaller(await startSessionApp(platform));
  });

  const broken: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
    ['a Bearer header without a token', [['Authorization', 'Bearer']]],
    ['a malformed Bearer header', [['Authorization', 'Bearer a b c']]],
    ['a header that is no scheme', [['Authorization', '=== ,,, "']]],
    ['a Basic header', [['Authorization', 'Basic YTpi']]],
    ['an unknown scheme', [['Authorization', 'Hawk id="x"']]],
    [
      'two Authorization headers',
      [
        ['Authorization', 'Bearer a.b.c'],
        ['Authorization', 'Bearer d.e.f'],
      ],
    ],
    ['a broken token', [['Authorization', 'Bearer a.b.c']]],
    ['a token of nobody', [['Authorization', 'Bearer eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL290aGVyIn0.c2ln']]],
    ['the token of another app that claims to be ours', [['Authorization', `Bearer ${forgedToken()}`]]],
    ['a refresh token as an access token', [['Authorization', `Bearer grt_${'A'.repeat(70)}`]]],
    ['a broken access cookie', [['Cookie', '__Host-access=%%%;;; =; __Host-access']]],
    ['two access cookies', [['Cookie', '__Host-access=a.b.c; __Host-access=d.e.f']]],
    [
      'a cookie and a header that differ',
      [
        ['Cookie', '__Host-access=a.b.c'],
        ['Authorization', 'Bearer d.e.f'],
      ],
    ],
    ['a long token', [['Authorization', `Bearer ${'x'.repeat(9_000)}`]]],
  ];

  it.each(broken)('%s does no harm to signing in, refreshing and signing out', async (_, headers) => {
    const { app } = caller.story;
    const body = JSON.stringify({ userId: 'alice' });
    const choice = [['X-Token-Delivery', 'body']] as const;
    const signedIn = await app.call('/sign-in', { method: 'POST', headers: [...json, ...choice, ...headers], body });
    expect(signedIn.status).toBe(201);
    const { refresh_token } = signedIn.json as { refresh_token: string };
    const sent = { method: 'POST', headers: [...json, ...headers], body: JSON.stringify({ refresh_token }) } as const;
    const refreshed = await app.call('/auth/refresh', sent);
    expect(refreshed.status).toBe(200);
    const next = (refreshed.json as { refresh_token: string }).refresh_token;
    const signedOut = await app.call('/auth/sign-out', { ...sent, body: JSON.stringify({ refresh_token: next }) });
    expect(signedOut.status).toBe(204);
    expect(verdictOf(await caller.refresh(next, 'body'))).toEqual(refusedSession('revoked'));
  });

  it.each(broken)('%s is refused by the routes that need a session', async (_, headers) => {
    const { app } = caller.story;
    for (const [method, path] of [
      ['GET', '/auth/me'],
      ['GET', '/auth/sessions'],
      ['POST', '/auth/sign-out-everywhere'],
      ['DELETE', '/auth/sessions/01950000-0000-7000-8000-000000000001'],
    ] as const) {
      expect([400, 401]).toContain((await app.call(path, { method, headers })).status);
    }
  });

  it('an expired one signs out', async () => {
    const { answer, refreshToken } = await caller.signIn('body');
    const { access_token: token } = answer.json as { access_token: string };
    caller.story.clock.advanceSeconds(3_000);
    const out = await caller.story.app.call('/auth/sign-out', { method: 'POST', token });
    expect(out.status).toBe(204);
    expect(setCookiesOf(out).map((line) => line.split('; ').at(-1))).toEqual(['Max-Age=0', 'Max-Age=0']);
    expect(verdictOf(await caller.refresh(refreshToken, 'body'))).toEqual(refusedSession('revoked'));
  });

  it('signing out works without a session, and with one that has ended', async () => {
    const { app } = caller.story;
    expect((await app.call('/auth/sign-out', { method: 'POST' })).status).toBe(204);
    const { refreshToken } = await caller.signIn('body');
    const body = JSON.stringify({ refresh_token: refreshToken });
    for (let time = 0; time < 2; time += 1) {
      const out = await app.call('/auth/sign-out', { method: 'POST', headers: json, body });
      expect([out.status, out.text, out.headers['cache-control']]).toEqual([204, '', 'no-store']);
    }
  });

  it('signing out works with a refresh token that was replaced', async () => {
    const { refreshToken } = await caller.signIn('body');
    const next = refreshTokenOf(await caller.refresh(refreshToken, 'body'));
    const body = JSON.stringify({ refresh_token: refreshToken });
    await caller.story.app.call('/auth/sign-out', { method: 'POST', headers: json, body });
    expect(verdictOf(await caller.refresh(next, 'body'))).toEqual(refusedSession('revoked'));
  });
});

function forgedToken(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: 'https://api.example.com', aud: 'https://api.example.com', sub: 'alice', sid: 'x', exp: 4e9 };
  return `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'x' })}.${part(claims)}.${Buffer.alloc(64, 7).toString('base64url')}`;
}
