/** Accounts that the app keeps itself, by their services and by their routes, on both platforms. */
import { pbkdf2Sync } from 'node:crypto';
import { Controller, Get, Inject, UseGuards } from '@nestjs/common';
import { AuthGuard, CurrentProfile, CurrentUser, RequireRoles, type UserProfile } from 'nest-gatehouse';
import {
  AccountError,
  type AccountEvent,
  AccountService,
  AccountsModule,
  type AccountsModuleOptions,
  GroupService,
} from 'nest-gatehouse/accounts';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Platform, platforms } from '../support/app.js';
import {
  claimsOf,
  type SessionApp,
  type SessionAppParts,
  type SessionClient,
  startSessionApp,
} from '../support/session-app.js';

const email = 'ada@example.com';
const password = 'correct horse battery';

@UseGuards(AuthGuard)
@Controller()
class StaffController {
  constructor(@Inject(AccountService) readonly accounts: AccountService) {}

  @RequireRoles('staff')
  @Get('staff')
  staff(@CurrentUser('id') id: string): object {
    return { id };
  }

  @Get('profile')
  profile(@CurrentProfile() profile: UserProfile): UserProfile {
    return profile;
  }
}

interface Stand extends SessionApp {
  readonly accounts: AccountService;
  readonly groups: GroupService;
  readonly events: AccountEvent[];
  readonly signIn: (json?: object) => Promise<SessionClient>;
}

async function start(
  platform: Platform,
  options: AccountsModuleOptions = {},
  parts: SessionAppParts = {},
): Promise<Stand> {
  const events: AccountEvent[] = [];
  const { sessions = {}, imports = [], ...rest } = parts;
  const app = await startSessionApp(platform, {
    ...rest,
    sessions: { findSubject: undefined, ...sessions } as NonNullable<SessionAppParts['sessions']>,
    imports: [
      AccountsModule.forRoot({
        signUp: 'at-once',
        anonymous: true,
        onEvent: (event) => events.push(event),
        ...options,
      }),
      ...imports,
    ],
    controllers: [StaffController],
  });
  const signIn = async (json: object = { email, password }): Promise<SessionClient> => {
    const client = app.client('body');
    const answer = await client.post('/auth/sign-in', json, [['X-Token-Delivery', 'body']]);
    expect(answer.json).toMatchObject({ token_type: 'Bearer' });
    return client;
  };
  return { ...app, accounts: app.app.nest.get(AccountService), groups: app.app.nest.get(GroupService), events, signIn };
}

const codeOf = (json: unknown): unknown => (json as { code?: unknown }).code;

/** Without what differs between two answers of the same kind. */
const comparable = ({ status, headers, text }: { status: number; headers: object; text: string }): object => ({
  status,
  text,
  headers: { ...headers, date: '' },
});

