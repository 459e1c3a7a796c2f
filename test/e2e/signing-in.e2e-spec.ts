/** Signing up and in with accounts that the app keeps itself, on both platforms. */
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { type AccountApp, codeOf, email, password, startAccountApp } from '../support/account-app.js';
import { claimsOf, type SessionClient } from '../support/session-app.js';

/** Without what differs between two answers of the same kind. */
const comparable = ({ status, headers, text }: { status: number; headers: object; text: string }): object => ({
  status,
  text,
  headers: { ...headers, date: '' },
});

describe.each(platforms)('signing in on $name', (platform) => {
  let stand: AccountApp;

  beforeEach(async () => {
    stand = await startAccountApp(platform);
  });

  const signUp = (client: SessionClient, json: object) =>
    client.post('/auth/sign-up', json, [['X-Token-Delivery', 'body']]);

  it('signs up, in, and out, by cookies', async () => {
    const browser = stand.client();
    const created = await browser.post('/auth/sign-up', { email: 'Ada@Example.com', password, name: 'Ada' });
    expect(created.status).toBe(200);
    expect(created.json).toEqual({
      expires_in: 600,
      is_new_user: true,
      user: {
        id: expect.any(String) as string,
        email: 'Ada@Example.com',
        emailVerified: false,
        username: null,
        name: 'Ada',
        givenName: null,
        familyName: null,
        pictureUrl: null,
        isAnonymous: false,
        hasPassword: true,
        roles: [],
        scopes: [],
      },
    });
    expect((await browser.call('/me')).status).toBe(200);
    expect((await browser.post('/auth/sign-out')).status).toBe(204);
    expect((await browser.call('/me')).status).toBe(401);
    const again = await browser.post('/auth/sign-in', { email, password });
    expect(again.json).toMatchObject({ is_new_user: false, user: { email: 'Ada@Example.com' } });
    const { amr, sub } = claimsOf(browser.cookie('access'));
    expect({ amr, sub }).toEqual({ amr: ['pwd'], sub: (await stand.accounts.findByEmail(email))?.id });
    expect(stand.events.map(({ type }) => type)).toEqual(['account-created', 'signed-in', 'signed-in']);
    expect((await stand.accounts.findByEmail(email))?.lastSignInAt).toEqual(stand.clock.now());
  });

  it('signs in by the username, in any case', async () => {
    await stand.accounts.create({ username: 'Ada', password });
    await stand.signIn({ username: 'aDA', password });
  });

  it('answers a wrong password, an unknown login and a disabled account alike', async () => {
    const { id } = await stand.accounts.create({ email, password });
    await stand.accounts.create({ email: 'off@example.com', password });
    await stand.accounts.create({ email: 'without@example.com' });
    await stand.accounts.disable((await stand.accounts.findByEmail('off@example.com'))?.id ?? '');
    const attempts = [
      { email, password: 'wrong horse battery' },
      { email: 'nobody@example.com', password },
      { email: 'off@example.com', password },
      { email: 'without@example.com', password },
      { username: 'nobody', password },
      { email, password: '' },
      { email, password: '\0' },
      { email: '\ud800', password },
    ];
    const answers = [];
    for (const json of attempts) answers.push(comparable(await stand.client().post('/auth/sign-in', json)));
    expect(answers[0]).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    expect(JSON.parse((answers[0] as { text: string }).text)).toEqual({
      statusCode: 401,
      error: 'Unauthorized',
      code: 'INVALID_CREDENTIALS',
      message: 'The login or the password is wrong',
    });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await stand.accounts.find(id))?.lastSignInAt).toBeNull();
  });

  it('refuses an eleventh guess, with the right password too, and lets another network in', async () => {
    await stand.accounts.create({ email, password });
    const guess = (text: string) => stand.client().post('/auth/sign-in', { email, password: text });
    const results = await Promise.all(Array.from({ length: 30 }, () => guess('wrong horse battery')));
    expect(results.filter(({ status }) => status === 401)).toHaveLength(10);
    const refused = await guess(password);
    expect([refused.status, codeOf(refused.json)]).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    stand.clock.advanceSeconds(Number(refused.headers['retry-after']));
    expect((await guess(password)).status).toBe(200);
  });

  it.each([
    [{}, ['email', 'password']],
    [{ email, password: 1 }, ['password']],
    [{ email: 'ada', password }, ['email']],
    [{ email, password, admin: true }, ['admin']],
    [{ email, password, emailVerified: true }, ['emailVerified']],
    [{ email, password, groups: ['staff'] }, ['groups']],
    [{ email, password, customData: {} }, ['customData']],
    [{ email, password, username: 'a@b', pictureUrl: 'javascript:alert(1)' }, ['username', 'pictureUrl']],
  ])('refuses to sign up with %j', async (json, fields) => {
    const answer = await signUp(stand.client('body'), json);
    expect([answer.status, codeOf(answer.json)]).toEqual([400, 'INVALID_INPUT']);
    expect((answer.json as { fields: { path: string }[] }).fields.map(({ path }) => path)).toEqual(fields);
    expect((await stand.accounts.list()).items).toEqual([]);
  });

  it.each(['short', 'password1', 'ada@example.com', 'aaaaaaaaaaaa'])('refuses the password %s', async (weak) => {
    const answer = await signUp(stand.client('body'), { email, password: weak });
    expect([answer.status, codeOf(answer.json)]).toEqual([400, 'WEAK_PASSWORD']);
  });

  it('says that an address or a username is taken', async () => {
    await stand.accounts.create({ email, username: 'ada' });
    const taken = await signUp(stand.client('body'), { email: 'ADA@example.com', password });
    expect([taken.status, codeOf(taken.json)]).toEqual([409, 'EMAIL_TAKEN']);
    const named = await signUp(stand.client('body'), { email: 'other@example.com', username: 'ADA', password });
    expect([named.status, codeOf(named.json)]).toEqual([409, 'USERNAME_TAKEN']);
    const results = await Promise.all(
      Array.from({ length: 20 }, () => signUp(stand.client('body'), { email: 'new@example.com', password })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual([200, ...new Array<number>(19).fill(409)]);
  });

  it('lets no page of another site sign anybody up or in', async () => {
    await stand.accounts.create({ email, password });
    for (const path of ['/auth/sign-up', '/auth/sign-in', '/auth/anonymous']) {
      const answer = await stand.client().post(path, { email, password }, [['Origin', 'https://evil.example']]);
      expect([path, answer.status]).toEqual([path, 403]);
    }
  });

  it('does not let a sign-in that was under way outlive a change of the password', async () => {
    const { id } = await stand.accounts.create({ email, password });
    const attempts = Array.from({ length: 8 }, async () => {
      const client = stand.client('body');
      await client.post('/auth/sign-in', { email, password }, [['X-Token-Delivery', 'body']]);
      return client;
    });
    await stand.accounts.setPassword(id, 'staple of the horse');
    const clients = await Promise.all(attempts);
    expect((await stand.service.list(id)).items).toEqual([]);
    for (const client of clients.filter(({ tokens }) => tokens !== null)) {
      expect((await client.call('/me')).status).toBe(401);
    }
  });

  it('makes nothing where the client asks for a delivery that the app does not offer', async () => {
    await stand.accounts.create({ email, password });
    for (const [path, json] of [
      ['/auth/sign-up', { email: 'new@example.com', password }],
      ['/auth/anonymous', undefined],
      ['/auth/sign-in', { email, password }],
      ['/auth/sign-in', { email, password: 'wrong horse battery' }],
    ] as const) {
      const answer = await stand.client().post(path, json, [['X-Token-Delivery', 'pigeon']]);
      expect([path, answer.status, codeOf(answer.json)]).toEqual([path, 400, 'INVALID_REQUEST']);
    }
    expect((await stand.accounts.list()).items).toHaveLength(1);
  });

  it('counts failures by what was typed, so that an id locks nobody out', async () => {
    const { id } = await stand.accounts.create({ email, username: 'ada', password });
    for (let count = 0; count < 12; count += 1) {
      await stand.client().post('/auth/sign-in', { username: id, password: 'wrong horse battery' });
      if (count < 10) await stand.client().post('/auth/sign-in', { username: 'ada', password: 'wrong horse battery' });
    }
    expect((await stand.client().post('/auth/sign-in', { username: 'ada', password })).status).toBe(429);
    await stand.signIn();
  });
});
