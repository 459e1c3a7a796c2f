/** The services of accounts and groups. */
import { pbkdf2Sync } from 'node:crypto';
import { AccountError } from 'nest-gatehouse/accounts';
import { ApiKeyService, apiKeys, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { ownTokens } from 'nest-gatehouse/sessions';
import { ProviderTokenStore } from 'nest-gatehouse/sql';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Platform, platforms } from '../support/app.js';
import { type AccountApp, email, password, startAccountApp } from '../support/account-app.js';

describe('AccountService', () => {
  let stand: AccountApp;

  beforeEach(async () => {
    const [platform] = platforms;
    stand = await startAccountApp(platform as Platform);
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

  it('compares addresses and names by keys that are keys of themselves', async () => {
    const [combining, composed] = ['J\u030Cohn', '\u01F0ohn'];
    await stand.accounts.create({ username: combining });
    expect((await errorOf(stand.accounts.create({ username: composed }))).code).toBe('USERNAME_TAKEN');
    await stand.accounts.create({ email: 'ΝΙΚΟΣ.ΠΑΠΑΣ@example.com' });
    expect(await stand.accounts.findByEmail('νικος.παπας@example.com')).not.toBeNull();
    for (const wrong of ['x@evil＠example.com', 'a\u200Bda@example.com', '@example.com', 'ada@', 'ada@-x.com']) {
      expect((await errorOf(stand.accounts.create({ email: wrong }))).fields).toMatchObject([{ path: 'email' }]);
    }
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
    const kept = stand.app.nest.get<ProviderTokenStore>(ProviderTokenStore);
    await kept.save(one.id, 'google', Buffer.alloc(9), stand.clock.now());
    expect((await errorOf(stand.accounts.unlinkIdentity(one.id, { ...identity, subject: '2' }))).code).toBe(
      'NOT_FOUND',
    );
    expect(await kept.find(one.id, 'google')).not.toBeNull();
    await stand.accounts.unlinkIdentity(one.id, identity);
    expect(await kept.find(one.id, 'google')).toBeNull();
    expect((await errorOf(stand.accounts.unlinkIdentity(one.id, identity))).code).toBe('NOT_FOUND');
    await stand.groups.create({ name: 'staff' });
    expect((await errorOf(stand.groups.create({ name: 'staff' }))).code).toBe('GROUP_EXISTS');
    expect((await errorOf(stand.groups.addMember('none', one.id))).code).toBe('NOT_FOUND');
    expect((await errorOf(stand.groups.addMember('staff', 'none'))).code).toBe('NOT_FOUND');
    expect((await errorOf(stand.groups.create({} as { name: string }))).fields).toMatchObject([{ path: 'name' }]);
  });
});

describe('users with an account', () => {
  const [platform] = platforms as readonly [Platform];

  it('have what findSubject of SessionsModule adds, as long as their account is enabled', async () => {
    const added = new Map<string, object | null>();
    const findSubject = (id: string) => {
      const more = added.get(id);
      return more === null ? null : { id, ...more };
    };
    const stand = await startAccountApp(platform, {}, { sessions: { findSubject } });
    const { id } = await stand.accounts.create({ email, emailVerified: true, password });
    await stand.groups.create({ name: 'staff' });
    await stand.groups.addMember('staff', id);
    added.set(id, { roles: ['editor'], name: 'Ada' });
    const client = await stand.signIn();
    const me = async () => (await client.call('/auth/me')).json;
    expect(await me()).toMatchObject({ user: { name: 'Ada', email, emailVerified: true, roles: ['staff', 'editor'] } });
    added.set(id, { email: 'other@example.com' });
    expect(await me()).toMatchObject({ user: { email: 'other@example.com', emailVerified: null } });
    added.set(id, null);
    expect(await me()).toMatchObject({ code: 'INVALID_TOKEN', reason: 'revoked' });
  });

  it('use their API keys until their account is disabled or deleted', async () => {
    const keys = ApiKeysModule.forRoot({ prefix: 'acme', cacheSeconds: 0 });
    const auth = { issuers: [ownTokens(), apiKeys()] };
    const stand = await startAccountApp(platform, {}, { imports: [keys], auth });
    const { id } = await stand.accounts.create({ email });
    const { text: token, id: keyId } = await stand.app.nest.get(ApiKeyService).create({ userId: id });
    const call = async () => (await stand.app.call('/me', { token })).json;
    expect(await call()).toMatchObject({ id });
    await stand.accounts.disable(id);
    expect(await call()).toMatchObject({ code: 'INVALID_TOKEN', reason: 'revoked' });
    await stand.accounts.enable(id);
    expect(await call()).toMatchObject({ id });
    await stand.accounts.delete(id);
    expect(await call()).toMatchObject({ code: 'INVALID_TOKEN' });
    expect(await stand.app.nest.get(ApiKeyService).find(keyId)).toBeNull();
  });
});

function pbkdf2Of(text: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '').replaceAll('+', '.');
  return `$pbkdf2-sha256$29000$${base64(salt)}$${base64(pbkdf2Sync(text, salt, 29_000, 32, 'sha256'))}`;
}
