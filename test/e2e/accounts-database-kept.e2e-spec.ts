/** Accounts whose database is down for a while, and what can be read in it, on both platforms. */
import { postgres } from 'nest-gatehouse/sql';
import { describe, expect } from 'vitest';
import { dumpTables, startAccountInstances } from '../support/account-instances.js';
import { email, password } from '../support/account-app.js';
import { endAfterwards, type Platform, platforms } from '../support/app.js';
import { Authenticator } from '../support/authenticator.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import type { Answer } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import { type MailApp, outcome, post, startMailApp } from '../support/mail-app.js';
import { ManualClock } from '../support/manual-clock.js';
import { type SessionClient, setCookiesOf } from '../support/session-app.js';
import { SharedDatabase } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';
import { unavailable, verdictOf } from '../support/verdicts.js';

const it = onPostgres.it;
const waiting = { timeout: 20_000, interval: 100 };

async function startBehindProxy(platform: Platform) {
  const proxy = await DatabaseProxy.start();
  endAfterwards(() => proxy.refuse());
  await proxy.forward();
  const clock = new ManualClock();
  const logger = new LogLines();
  const stores = new SharedDatabase().stores({ database: postgres(proxy.url) });
  const auth = { revocation: { refreshSeconds: 1, serveStaleForSeconds: 86_400 } };
  const stand = await startMailApp(platform, { anonymous: true }, { stores, clock, logger, auth });
  return { ...stand, proxy, logger };
}

function expectUnavailable(answer: Answer): void {
  expect(verdictOf(answer)).toEqual(unavailable);
  expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(setCookiesOf(answer)).toEqual([]);
}

/** How a secret may stand in a table: as it is, or encoded. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString('hex'), bytes.toString('base64url'), bytes.toString('base64')].map((form) =>
    form.replace(/=+$/, ''),
  );
}

/** The names of the secrets that can be read in a table. Six digits are only looked for where no digit or letter is beside them. */
async function readableOf(schema: string, secrets: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const text = [...(await dumpTables(schema)).values()].flat().join('\n').replaceAll('\\', '');
  const isThere = (form: string): boolean =>
    /^\d{6}$/.test(form) ? new RegExp(`(?<!\\w)${form}(?!\\w)`).test(text) : text.includes(form);
  return Object.entries(secrets).flatMap(([name, secret]) => {
    if (secret === '') throw new Error(`There is no ${name}`);
    return formsOf(secret).some(isThere) ? [name] : [];
  });
}

/** Opaque codes and tokens are random bytes behind a prefix, which a table could have in another form. */
const bytesOf = (code: string): string =>
  Buffer.from(code.replace(/^g[or][ct]_/, '').split('.')[0] ?? '', 'base64url').toString('hex');

