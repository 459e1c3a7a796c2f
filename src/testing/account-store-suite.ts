import assert from 'node:assert/strict';

import type { AccountStore, FoundAccount, StoredAccount, StoredIdentity } from '../accounts/account-store.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedAccountStore {
  readonly store: AccountStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

export const createdAt = new Date('2030-01-01T00:00:00.123Z');
export const later = (seconds: number): Date => new Date(createdAt.getTime() + seconds * 1_000);
export const idOf = (number: number): string => `0195a000-0000-7000-8000-${String(number).padStart(12, '0')}`;
export const strange = `it's "ä" \\ 🔑\n%_\0\ud800`;

export function accountOf(number: number, parts: Partial<StoredAccount> = {}): StoredAccount {
  return {
    id: idOf(number),
    email: null,
    emailKey: null,
    emailVerified: false,
    username: null,
    usernameKey: null,
    name: null,
    nameKey: null,
    givenName: null,
    familyName: null,
    pictureUrl: null,
    status: 'enabled',
    isAnonymous: false,
    credentials: {},
    customData: {},
    createdAt,
    updatedAt: createdAt,
    lastSignInAt: null,
    ...parts,
  };
}

export const withEmail = (number: number, key: string): StoredAccount =>
  accountOf(number, { email: key, emailKey: key });

function identityOf(subject: string, parts: Partial<StoredIdentity> = {}): StoredIdentity {
  return { provider: 'corp', subject, email: null, linkedAt: createdAt, ...parts };
}

export async function assertStored(
  accounts: AccountStore,
  account: StoredAccount,
  groups: string[] = [],
): Promise<void> {
  assert.deepEqual(await accounts.find(account.id), { ...account, groups });
}

function takes(store: AccountStore, account: StoredAccount, identity?: StoredIdentity): Promise<string | null> {
  return store.create(account, identity);
}

/** Reads the whole list in parts of two. */
export async function listIds(
  accounts: AccountStore,
  search: string | null,
  group: string | null = null,
): Promise<string[]> {
  const listed: string[] = [];
  for (let afterId: string | null = null; ; ) {
    const part = await accounts.list({ group, search, afterId, limit: 2 });
    assert.ok(part.length <= 2);
    listed.push(...part.map(({ id }) => id));
    afterId = part.at(-1)?.id ?? null;
    if (afterId === null) return listed;
  }
}

