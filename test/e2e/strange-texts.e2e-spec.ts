/** Texts that an app passes on from requests: none of them makes the database fail, and none names another user. */
import { isAuthError, RevocationService } from 'nest-gatehouse';
import { ApiKeyService } from 'nest-gatehouse/api-keys';
import { memoryStores } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect } from 'vitest';
import { type AppParts, platforms } from '../support/app.js';
import { type KeyStoreApp, startKeyStoreApp } from '../support/key-store-app.js';
import { publicUrl } from '../support/session-app.js';
import { SharedDatabase } from '../support/session-instances.js';
import { SessionService } from 'nest-gatehouse/sessions';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;
const [platform] = platforms;

const texts = [
  '',
  '\0',
  'a\0b',
  '\uD800',
  'a\uDC00',
  '\uDC00\uD800',
  '\uFFFD',
  '\\u0000',
  "'; drop table sessions; --",
  '%00',
  '__proto__',
  'x'.repeat(100_000),
  '\u202E',
  '🐈'.repeat(300),
];

const notTexts: readonly unknown[] = [
  null,
  7,
  Number.NaN,
  true,
  {},
  [],
  ['pwd'],
  { toString: () => 'pwd' },
  new Date(Number.NaN),
];

/** The code of the error, or what the call gave. */
async function outcomeOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return isAuthError(error) ? error.code : error;
  }
}

const stores: readonly (readonly [string, () => NonNullable<AppParts['imports']>])[] = [
  ['PostgreSQL', () => new SharedDatabase().stores()],
  ['memory', () => [memoryStores()]],
];

