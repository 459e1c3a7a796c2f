import { describe, expect, it } from 'vitest';
import { MemoryAccountStore } from '../../../src/accounts/memory-account-store.js';
import type { ConfirmedLogin } from '../../../src/login/login-accounts.js';
import { loginOf, type LoginStand, openLoginStand, owner, pendingSignUp } from '../../support/login-stand.js';
import { outcomeOf } from '../../support/outcome.js';
import { type WatchedAccountStore, watchAccountStore } from '../../support/watched-account-store.js';

const email = owner.email;
const google = `${owner.provider} ${owner.subject}`;
function openWatched(): LoginStand & { readonly watched: WatchedAccountStore } {
  const watched = watchAccountStore(new MemoryAccountStore());
  const beforeSignUp = () => ({ customData: { plan: 'free' } });
  return { ...openLoginStand({ stores: [watched.store], beforeSignUp }), watched };
}

describe('a guest who links an identity', () => {
  it.each([
    ['has the identity', { identity: owner }, 'IDENTITY_TAKEN'],
    ['has the address', { email, emailVerified: true }, 'EMAIL_TAKEN'],
    ['has the address, unverified, and a password', { email, credentials: { passwordHash: 'x' } }, 'EMAIL_TAKEN'],
  ] as const)('changes nothing where another account %s', async (_, more, code) => {
    const stand = openWatched();
    const other = await stand.create(more);
    const guest = await stand.create({ isAnonymous: true });
    await stand.sessions.begin(other.id);
    const login = loginOf({}, { linkTo: guest.id, guestId: guest.id });
    expect(await outcomeOf(() => stand.signIn(login))).toBe(code);
    expect(await stand.store.find(other.id)).toEqual(other);
    expect(await stand.store.find(guest.id)).toEqual(guest);
    expect([stand.begun, stand.sessions.countOf(other.id)]).toEqual([[], 1]);
  });

  it('becomes a user otherwise', async () => {
    const stand = openWatched();
    const { id } = await stand.create({ isAnonymous: true });
    expect((await stand.signIn(loginOf({}, { linkTo: id, guestId: id }))).userId).toBe(id);
    expect(stand.begun).toEqual([{ userId: id, isNewUser: true }]);
  });
});