describe.each(platforms)('accounts on $name', (platform) => {
  let stand: Stand;

  beforeEach(async () => {
    stand = await start(platform);
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

  it('makes a guest a user, once, who keeps the id and the custom data', async () => {
    const guest = stand.client('body');
    const made = await guest.post('/auth/anonymous', undefined, [['X-Token-Delivery', 'body']]);
    expect(made.json).toMatchObject({ is_new_user: true, user: { isAnonymous: true, email: null } });
    const { id } = (made.json as { user: { id: string } }).user;
    await stand.accounts.patchCustomData(id, { cart: ['tea'] });
    expect((await guest.call('/me')).status).toBe(401);
    const before = guest.fork();
    const upgrades = await Promise.all(
      [1, 2, 3, 4].map((number) => signUp(guest.fork(), { email: `ada${number}@example.com`, password })),
    );
    const won = upgrades.filter(({ json }) => (json as { user?: { id: string } }).user?.id === id);
    expect(won).toHaveLength(1);
    expect(await stand.accounts.find(id)).toMatchObject({ isAnonymous: false, customData: { cart: ['tea'] } });
    expect((await before.refresh()).status).toBe(401);
    expect((await stand.service.list(id)).items).toHaveLength(1);
    const token = (won[0]?.json as { access_token: string }).access_token;
    expect((await stand.app.call('/me', { token })).status).toBe(200);
  });

  it('leaves a guest who signs in to an account a guest', async () => {
    await stand.accounts.create({ email, password });
    const guest = stand.client('body');
    const made = await guest.post('/auth/anonymous', undefined, [['X-Token-Delivery', 'body']]);
    const { id } = (made.json as { user: { id: string } }).user;
    await guest.post('/auth/sign-in', { email, password });
    expect((await stand.accounts.find(id))?.isAnonymous).toBe(true);
    expect((await stand.service.list(id)).items).toHaveLength(0);
  });

  it('has the groups of an account as roles, from the next refresh on', async () => {
    const { id } = await stand.accounts.create({ email, password });
    await stand.groups.create({ name: 'staff' });
    const client = await stand.signIn();
    expect((await client.call('/staff')).status).toBe(403);
    await stand.groups.addMember('staff', id);
    await client.refresh();
    expect((await client.call('/staff')).json).toEqual({ id });
    await stand.groups.update('staff', { name: 'crew' });
    await client.refresh();
    expect((await client.call('/staff')).status).toBe(403);
    expect((await stand.groups.listGroups(id)).items.map(({ name }) => name)).toEqual(['crew']);
    expect((await stand.groups.listMembers('crew')).items.map((member) => member.id)).toEqual([id]);
  });

  it('has the profile of an account', async () => {
    await stand.accounts.create({ email, emailVerified: true, password, name: 'Ada' });
    const client = await stand.signIn();
    const { json } = await client.call('/profile');
    expect(json).toMatchObject({
      displayName: 'Ada',
      primaryEmail: email,
      primaryEmailVerified: true,
      hasPassword: true,
    });
  });

  it('ends the sessions of an account that is disabled, at once', async () => {
    const { id } = await stand.accounts.create({ email, password });
    const client = await stand.signIn();
    await stand.accounts.disable(id);
    expect((await client.call('/me')).json).toMatchObject({ code: 'INVALID_TOKEN', reason: 'revoked' });
    expect((await client.refresh()).status).toBe(401);
    await stand.accounts.enable(id);
    expect((await client.refresh()).status).toBe(401);
    await stand.signIn();
    expect(stand.events.filter(({ type }) => type === 'account-disabled')).toHaveLength(1);
  });

  it('changes a password, which ends the other sessions', async () => {
    await stand.accounts.create({ email, password });
    const [client, other] = [await stand.signIn(), await stand.signIn()];
    const change = (json: object) => client.post('/auth/password/change', json);
    expect(
      codeOf((await change({ currentPassword: 'wrong horse battery', password: 'staple of the horse' })).json),
    ).toBe('INVALID_CREDENTIALS');
    expect(codeOf((await change({ password: 'staple of the horse' })).json)).toBe('INVALID_INPUT');
    expect(codeOf((await change({ currentPassword: password, password: 'password1' })).json)).toBe('WEAK_PASSWORD');
    expect((await change({ currentPassword: password, password: 'staple of the horse' })).status).toBe(204);
    expect((await client.refresh()).status).toBe(200);
    expect((await other.refresh()).status).toBe(401);
    await stand.signIn({ email, password: 'staple of the horse' });
    expect((await stand.client().post('/auth/sign-in', { email, password })).status).toBe(401);
  });

  it('sets a first password within five minutes of the sign-in', async () => {
    const { id } = await stand.accounts.create({ email });
    const session = await stand.service.start(id, { amr: ['fed'] });
    const set = (json: object) =>
      stand.app.call('/auth/password/change', {
        method: 'POST',
        token: session.accessToken,
        headers: [['Content-Type', 'application/json']],
        body: JSON.stringify(json),
      });
    stand.clock.advanceSeconds(301);
    const late = await set({ password });
    expect([late.status, codeOf(late.json)]).toEqual([401, 'STEP_UP_REQUIRED']);
    expect(late.headers['www-authenticate']).toBe('Bearer error="insufficient_user_authentication", max_age="300"');
    stand.clock.advanceSeconds(-2);
    expect((await set({ password })).status).toBe(204);
    await stand.signIn();
  });

  it("changes and deletes one's own account", async () => {
    const { id } = await stand.accounts.create({ email, password });
    const client = await stand.signIn();
    const patched = await client.call('/auth/me', { method: 'PATCH', json: { name: 'Ada L.', pictureUrl: null } });
    expect(patched.json).toMatchObject({ user: { id, name: 'Ada L.', email } });
    const refused = await client.call('/auth/me', { method: 'PATCH', json: { email: 'x@example.com' } });
    expect(refused.status).toBe(400);
    stand.clock.advanceSeconds(301);
    expect(codeOf((await client.call('/auth/me', { method: 'DELETE' })).json)).toBe('STEP_UP_REQUIRED');
    const recent = await stand.signIn();
    expect((await recent.call('/auth/me', { method: 'DELETE' })).status).toBe(204);
    expect(await stand.accounts.find(id)).toBeNull();
    expect((await client.refresh()).status).toBe(401);
    expect((await recent.call('/me')).status).toBe(401);
    expect((await stand.client().post('/auth/sign-in', { email, password })).status).toBe(401);
  });

  it('lists identities, and keeps the last way to sign in', async () => {
    const { id } = await stand.accounts.create({ email });
    for (const provider of ['google', 'github']) await stand.accounts.linkIdentity(id, { provider, subject: '1' });
    const { accessToken: token } = await stand.service.start(id);
    const listed = await stand.app.call('/auth/identities', { token });
    expect(listed.json).toEqual({
      items: ['google', 'github'].map((provider) => ({
        provider,
        subject: '1',
        email: null,
        linkedAt: stand.clock.now().toISOString(),
      })),
      nextCursor: null,
    });
    const unlink = (provider: string) => stand.app.call(`/auth/identities/${provider}`, { token, method: 'DELETE' });
    expect((await unlink('google')).status).toBe(204);
    expect((await unlink('google')).status).toBe(404);
    const last = await unlink('github');
    expect([last.status, codeOf(last.json)]).toEqual([409, 'LAST_SIGN_IN_METHOD']);
    await stand.accounts.setPassword(id, password);
  });

  it('answers 404 where a feature is off', async () => {
    const off = await start(platform, { signUp: false, anonymous: false, password: false });
    for (const path of ['sign-up', 'sign-in', 'anonymous', 'password/change']) {
      const answer = await off.client().post(`/auth/${path}`, {});
      expect([path, answer.status, codeOf(answer.json)]).toEqual([path, 404, 'NOT_FOUND']);
    }
  });
});

describe('AccountService', () => {
  let stand: Stand;

  beforeEach(async () => {
    const [platform] = platforms;
    stand = await start(platform as Platform);
  });

  const errorOf = async (call: Promise<unknown>): Promise<AccountError> => {
    const error: unknown = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(AccountError);
    return error as AccountError;
  };

  it('patches custom data, 50 at once, by RFC 7396', async () => {
    const { id } = await stand.accounts.create({ customData: { a: { b: 1, c: 2 }, d: [1, 2], e: null } });
    const account = await stand.accounts.patchCustomData(id, { a: { b: null, f: { g: null, h: 1 } }, d: [3] });
    expect(account.customData).toEqual({ a: { c: 2, f: { h: 1 } }, d: [3], e: null });
    const patches = Array.from({ length: 50 }, (_, at) => stand.accounts.patchCustomData(id, { [`k${at}`]: at }));
    await Promise.all(patches);
    expect(Object.keys((await stand.accounts.find(id))?.customData ?? {})).toHaveLength(53);
    const own = JSON.parse('{"__proto__": {"admin": true}}') as object;
    const changed = await stand.accounts.patchCustomData(id, own as Record<string, unknown>);
    expect(Object.hasOwn(changed.customData, '__proto__')).toBe(true);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it.each([
    [{ big: 'x'.repeat(65_536) }],
    [{ date: new Date() }],
    [{ nothing: undefined }],
    [{ number: Number.NaN }],
    [['a list'] as unknown as Record<string, unknown>],
  ])('refuses custom data that is no JSON of 64 KiB (%#)', async (customData) => {
    expect((await errorOf(stand.accounts.create({ customData }))).fields).toMatchObject([{ path: 'customData' }]);
    const { id } = await stand.accounts.create({});
    expect((await errorOf(stand.accounts.patchCustomData(id, customData))).code).toBe('INVALID_INPUT');
    expect((await stand.accounts.find(id))?.customData).toEqual({});
  });

  it('counts a new address as not verified', async () => {
    const { id } = await stand.accounts.create({ email, emailVerified: true });
    expect((await stand.accounts.update(id, { email: 'Ada@example.com' })).emailVerified).toBe(true);
    expect((await stand.accounts.update(id, { email: 'other@example.com' })).emailVerified).toBe(false);
    const both = await stand.accounts.update(id, { email, emailVerified: true });
    expect(both.emailVerified).toBe(true);
    expect(await stand.accounts.update(id, { email: null })).toMatchObject({ email: null, emailVerified: false });
  });

  it('lists and searches in parts', async () => {
    for (const name of ['Ann', 'anna', 'Bob']) await stand.accounts.create({ name });
    const first = await stand.accounts.list({ search: 'AN', limit: 1 });
    expect(first.items.map(({ name }) => name)).toEqual(['anna']);
    const second = await stand.accounts.list({ search: 'AN', limit: 1, cursor: first.nextCursor ?? '' });
    expect(second.items.map(({ name }) => name)).toEqual(['Ann']);
    expect(second.nextCursor).toBeNull();
    expect((await errorOf(stand.accounts.list({ cursor: 'x' }))).fields).toMatchObject([{ path: 'cursor' }]);
    expect((await errorOf(stand.accounts.list({ limit: 201 }))).fields).toMatchObject([{ path: 'limit' }]);
    await stand.groups.create({ name: 'ä' });
    await stand.groups.create({ name: 'z' });
    const groups = await stand.groups.list({ limit: 1 });
    expect(groups.items.map(({ name }) => name)).toEqual(['z']);
    const rest = await stand.groups.list({ limit: 1, cursor: groups.nextCursor ?? '' });
    expect(rest.items.map(({ name }) => name)).toEqual(['ä']);
  });

  it('verifies passwords, and imported hashes, which are replaced by one of today', async () => {
    const { id } = await stand.accounts.create({
      email,
      // PBKDF2-SHA-256 of "correct horse battery" by node:crypto.
      passwordHash: pbkdf2Of(password),
    });
    expect(await stand.accounts.verifyPassword(email, 'wrong')).toBeNull();
    expect((await stand.accounts.verifyPassword(email, password))?.id).toBe(id);
    expect((await stand.accounts.verifyPassword('ADA@example.com', password))?.id).toBe(id);
    const wrong = await errorOf(stand.accounts.create({ passwordHash: 'md5:abc' }));
    expect(wrong.fields).toMatchObject([{ path: 'passwordHash' }]);
    expect((await errorOf(stand.accounts.create({ password, passwordHash: pbkdf2Of(password) }))).code).toBe(
      'INVALID_INPUT',
    );
    expect(wrong.message + wrong.explanation).not.toContain('abc');
  });

  it('names what is not there, or taken', async () => {
    const none = '01950000-0000-7000-8000-000000000001';
    for (const id of [none, 'none', '']) {
      for (const call of [
        stand.accounts.update(id, { name: 'x' }),
        stand.accounts.disable(id),
        stand.accounts.enable(id),
        stand.accounts.setPassword(id, password),
        stand.accounts.patchCustomData(id, {}),
        stand.accounts.linkIdentity(id, { provider: 'google', subject: '1' }),
        stand.accounts.unlinkIdentity(id, { provider: 'google', subject: '1' }),
      ]) {
        expect((await errorOf(call)).code).toBe('NOT_FOUND');
      }
      expect(await stand.accounts.find(id)).toBeNull();
      await stand.accounts.delete(id);
    }
    const [one, two] = [await stand.accounts.create({ email }), await stand.accounts.create({})];
    expect((await errorOf(stand.accounts.update(two.id, { email: 'ADA@example.com' }))).code).toBe('EMAIL_TAKEN');
    const identity = { provider: 'google', subject: '1' };
    await stand.accounts.linkIdentity(one.id, identity);
    await stand.accounts.linkIdentity(one.id, identity);
    expect((await errorOf(stand.accounts.linkIdentity(two.id, identity))).code).toBe('IDENTITY_TAKEN');
    expect((await stand.accounts.findByIdentity('google', '1'))?.id).toBe(one.id);
    await stand.groups.create({ name: 'staff' });
    expect((await errorOf(stand.groups.create({ name: 'staff' }))).code).toBe('GROUP_EXISTS');
    expect((await errorOf(stand.groups.addMember('none', one.id))).code).toBe('NOT_FOUND');
    expect((await errorOf(stand.groups.addMember('staff', 'none'))).code).toBe('NOT_FOUND');
    expect((await errorOf(stand.groups.create({} as { name: string }))).fields).toMatchObject([{ path: 'name' }]);
  });
});

function pbkdf2Of(text: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '').replaceAll('+', '.');
  return `$pbkdf2-sha256$29000$${base64(salt)}$${base64(pbkdf2Sync(text, salt, 29_000, 32, 'sha256'))}`;
}