describe.each(stores)('with stores in %s', (_, createStores) => {
  let story: KeyStoreApp;
  let sessions: SessionService;
  let keys: ApiKeyService;

  beforeAll(async () => {
    if (platform === undefined) throw new Error('There is no platform');
    story = await startKeyStoreApp(platform, { stores: createStores() });
    sessions = story.app.nest.get(SessionService);
    keys = story.app.nest.get(ApiKeyService);
  });

  it('amr, remember and isNewUser of a sign-in are accepted or refused by name', async () => {
    const isMethod = (text: string): boolean => text !== '' && text.length <= 64 && !/[\0\p{Cs}]/u.test(text);
    for (const text of texts) {
      const started = outcomeOf(() => sessions.start('alice', { amr: ['pwd', text] }));
      if (isMethod(text)) expect(await started).toMatchObject({ userId: 'alice' });
      else expect(await started, JSON.stringify(text.slice(0, 20))).toBe('INVALID_INPUT');
    }
    expect(await outcomeOf(() => sessions.start('alice', { amr: Array.from({ length: 21 }, () => 'pwd') }))).toBe(
      'INVALID_INPUT',
    );
    for (const value of notTexts.filter((one) => !Array.isArray(one))) {
      for (const options of [
        { amr: value },
        { amr: [value] },
        ...(value === true ? [] : [{ remember: value }, { isNewUser: value }]),
      ]) {
        await expect(sessions.start('alice', options as object)).rejects.toMatchObject({
          code: 'INVALID_INPUT',
          fields: [{ path: Object.keys(options)[0] }],
        });
      }
    }
  });

  it('user agents and addresses are cut to Unicode text', async () => {
    await sessions.endAll('alice');
    for (const text of [...texts, `${'x'.repeat(511)}🐈`]) {
      await sessions.start('alice', { userAgent: text, ipAddress: text });
    }
    for (const value of notTexts)
      await sessions.start('alice', { userAgent: value as string, ipAddress: value as string });
    const { items } = await sessions.list('alice');
    expect(items).toHaveLength(texts.length + 1 + notTexts.length);
    for (const { userAgent, ipAddress } of items) {
      expect(`${userAgent}${ipAddress}`).not.toMatch(/[\0\p{Cs}]/u);
      expect([userAgent?.length ?? 0, ipAddress?.length ?? 0]).toEqual([
        expect.toSatisfy((n: number) => n <= 512),
        expect.toSatisfy((n: number) => n <= 64),
      ]);
    }
  });

  it('ids of users, sessions and cursors find nothing, and are never an outage', async () => {
    for (const text of texts) {
      expect(await outcomeOf(() => sessions.list(text))).toEqual({ items: [], nextCursor: null });
      expect(await outcomeOf(() => sessions.endAll(text))).toBeUndefined();
      expect(await outcomeOf(() => sessions.endAll('nobody', { except: text }))).toBeUndefined();
      expect(await outcomeOf(() => sessions.end(text))).toBeUndefined();
      expect(await outcomeOf(() => sessions.list('alice', { cursor: text }))).toBe('INVALID_INPUT');
      expect(await outcomeOf(() => sessions.start(text))).toBe('INVALID_TOKEN');
      expect(await outcomeOf(() => sessions.refresh(text))).toBe('INVALID_TOKEN');
    }
  });

  it('ids in paths and queries are answered with 400 or 404', async () => {
    const { accessToken: token } = await sessions.start('alice');
    for (const text of ['%00', 'a%00b', '%ED%A0%80', '%EF%BF%BD', '%F0%9F%90%88', 'x'.repeat(5_000)]) {
      const ended = await story.app.call(`/auth/sessions/${text}`, { method: 'DELETE', token });
      expect([400, 404]).toContain(ended.status);
      for (const name of ['cursor', 'limit']) {
        expect((await story.app.call(`/auth/sessions?${name}=${text}`, { token })).status).toBe(400);
      }
    }
  });

  it('names, scopes and roles of API keys are accepted or refused by name', async () => {
    const isEntry = (text: string, longest = 200): boolean =>
      text !== '' && text.length <= longest && !/[\0\p{Cs}]/u.test(text);
    for (const text of texts) {
      const expected = isEntry(text)
        ? (expect.objectContaining({ id: expect.any(String) as string }) as object)
        : 'INVALID_INPUT';
      expect(await outcomeOf(() => keys.create({ userId: 'alice', name: text }))).toEqual(expected);
      expect(await outcomeOf(() => keys.create({ userId: 'alice', roles: [text] }))).toEqual(expected);
      const isScope = /^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/.test(text);
      expect(await outcomeOf(() => keys.create({ userId: 'alice', scopes: [text] }))).toEqual(
        isScope ? expected : 'INVALID_INPUT',
      );
      expect(await outcomeOf(() => keys.create({ userId: text }))).toEqual(
        isEntry(text, 255) ? (expect.anything() as object) : 'INVALID_INPUT',
      );
      expect(await outcomeOf(() => keys.update(text, { name: 'x' }))).toBe('NOT_FOUND');
      expect(await outcomeOf(() => keys.rotate(text))).toBe('NOT_FOUND');
      expect(await outcomeOf(() => keys.revoke(text))).toBeUndefined();
      expect(await outcomeOf(() => keys.find(text))).toBeNull();
      expect(await outcomeOf(() => keys.list('alice', { cursor: `7.${text}` }))).toBe('INVALID_INPUT');
    }
    for (const text of texts.filter((each) => !isEntry(each, 255))) {
      expect(await outcomeOf(() => keys.list(text))).toEqual({ items: [], nextCursor: null });
      expect(await outcomeOf(() => keys.revokeAll(text))).toBe(0);
    }
    for (const value of notTexts) {
      for (const member of ['name', 'scopes', 'roles', 'userId', 'expiresAt'] as const) {
        const outcome = await outcomeOf(() => keys.create({ userId: 'alice', [member]: value }));
        if (outcome !== 'INVALID_INPUT')
          expect(outcome, `${member} ${JSON.stringify(value)}`).toMatchObject({ key: { userId: 'alice' } });
      }
      expect(await outcomeOf(() => keys.list(value as string))).toBe('INVALID_INPUT');
      expect(await outcomeOf(() => keys.revokeAll(value as string))).toBe('INVALID_INPUT');
    }
  });

  it('ids of tokens can be revoked', async () => {
    const revocation = story.app.nest.get(RevocationService);
    for (const id of texts.filter((text) => text !== '')) {
      await revocation.revokeToken({ issuer: publicUrl, id, expiresAt: new Date(Date.now() + 60_000) });
      await revocation.revokeUser({ issuer: publicUrl, userId: `nobody ${id}` });
    }
  });
});