describe('a guest who signs in by a provider', () => {
  it('keeps the account, and becomes a user', async () => {
    const stand = openWatched();
    const { id } = await stand.create({ isAnonymous: true, customData: { cart: [1] }, givenName: 'Adele' });
    await stand.sessions.begin(id);
    const login = loginOf({ name: 'Ada', givenName: 'Ada' }, { guestId: id });
    expect((await stand.signIn(login)).userId).toBe(id);
    expect(stand.begun).toEqual([{ userId: id, isNewUser: true }]);
    expect(await stand.accounts()).toMatchObject([
      {
        ...{ id, isAnonymous: false, email, emailVerified: true, name: 'Ada', givenName: 'Adele' },
        ...{ customData: { cart: [1], plan: 'free' }, credentials: {} },
      },
    ]);
    expect(await stand.identitiesOf(id)).toEqual([google]);
    expect(stand.sessions.countOf(id)).toBe(1);
    expect(stand.events.map(({ type }) => type)).toEqual(['account-created', 'account-upgraded', 'signed-in']);
  });

  it('has no address by a provider that does not vouch, and keeps the one that the app gave', async () => {
    for (const given of [null, email]) {
      const stand = openLoginStand();
      const { id } = await stand.create({ isAnonymous: true, email: given });
      expect((await stand.signIn(loginOf({}, { guestId: id, vouchesForEmail: false }))).userId).toBe(id);
      expect(await stand.store.find(id)).toMatchObject({ isAnonymous: false, email: given, emailVerified: false });
    }
  });

  it('verifies the address that the app gave, by a provider that vouches', async () => {
    const stand = openLoginStand();
    const { id } = await stand.create({ isAnonymous: true, email });
    await stand.signIn(loginOf({}, { guestId: id }));
    expect(await stand.accounts()).toMatchObject([{ id, isAnonymous: false, email, emailVerified: true }]);
  });

  it.each([
    ['has the identity', { identity: owner }],
    ['has the address', { email, emailVerified: true }],
    ['has the address, without having verified it', { email, credentials: { passwordHash: 'a hash' } }],
  ] as const)('stays a guest where an account %s', async (_, more) => {
    const stand = openLoginStand();
    const { id } = await stand.create(more);
    const guest = await stand.create({ isAnonymous: true });
    expect((await stand.signIn(loginOf({}, { guestId: guest.id }))).userId).toBe(id);
    expect(await stand.store.find(guest.id)).toEqual(guest);
    expect([await stand.identitiesOf(id), await stand.identitiesOf(guest.id)]).toEqual([[google], []]);
  });

  it('keeps the account where somebody has only signed up with the address: that sign-up gives way', async () => {
    const stand = openWatched();
    const keeper = await stand.create({ email, credentials: { signUp: pendingSignUp } });
    const { id } = await stand.create({ isAnonymous: true });
    expect((await stand.signIn(loginOf({}, { guestId: id }))).userId).toBe(id);
    expect(await stand.accounts()).toMatchObject([{ id, email, emailVerified: true, name: null }]);
    expect(stand.events).toContainEqual(expect.objectContaining({ type: 'account-deleted', accountId: keeper.id }));
  });

  it('takes the address from a guest whom the app gave it, and who has not verified it', async () => {
    const stand = openLoginStand();
    const other = await stand.create({ isAnonymous: true, email });
    const { userId } = await stand.signIn();
    expect(userId).not.toBe(other.id);
    expect(await stand.store.find(other.id)).toMatchObject({ email: null, isAnonymous: true });
  });

  it('is the guest whose address the app has verified', async () => {
    const stand = openLoginStand();
    const { id } = await stand.create({ isAnonymous: true, email, emailVerified: true });
    expect((await stand.signIn()).userId).toBe(id);
    expect(stand.begun).toEqual([{ userId: id, isNewUser: true }]);
    expect(await stand.accounts()).toMatchObject([{ id, isAnonymous: false, email, emailVerified: true }]);
  });

  it('gets a new account where the guest is gone, disabled, or a user by now', async () => {
    for (const more of [{ isAnonymous: true, status: 'disabled' }, {}] as const) {
      const stand = openLoginStand();
      const { id } = await stand.create(more);
      expect((await stand.signIn(loginOf({}, { guestId: id }))).userId).not.toBe(id);
      expect(await stand.identitiesOf(id)).toEqual([]);
    }
    const stand = openWatched();
    const { id } = await stand.create({ isAnonymous: true });
    stand.watched.once('before', 'addIdentity', () => stand.store.delete(id));
    expect((await stand.signIn(loginOf({}, { guestId: id }))).userId).not.toBe(id);
    expect(await stand.accounts()).toHaveLength(1);
  });

  it('is a user without the address where an account gets that at the same moment', async () => {
    const stand = openWatched();
    const { id } = await stand.create({ isAnonymous: true });
    stand.watched.once('after', 'addIdentity', () => stand.create({ email, emailVerified: true }));
    expect((await stand.signIn(loginOf({}, { guestId: id }))).userId).toBe(id);
    expect(await stand.store.find(id)).toMatchObject({ isAnonymous: false, email: null });
    expect(await stand.accounts()).toHaveLength(2);
  });

  it('is one user for 50 at once', async () => {
    const stand = openWatched();
    const { id } = await stand.create({ isAnonymous: true });
    const sessions = await Promise.all(Array.from({ length: 50 }, () => stand.signIn(loginOf({}, { guestId: id }))));
    expect(new Set(sessions.map(({ userId }) => userId))).toEqual(new Set([id]));
    expect(await stand.accounts()).toMatchObject([{ id, isAnonymous: false, email }]);
    expect(await stand.identitiesOf(id)).toEqual([google]);
    expect(stand.events.filter(({ type }) => type === 'account-upgraded')).toHaveLength(1);
  });

  it('whose account was disabled after the identity was added is refused', async () => {
    const stand = openLoginStand();
    await stand.create({ isAnonymous: true, status: 'disabled', identity: owner });
    expect(await outcomeOf(stand.signIn())).toBe('LOGIN_REFUSED');
  });
});

