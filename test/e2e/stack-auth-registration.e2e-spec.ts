/** Registering `StackAuthModule`: what an app without one of its lines is told, and what the options do. */
import { AuthModule, fromBearer, stackAuth } from 'nest-gatehouse';
import { ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { fromSessionCookie, StackAuthModule, StackAuthSessions, StackAuthSignIn } from 'nest-gatehouse/stack-auth';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { type AppParts, platforms, startApp } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { publicUrl, setCookiesOf } from '../support/session-app.js';
import { alice, projectId, startStackAuthApp } from '../support/stack-auth-app.js';

const issuer = stackAuth({ projectId });
const auth = AuthModule.forRoot({ issuers: issuer, publicUrl });
const sessions = SessionsModule.forRoot({ findSubject: () => null });

const wrongApps: readonly (readonly [string, NonNullable<AppParts['imports']>, readonly string[]])[] = [
  [
    'without AuthModule',
    [StackAuthModule.forRoot()],
    ['StackAuthModule.forRoot', 'AuthModule.forRoot({ issuers: stackAuth('],
  ],
  [
    'without stackAuth()',
    [
      StackAuthModule.forRoot({ path: 'stack' }),
      AuthModule.forRoot({ issuers: ownTokens(), publicUrl }),
      sessions,
      memoryStores(),
    ],
    ['AuthModule.forRoot({ issuers })', 'stackAuth() is missing'],
  ],
  [
    'with two projects',
    [
      StackAuthModule.forRoot(),
      AuthModule.forRoot({ issuers: [issuer, stackAuth({ projectId: 'other' })], publicUrl }),
    ],
    ['several times'],
  ],
  [
    'without publicUrl',
    [StackAuthModule.forRoot(), AuthModule.forRoot({ issuers: issuer })],
    ['AuthModule.forRoot({ publicUrl })'],
  ],
  [
    'registered twice',
    [StackAuthModule.forRoot(), StackAuthModule.forRoot({ path: 'other' }), auth],
    ['registered 2 times'],
  ],
  [
    'beside SessionsModule with the same routes',
    [
      StackAuthModule.forRoot(),
      sessions,
      AuthModule.forRoot({ issuers: [ownTokens(), issuer], publicUrl }),
      memoryStores(),
    ],
    ['/auth/refresh', 'SessionsModule.forRoot', 'StackAuthModule.forRoot'],
  ],
  [
    'beside SessionsModule with the same cookies',
    [
      StackAuthModule.forRoot({ path: 'stack' }),
      sessions,
      AuthModule.forRoot({ issuers: [ownTokens(), issuer], publicUrl }),
      memoryStores(),
    ],
    ['StackAuthModule.forRoot({ cookies })', '__Host-access'],
  ],
  [
    'with a wrong link',
    [StackAuthModule.forRoot({ links: { magicLink: 'app' } }), auth],
    ['({ links })({ magicLink })'],
  ],
  [
    'with a wrong key',
    [StackAuthModule.forRoot({ encryptionKey: 'short' }), auth],
    ['({ encryptionKey })', '32 bytes'],
  ],
  ['with a wrong age', [StackAuthModule.forRoot({ cookieSeconds: 59 }), auth], ['({ cookieSeconds })']],
  ['with a wrong page', [StackAuthModule.forRoot({ returnTo: 'javascript:alert(1)' }), auth], ['({ returnTo })']],
  ['with a wrong provider', [StackAuthModule.forRoot({ providers: ['a/b'] }), auth], ['({ providers })']],
];

describe.each(platforms)('StackAuthModule on $name', (platform) => {
  it.each(wrongApps)('does not start %s', async (_, imports, texts) => {
    const start = startApp(platform, { imports });
    await expect(start).rejects.toMatchObject({ code: 'CONFIGURATION_ERROR' });
    const { message } = (await start.catch((error: unknown) => error)) as Error;
    for (const text of texts) expect(message).toContain(text);
  });

  it('refuses unknown options and paths at once', () => {
    expect(() => StackAuthModule.forRoot({ cookie: {} } as object)).toThrow('Did you mean cookies');
    expect(() => StackAuthModule.forRoot({ path: 'a b' })).toThrow('it is not a path');
    expect(() => StackAuthModule.forRootAsync({})).toThrow('exactly one of');
  });

  it('works beside SessionsModule with a path and a name of its own', async () => {
    const app = await startApp(platform, {
      imports: [
        StackAuthModule.forRoot({ path: 'stack', cookies: { name: 'stack' } }),
        sessions,
        AuthModule.forRoot({ issuers: [ownTokens(), issuer], publicUrl }),
        memoryStores(),
      ],
    });
    for (const path of ['/stack/sign-out', '/auth/sign-out']) {
      expect((await app.call(path, { method: 'POST' })).status).toBe(204);
    }
  });

  it('takes options that are made when the app starts, and a path of its own', async () => {
    const app = await startApp(platform, {
      imports: [
        StackAuthModule.forRootAsync({ path: 'session', useFactory: () => ({ cookies: { name: 'acme' } }) }),
        AuthModule.forRootAsync({ useFactory: () => ({ issuers: issuer, publicUrl }) }),
      ],
    });
    const answer = await app.call('/session/sign-out', { method: 'POST' });
    expect(setCookiesOf(answer)[0]).toContain('__Host-acme-access=; ');
    expect(app.nest.get(StackAuthSessions)).toBeInstanceOf(StackAuthSessions);
    expect(app.nest.get(StackAuthSignIn)).toBeInstanceOf(StackAuthSignIn);
  });

  it('has no routes with path: false, and its services all the same', async () => {
    const { app, signIn } = await startStackAuthApp(platform, { module: { path: false } });
    expect((await app.call('/auth/refresh', { method: 'POST' })).status).toBe(404);
    expect(await signIn.withPassword(alice)).toMatchObject({ userId: alice.id });
  });

  it('neither sets nor reads cookies with delivery by the body alone', async () => {
    const { client, server } = await startStackAuthApp(platform, { module: { delivery: ['body'] } });
    const app = client('body');
    expect(setCookiesOf(await app.withPassword())).toEqual([]);
    const browser = client();
    browser.jar.set('__Host-access', app.accessToken).set('__Host-refresh', 'refresh-token-sample-5');
    expect((await browser.call('/me')).status).toBe(401);
    expect((await browser.refresh()).status).toBe(401);
    expect(setCookiesOf(await browser.post('/auth/sign-out'))).toEqual([]);
    expect(server.calls).toHaveLength(1);
  });

  it('reads the cookie as fromSessionCookie() where an app lists its sources, and warns where it does not', async () => {
    const listed = await startStackAuthApp(platform, { auth: { tokenFrom: [fromBearer(), fromSessionCookie()] } });
    const browser = listed.client();
    await browser.withPassword();
    expect((await browser.call('/me')).status).toBe(200);
    const logger = new LogLines();
    const other = await startStackAuthApp(platform, { logger, auth: { tokenFrom: [fromBearer()] } });
    const deaf = other.client();
    await deaf.withPassword();
    expect((await deaf.call('/me')).status).toBe(401);
    expect(
      logger
        .ours('warn')
        .map(({ text }) => text)
        .join(),
    ).toContain('fromSessionCookie()');
  });

  it('sets cookies without Secure and prefix on loopback, and warns of a domain', async () => {
    const local = await startStackAuthApp(platform, {
      auth: { publicUrl: 'http://localhost:3000' },
      module: { cookieSeconds: 60 },
    });
    const lines = setCookiesOf(await local.client().withPassword());
    expect(lines.map((line) => line.replace(/=[^;]*/, ''))).toEqual([
      'access; Path=/; HttpOnly; SameSite=Lax; Max-Age=60',
      'refresh; Path=/; HttpOnly; SameSite=Lax; Max-Age=60',
    ]);
    const logger = new LogLines();
    const wide = await startStackAuthApp(platform, { logger, module: { cookies: { domain: 'example.com' } } });
    const [line] = setCookiesOf(await wide.client().withPassword());
    expect(line).toMatch(/^__Secure-access=.*Domain=example\.com; Secure/);
    expect(
      logger
        .ours('warn')
        .map(({ text }) => text)
        .join(),
    ).toContain('all hosts of example.com');
  });
});