const accountContract: Readonly<Record<string, (opened: OpenedAccountStore) => Promise<void>>> = {
  'gives an account back as it was created, with all that it can have': async ({ store: accounts }) => {
    const full = accountOf(1, {
      email: strange,
      emailKey: strange,
      emailVerified: true,
      username: strange,
      usernameKey: strange,
      name: strange,
      nameKey: strange,
      givenName: strange,
      familyName: strange,
      pictureUrl: strange,
      status: 'disabled',
      isAnonymous: true,
      credentials: { passwordHash: strange },
      customData: { b: [1, { [strange]: strange }], a: null, A: 1.5e300, '': true },
      updatedAt: later(1.001),
      lastSignInAt: later(2),
    });
    for (const account of [full, accountOf(2), accountOf(3)]) {
      assert.equal(await takes(accounts, account), null);
      await assertStored(accounts, account);
    }
    const { customData } = (await accounts.find(idOf(1))) as FoundAccount;
    assert.deepEqual(Object.keys(customData), ['b', 'a', 'A', ''], 'names keep their order');
  },
  'refuses what another account has, and keeps the first': async ({ store: accounts }) => {
    const first = accountOf(1, { email: 'A@x', emailKey: 'a@x', username: 'Al', usernameKey: 'al' });
    await accounts.create(first, identityOf('1'));
    assert.equal(await takes(accounts, withEmail(2, 'a@x')), 'email');
    assert.equal(await takes(accounts, accountOf(2, { usernameKey: 'al' })), 'username');
    assert.equal(await takes(accounts, accountOf(2), identityOf('1')), 'identity');
    await assert.rejects(takes(accounts, accountOf(1, { emailKey: 'other' })));
    assert.equal(await accounts.find(idOf(2)), null);
    await assertStored(accounts, first);
    // Exactly: other spellings are other addresses.
    assert.equal(await takes(accounts, withEmail(3, 'A@x')), null);
    assert.equal(await takes(accounts, accountOf(4), identityOf('1', { provider: 'CORP' })), null);
  },
  'makes one account of 50 at once': async ({ store: accounts }) => {
    const attempts = Array.from({ length: 50 }, (_, at) => takes(accounts, withEmail(at + 1, 'a@x'), identityOf('1')));
    const results = await Promise.all(attempts);
    assert.equal(results.filter((taken) => taken === null).length, 1);
    const [found, ...others] = await accounts.list({ group: null, search: null, afterId: null, limit: 10 });
    assert.equal(others.length, 0);
    assert.equal((await accounts.findByEmail('a@x'))?.id, found?.id);
    assert.equal((await accounts.findByIdentity('corp', '1'))?.id, found?.id);
  },
  'finds an account by what it is known by, and nothing under any other text': async ({ store: accounts }) => {
    const account = accountOf(1, { email: 'A@x', emailKey: 'a@x', username: 'Al', usernameKey: 'al' });
    await accounts.create(account, identityOf('1'));
    const found = { ...account, groups: [] };
    assert.deepEqual(await accounts.findByEmail('a@x'), found);
    assert.deepEqual(await accounts.findByUsername('al'), found);
    assert.deepEqual(await accounts.findByIdentity('corp', '1'), found);
    assert.deepEqual(await accounts.findMany([idOf(9), idOf(1), 'none']), [found]);
    assert.deepEqual(await accounts.findMany([]), []);
    for (const text of ['', 'A@x', 'Al', 'none', '%', 'a\0b', '\ud800', idOf(1).toUpperCase(), 'x'.repeat(5_000)]) {
      for (const call of [accounts.find(text), accounts.findByEmail(text), accounts.findByUsername(text)]) {
        assert.equal(await call, null);
      }
      assert.equal(await accounts.findByIdentity(text, '1'), null);
      assert.equal(await accounts.findByIdentity('corp', text), null);
      assert.equal(await accounts.change(text, (one) => one), null);
      assert.equal(await accounts.delete(text), false);
      assert.deepEqual(await accounts.listIdentities(text), []);
      assert.equal(await accounts.removeIdentity(text, 'corp', '1'), false);
      assert.equal(await accounts.addIdentity(text, identityOf('2')), 'account');
      await accounts.noteSignIn(text, later(1));
    }
    await assertStored(accounts, account);
  },
  'lists accounts, newest first, in parts, or by the beginning of a text': async ({ store: accounts }) => {
    const keys = [['anna@x'], [null, 'ann'], [null, null, 'ann lee'], ['bob@x', null, 'bob'], ['a_%b@x'], ['joann@x']];
    for (const [at, [emailKey = null, usernameKey = null, nameKey = null]] of keys.entries()) {
      await accounts.create(accountOf(at + 1, { emailKey, usernameKey, nameKey }));
    }
    assert.deepEqual(await listIds(accounts, null), [6, 5, 4, 3, 2, 1].map(idOf));
    assert.deepEqual(await listIds(accounts, 'ann'), [3, 2, 1].map(idOf));
    assert.deepEqual(await listIds(accounts, 'a_'), [idOf(5)]);
    assert.deepEqual(await listIds(accounts, 'anna@x'), [idOf(1)]);
    for (const search of ['%', '_', 'Ann', 'nn', '\\', '\0', '\ud800']) {
      assert.deepEqual(await listIds(accounts, search), []);
    }
    assert.deepEqual(await listIds(accounts, null, 'none'), []);
  },
  'changes an account in one step, 50 at once': async ({ store: accounts }) => {
    await accounts.create(accountOf(1, { customData: { count: 0 } }));
    await accounts.create(accountOf(2));
    const increment = (account: FoundAccount): StoredAccount => ({
      ...account,
      customData: { count: (account.customData['count'] as number) + 1 },
      updatedAt: later(5),
    });
    const changes = await Promise.all(Array.from({ length: 50 }, () => accounts.change(idOf(1), increment)));
    const counts = changes.map((changed) => (changed as FoundAccount).customData['count'] as number);
    assert.deepEqual(
      [...counts].sort((one, other) => one - other),
      Array.from({ length: 50 }, (_, at) => at + 1),
    );
    await assertStored(accounts, accountOf(1, { customData: { count: 50 }, updatedAt: later(5) }));
    await assertStored(accounts, accountOf(2));
  },
  'changes nothing where the decision throws, or another account has the value': async ({ store: accounts }) => {
    const first = accountOf(1, { emailKey: 'a@x', usernameKey: 'al' });
    await accounts.create(first);
    await accounts.create(accountOf(2, { emailKey: 'b@x' }));
    const reason = new RangeError('no');
    const refused = accounts.change(idOf(1), () => {
      throw reason;
    });
    await assert.rejects(refused, reason);
    const rename = (changes: Partial<StoredAccount>): Promise<unknown> =>
      accounts.change(idOf(2), (account) => ({ ...account, ...changes }));
    assert.equal(await rename({ emailKey: 'a@x', name: 'x' }), 'email');
    assert.equal(await rename({ usernameKey: 'al', name: 'x' }), 'username');
    await assertStored(accounts, accountOf(2, { emailKey: 'b@x' }));
    assert.deepEqual(await rename({ emailKey: 'c@x' }), { ...accountOf(2, { emailKey: 'c@x' }), groups: [] });
    assert.equal(await takes(accounts, withEmail(3, 'b@x')), null, 'the former address is free');
    await assertStored(accounts, first);
  },
  'notes the latest sign-in': async ({ store: accounts }) => {
    await accounts.create(accountOf(1));
    for (const seconds of [5.007, 4]) await accounts.noteSignIn(idOf(1), later(seconds));
    await assertStored(accounts, accountOf(1, { lastSignInAt: later(5.007) }));
  },
  'links identities once, and lists and removes those of the account': async ({ store: accounts }) => {
    for (const number of [1, 2]) await accounts.create(accountOf(number));
    const second = identityOf(strange, { provider: strange, email: strange, linkedAt: later(2.002) });
    const calls = [1, 2, 1, 2].map((number) => accounts.addIdentity(idOf(number), identityOf('1')));
    assert.equal((await Promise.all(calls)).filter((taken) => taken === null).length, 1);
    const owner = (await accounts.findByIdentity('corp', '1'))?.id ?? '';
    const other = owner === idOf(1) ? idOf(2) : idOf(1);
    assert.equal(await accounts.addIdentity(owner, second), null);
    assert.deepEqual(await accounts.listIdentities(owner), [identityOf('1'), second]);
    assert.deepEqual(await accounts.listIdentities(other), []);
    assert.equal(await accounts.removeIdentity(other, 'corp', '1'), false);
    assert.equal(await accounts.removeIdentity(owner, 'corp', '1'), true);
    assert.equal(await accounts.removeIdentity(owner, 'corp', '1'), false);
    assert.equal(await accounts.addIdentity(other, identityOf('1')), null);
  },
  'deletes an account with its identities, once': async ({ store: accounts }) => {
    for (const number of [1, 2]) await accounts.create(withEmail(number, `${number}@x`), identityOf(String(number)));
    const calls = Array.from({ length: 10 }, () => accounts.delete(idOf(1)));
    assert.equal((await Promise.all(calls)).filter((did) => did).length, 1);
    assert.equal(await accounts.find(idOf(1)), null);
    assert.equal(await accounts.findByIdentity('corp', '1'), null);
    assert.equal(await takes(accounts, withEmail(3, '1@x'), identityOf('1')), null);
    await assertStored(accounts, withEmail(2, '2@x'));
  },
  'keeps nothing that the caller goes on to change': async ({ store: accounts }) => {
    const tags = ['a'];
    await accounts.create(accountOf(1, { customData: { tags } }));
    tags.push('admin');
    const found = (await accounts.find(idOf(1))) as FoundAccount;
    (found.customData['tags'] as string[]).push('admin');
    await assertStored(accounts, accountOf(1, { customData: { tags: ['a'] } }));
  },
};

/**
 * Tests an `AccountStore` of your own against everything that `AccountsModule` relies on. Call it in a test file, with Vitest's
 * `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeAccountStore('our store', async () => {
 *   const store = await OurAccountStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeAccountStore(
  name: string,
  open: () => OpenedAccountStore | Promise<OpenedAccountStore>,
  runner: TestRunner = globalTestRunner('describeAccountStore'),
): void {
  defineTests<OpenedAccountStore>(`the AccountStore ${name}`, open, accountContract, runner);
}
