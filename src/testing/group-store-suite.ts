import assert from 'node:assert/strict';

import type { AccountStore } from '../accounts/account-store.js';
import type { GroupStore } from '../accounts/group-store.js';
import { accountOf, assertStored, createdAt, idOf, later, listIds, strange, withEmail } from './account-store-suite.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty, and the store of the accounts that its groups have as members. */
export interface OpenedGroupStore {
  readonly store: GroupStore;
  readonly accounts: AccountStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

async function addGroup(groups: GroupStore, name: string): Promise<void> {
  const isNew = await groups.create({ name, description: null, customData: {}, createdAt, updatedAt: createdAt });
  assert.equal(isNew, true);
}

const groupContract: Readonly<Record<string, (opened: OpenedGroupStore) => Promise<void>>> = {
  'gives a group back as it was created, and refuses a second of its name': async ({ store: groups }) => {
    const full = {
      name: strange,
      description: strange,
      customData: { b: strange, a: [null] },
      createdAt,
      updatedAt: later(1.001),
    };
    assert.equal(await groups.create(full), true);
    assert.equal(await groups.create({ ...full, description: 'thief' }), false);
    assert.deepEqual(await groups.find(strange), full);
    for (const name of ['', 'none', '%', 'a\0b']) {
      assert.equal(await groups.find(name), null);
      assert.equal(await groups.delete(name), false);
      assert.equal(await groups.change(name, (group) => group), null);
    }
  },
  'makes one group of 50 at once': async ({ store: groups }) => {
    const group = { name: 'staff', description: null, customData: {}, createdAt, updatedAt: createdAt };
    const results = await Promise.all(Array.from({ length: 50 }, () => groups.create(group)));
    assert.equal(results.filter((isNew) => isNew).length, 1);
  },
  'lists groups by name, in parts, all or those of an account': async ({ store: groups, accounts }) => {
    const names = ['B', 'a', 'b', 'ä', '🔑'];
    for (const name of ['b', '🔑', 'B', 'ä', 'a']) await addGroup(groups, name);
    await accounts.create(accountOf(1));
    for (const name of ['b', 'B', '🔑']) await groups.addMember(name, idOf(1));
    const list = async (accountId: string | null): Promise<string[]> => {
      const listed: string[] = [];
      for (let afterName: string | null = null; ; ) {
        const part = await groups.list({ accountId, afterName, limit: 2 });
        listed.push(...part.map(({ name }) => name));
        afterName = part.at(-1)?.name ?? null;
        if (afterName === null) return listed;
      }
    };
    assert.deepEqual(await list(null), names);
    assert.deepEqual(await list(idOf(1)), ['B', 'b', '🔑']);
    assert.deepEqual((await accounts.find(idOf(1)))?.groups, ['B', 'b', '🔑']);
    for (const id of ['', 'none', idOf(2)]) assert.deepEqual(await list(id), []);
  },
  'lists the members of a group, newest first, in parts, or by the beginning of a text': async ({
    store: groups,
    accounts,
  }) => {
    for (const name of [strange, 'other']) await addGroup(groups, name);
    for (const number of [1, 2, 3, 4]) {
      await accounts.create(withEmail(number, `${number % 2 === 0 ? 'a' : 'b'}${number}@x`));
      if (number < 4) await groups.addMember(strange, idOf(number));
    }
    assert.deepEqual(await listIds(accounts, null, strange), [3, 2, 1].map(idOf));
    assert.deepEqual(await listIds(accounts, 'b', strange), [3, 1].map(idOf));
    for (const group of ['other', '', 'none', '%']) assert.deepEqual(await listIds(accounts, null, group), []);
    const [listed] = await accounts.list({ group: strange, search: 'a', afterId: null, limit: 9 });
    assert.deepEqual(listed?.groups, [strange]);
    await accounts.delete(idOf(2));
    assert.deepEqual(await listIds(accounts, null, strange), [3, 1].map(idOf));
  },
  'changes a group, whose members stay': async ({ store: groups, accounts }) => {
    for (const name of ['staff', 'other']) await addGroup(groups, name);
    await accounts.create(accountOf(1));
    await groups.addMember('staff', idOf(1));
    assert.equal(await groups.change('staff', (group) => ({ ...group, name: 'other' })), 'name');
    const renamed = await groups.change('staff', (group) => ({ ...group, name: 'crew', description: 'x' }));
    assert.deepEqual(renamed, {
      name: 'crew',
      description: 'x',
      customData: {},
      createdAt,
      updatedAt: createdAt,
    });
    assert.deepEqual(await groups.find('crew'), renamed);
    assert.equal(await groups.find('staff'), null);
    assert.deepEqual((await accounts.find(idOf(1)))?.groups, ['crew']);
    const increment = { count: 0 };
    await groups.change('crew', (group) => ({ ...group, customData: increment }));
    const changes = Array.from({ length: 20 }, () =>
      groups.change('crew', (group) => ({
        ...group,
        customData: { count: (group.customData['count'] as number) + 1 },
      })),
    );
    await Promise.all(changes);
    assert.deepEqual((await groups.find('crew'))?.customData, { count: 20 });
  },
  'adds and removes members, and says what there is not': async ({ store: groups, accounts }) => {
    await addGroup(groups, 'staff');
    for (const number of [1, 2]) await accounts.create(accountOf(number));
    const calls = Array.from({ length: 10 }, () => groups.addMember('staff', idOf(1)));
    assert.deepEqual([...new Set(await Promise.all(calls))], [null]);
    assert.equal(await groups.addMember('none', idOf(1)), 'group');
    for (const id of ['', 'none', idOf(3)]) assert.equal(await groups.addMember('staff', id), 'account');
    assert.deepEqual((await accounts.find(idOf(1)))?.groups, ['staff']);
    assert.deepEqual((await accounts.find(idOf(2)))?.groups, []);
    assert.equal(await groups.removeMember('staff', idOf(2)), false);
    assert.equal(await groups.removeMember('none', idOf(1)), false);
    assert.equal(await groups.removeMember('staff', 'none'), false);
    assert.equal(await groups.removeMember('staff', idOf(1)), true);
    assert.deepEqual((await accounts.find(idOf(1)))?.groups, []);
  },
  'deletes a group, and no account with it': async ({ store: groups, accounts }) => {
    await addGroup(groups, 'staff');
    await accounts.create(accountOf(1));
    await groups.addMember('staff', idOf(1));
    assert.equal(await groups.delete('staff'), true);
    assert.equal(await groups.delete('staff'), false);
    await assertStored(accounts, accountOf(1));
    await addGroup(groups, 'staff');
    assert.deepEqual((await accounts.find(idOf(1)))?.groups, [], 'a new group has no members');
  },
};

/**
 * Tests a `GroupStore` of your own, as `describeAccountStore` tests the `AccountStore` that it belongs to.
 *
 * @param open makes empty stores for each test, which belong to each other
 */
export function describeGroupStore(
  name: string,
  open: () => OpenedGroupStore | Promise<OpenedGroupStore>,
  runner: TestRunner = globalTestRunner('describeGroupStore'),
): void {
  defineTests<OpenedGroupStore>(`the GroupStore ${name}`, open, groupContract, runner);
}