describe.each(platforms)('the database of accounts, on $name', (platform) => {
  it('is down: each route is answered with 503, and all goes on when it is back', async () => {
    const stand = await startBehindProxy(platform);
    const { proxy, client, logger } = stand;
    const browser = client();
    await post(browser, 'sign-up', { email, password });
    const verifying = { code: stand.linkCode(email) };
    await stand.accounts.create({ email: 'bob@example.com', emailVerified: true, password });
    const bob = await stand.signIn({ email: 'bob@example.com', password });
    await post(client(), 'magic-link', { email: 'new@example.com' });
    const magic = { code: stand.linkCode('new@example.com') };
    await post(client(), 'password/forgot', { email: 'bob@example.com' });
    const reset = { code: stand.linkCode('bob@example.com'), password: 'staple of the horse' };
    const mails = stand.mailbox.all.length;
    await proxy.refuse();
    const calls: readonly (readonly [string, SessionClient, object?])[] = [
      ['sign-up', client(), { email: 'eve@example.com', password }],
      ['sign-in', client(), { email: 'bob@example.com', password }],
      ['sign-in', client(), { email: 'nobody@example.com', password }],
      ['sign-in/totp', client(), { attemptCode: `goc_${'A'.repeat(22)}`, code: '123456' }],
      ['anonymous', client()],
      ['email/send-verification', client(), { email }],
      ['email/verify', browser, verifying],
      ['email/verify', browser, { email, code: '123456' }],
      ['email/change', bob, { email: 'robert@example.com' }],
      ['password/forgot', client(), { email }],
      ['password/reset', client(), reset],
      ['password/change', bob, { currentPassword: password, password: 'staple of the horse' }],
      ['magic-link', client(), { email }],
      ['magic-link/confirm', client(), magic],
      ['totp/registration', bob],
      ['totp', bob, { code: '123456' }],
    ];
    for (const [path, from, json] of calls) expectUnavailable(await post(from, path, json));
    for (const [path, method, json] of [
      ['totp', 'DELETE'],
      ['me', 'PATCH', { name: 'Bob' }],
      ['me', 'DELETE'],
      ['identities', 'GET'],
      ['identities/github', 'DELETE'],
    ] as const) {
      expectUnavailable(await bob.call(`/auth/${path}`, { method, ...(json !== undefined && { json }) }));
    }
    // What needs no database is answered as ever.
    expect((await bob.call('/me')).status).toBe(200);
    expect(outcome(await post(client(), 'magic-link/confirm', { code: 'nonsense' }))).toEqual([400, 'INVALID_CODE']);
    expect(outcome(await post(client(), 'sign-up', { email: 'nonsense' }))).toEqual([400, 'INVALID_INPUT']);
    expect(stand.mailbox.all).toHaveLength(mails);
    await proxy.forward();
    await expect.poll(async () => (await bob.call('/auth/identities')).status, waiting).toBe(200);
    expect((await post(browser, 'email/verify', verifying)).status).toBe(200);
    expect((await post(client(), 'magic-link/confirm', magic)).status).toBe(200);
    expect((await post(client(), 'password/reset', reset)).status).toBe(204);
    await stand.signIn({ email: 'bob@example.com', password: 'staple of the horse' });
    const text = logger.lines.map((line) => line.text).join('\n');
    expect(text).not.toMatch(/@example|goc_|grt_|horse/);
  });

  it('has no password, code, cookie, token or second factor that could be read', async () => {
    const { one, other, clock, database } = await startAccountInstances(platform);
    const { schema } = database;
    const browser = one.client();
    await post(browser, 'sign-up', { email, password, name: 'Ada Lovelace' });
    const codesOf = (stand: MailApp, what: string, to = email): Readonly<Record<string, string>> => ({
      [`link code (${what})`]: stand.linkCode(to),
      [`bytes of the link code (${what})`]: bytesOf(stand.linkCode(to)),
      [`typed code (${what})`]: stand.mailTo(to).code ?? '',
    });
    const signedUp = { password, 'sign-up cookie': browser.cookie('sign-up'), ...codesOf(one, 'sign-up') };
    const isWritten = { email, name: 'Ada Lovelace' };
    expect(await readableOf(schema, { ...signedUp, ...isWritten })).toEqual(Object.keys(isWritten));
    await post(browser, 'email/verify', { code: one.linkCode(email) });
    const session = {
      'access token': browser.accessToken,
      'refresh token': browser.refreshToken,
      'bytes of the refresh token': bytesOf(browser.refreshToken),
    };
    const registered = (await post(browser, 'totp/registration')).json as { uri: string; secret: string };
    const phone = new Authenticator(registered.uri, clock);
    const { recoveryCodes } = (await post(browser, 'totp', { code: phone.code() })).json as { recoveryCodes: string[] };
    clock.advanceSeconds(61);
    await post(other.client(), 'password/forgot', { email });
    const forgotten = codesOf(other, 'reset');
    await post(one.client(), 'magic-link', { email: 'new@example.com' });
    const magic = codesOf(one, 'magic link', 'new@example.com');
    await post(browser, 'email/change', { email: 'lovelace@example.com' });
    const changing = codesOf(one, 'change', 'lovelace@example.com');
    const asked = await post(other.client(), 'sign-in', { email, password });
    const { attemptCode } = asked.json as { attemptCode: string };
    const factor = {
      'secret of the second factor': registered.secret,
      attemptCode,
      'bytes of the attemptCode': bytesOf(attemptCode),
      ...Object.fromEntries(recoveryCodes.map((code, at) => [`recovery code ${at}`, code])),
    };
    const all = { ...signedUp, ...session, ...forgotten, ...magic, ...changing, ...factor };
    expect(await readableOf(schema, { ...all, ...isWritten })).toEqual(Object.keys(isWritten));
  });
});