interface Story {
  readonly name: string;
  /** Makes what is there before, and gives the login. */
  readonly open: (stand: LoginStand) => Promise<ConfirmedLogin>;
}

const stories: readonly Story[] = [
  { name: 'of a new person', open: () => Promise.resolve(loginOf({ name: 'Ada' })) },
  {
    name: 'of a guest',
    open: async ({ create }) => loginOf({}, { guestId: (await create({ isAnonymous: true })).id }),
  },
  {
    name: 'of a guest beside a sign-up',
    open: async ({ create }) => {
      await create({ email, credentials: { signUp: pendingSignUp } });
      return loginOf({}, { guestId: (await create({ isAnonymous: true })).id });
    },
  },
  {
    name: 'that links',
    open: async ({ create }) => loginOf({}, { linkTo: (await create({ email: 'ada@work.example' })).id }),
  },
  {
    name: 'to an account with the address',
    open: async ({ create }) => {
      await create({ email, emailVerified: true, credentials: { passwordHash: 'a hash' } });
      return loginOf();
    },
  },
  {
    name: 'that takes an account over',
    open: async ({ create, sessions }) => {
      const { id } = await create({ email, identity: {}, credentials: { passwordHash: "a stranger's" } });
      await sessions.begin(id);
      return loginOf();
    },
  },
  {
    name: 'of somebody who has signed up',
    open: async ({ create }) => {
      await create({ email, credentials: { signUp: pendingSignUp } });
      return loginOf({ name: 'Ada' });
    },
  },
];

/** What is stored, without the ids and times of this run. */
async function stateOf({ accounts, identitiesOf }: LoginStand) {
  const found = [...(await accounts())].sort((one, other) => one.createdAt.getTime() - other.createdAt.getTime());
  const described = found.map(
    async ({ id, email: address, emailVerified, name, isAnonymous, customData, credentials }) => ({
      ...{ address, emailVerified, name, isAnonymous, customData, credentials },
      identities: await identitiesOf(id),
    }),
  );
  const state = await Promise.all(described);
  // Nobody can sign in to what may be left of a sign-up that has given way.
  return state.filter(
    ({ address, isAnonymous, identities }) => address !== null || isAnonymous || identities.length > 0,
  );
}

describe.each(stories)('where the store fails during a login $name', ({ name, open }) => {
  const run = async (failAt: WatchedAccountStore['failAt']) => {
    const stand = openWatched();
    const login = await open(stand);
    const before = await stateOf(stand);
    stand.watched.calls.length = 0;
    stand.watched.failAt = failAt;
    const outcome = await outcomeOf(stand.signIn(login));
    const count = stand.watched.calls.length;
    stand.watched.failAt = null;
    return { stand, login, before, outcome, count };
  };

  it.each(['before', 'after'] as const)(
    '%s it did something, another login ends as one without a failure',
    async (when) => {
      const { stand: expected, count } = await run(null);
      const whole = await stateOf(expected);
      const outcomes = new Set<string>();
      for (let call = 1; call <= count; call += 1) {
        const { stand, login, before, outcome } = await run({ call, when });
        outcomes.add(outcome);
        const between = await stateOf(stand);
        // No account is added without the identity, or keeps what a stranger has once it has the identity or is verified.
        const isProven = (account: (typeof whole)[0]) => account.emailVerified || account.identities.includes(google);
        const added = between.length > before.length ? between : [];
        expect(added.every(({ identities }) => identities.includes(google))).toBe(true);
        for (const account of between.filter(isProven))
          expect(JSON.stringify(account)).not.toMatch(/a stranger's|github/);
        await stand.signIn(login);
        expect({ call, state: await stateOf(stand) }).toEqual({ call, state: whole });
      }
      // That a sign-in was noted is not needed for it, and linking is none.
      expect(outcomes).toEqual(new Set(['SERVER_ERROR', ...(name === 'that links' ? [] : ['accepted'])]));
    },
  );
});
