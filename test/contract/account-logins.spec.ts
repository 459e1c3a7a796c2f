/** Logins by a provider on two instances of an app, which share a database. */
import { afterEach, expect } from 'vitest';
import type { StoredAccount } from '../../src/accounts/account-store.js';
import type { ConfirmedLogin } from '../../src/login/login-accounts.js';
import { postgres } from '../../src/sql/postgres.js';
import { SqlAccountStore } from '../../src/sql/sql-account-store.js';
import type { StoreDatabase } from '../../src/sql/store-database.js';
import type { TestRunner } from '../../src/testing/test-globals.js';
import { loginOf, type LoginStand, type LoginStandOptions, openLoginStand, owner } from '../support/login-stand.js';
import { pendingSignUp } from '../support/login-stand.js';
import { outcomeOf } from '../support/outcome.js';
import { postgresUrl } from '../support/postgres.js';
import { createDatabase, openEmbedded, openPostgres } from '../support/store-database.js';
import { describe, it, onPostgres } from '../support/store-runner.js';

const email = owner.email;
const google = `${owner.provider} ${owner.subject}`;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Databases = readonly [StoreDatabase, StoreDatabase];

const openEmbeddedTwice = async (): Promise<Databases> => {
  const { database } = await openEmbedded();
  return [database, database];
};

const openPostgresTwice = async (): Promise<Databases> => {
  const { schema, close } = await openPostgres();
  cleanups.push(close);
  const open = (): StoreDatabase => {
    const { database } = createDatabase(postgres(postgresUrl, { maxConnections: 5 }), { schema });
    cleanups.push(() => database.close());
    return database;
  };
  return [open(), open()];
};

interface Instances extends LoginStand {
  /** Signs in so many times at once, each second time on the other instance. @returns how often each outcome came */
  readonly outcomesOf: (times: number, loginAt: (at: number) => ConfirmedLogin) => Promise<Record<string, number>>;
  readonly rows: () => Promise<{ readonly accounts: number; readonly identities: readonly string[] }>;
}

async function openInstances(open: () => Promise<Databases>, options: LoginStandOptions = {}): Promise<Instances> {
  const databases = await open();
  const [one, other] = databases;
  const stand = openLoginStand({ ...options, stores: [new SqlAccountStore(one), new SqlAccountStore(other)] });
  return {
    ...stand,
    outcomesOf: async (times, loginAt) => {
      const calls = Array.from({ length: times }, async (_, at) =>
        outcomeOf(stand.instances[at % 2]?.logins.signIn(loginAt(at), stand.begin) ?? Promise.reject(new Error())),
      );
      const outcomes = await Promise.all(calls);
      const countOf = (text: string): number => outcomes.filter((outcome) => outcome === text).length;
      return Object.fromEntries([...new Set(outcomes)].sort().map((text) => [text, countOf(text)]));
    },
    rows: async () => {
      const accounts = await one.query(`select id from ${one.qualifier}accounts`);
      const identities = await one.query(`select provider, subject from ${one.qualifier}identities order by 1, 2`);
      const names = identities.map(({ provider, subject }) => `${String(provider)} ${String(subject)}`);
      return { accounts: accounts.length, identities: names };
    },
  };
}

function describeLogins(name: string, open: () => Promise<Databases>, runner: TestRunner): void {
  runner.describe(`on two instances with ${name}`, () => {
    runner.it('50 logins of a new person make one account, with an address or without', async () => {
      for (const vouchesForEmail of [true, false]) {
        const { outcomesOf, rows, begun, sessions, accounts } = await openInstances(open);
        expect(await outcomesOf(50, () => loginOf({}, { vouchesForEmail }))).toEqual({ accepted: 50 });
        expect(await rows()).toEqual({ accounts: 1, identities: [google] });
        expect(await accounts()).toMatchObject([{ email: vouchesForEmail ? email : null }]);
        expect(begun.filter(({ isNewUser }) => isNewUser)).toHaveLength(1);
        expect(sessions.users.size).toBe(50);
      }
    });

    runner.it('50 logins of a person by two providers that vouch make one account with two identities', async () => {
      const { outcomesOf, rows } = await openInstances(open);
      const login = (at: number) => loginOf({ provider: at % 4 < 2 ? 'github' : 'google' });
      expect(await outcomesOf(50, login)).toEqual({ accepted: 50 });
      expect(await rows()).toEqual({ accounts: 1, identities: ['github g-1', 'google g-1'] });
    });

    runner.it(
      '50 logins of different people with one address that nobody vouches for make one account each',
      async () => {
        const { outcomesOf, rows } = await openInstances(open);
        const login = (at: number) => loginOf({ subject: `g-${at}`, emailVerified: false });
        expect(await outcomesOf(50, login)).toEqual({ accepted: 50 });
        expect((await rows()).accounts).toBe(50);
      },
    );

    runner.it('50 logins link the identity to the account with the address once', async () => {
      const { create, outcomesOf, rows, sessions } = await openInstances(open);
      const { id } = await create({ email, emailVerified: true, credentials: { passwordHash: 'a hash' } });
      expect(await outcomesOf(50, () => loginOf())).toEqual({ accepted: 50 });
      expect(await rows()).toEqual({ accounts: 1, identities: [google] });
      expect(sessions.countOf(id)).toBe(50);
    });

    runner.it('50 logins take over an account whose address was never verified once', async () => {
      const stranger: Partial<StoredAccount> = { credentials: { passwordHash: "a stranger's" } };
      for (const more of [stranger, { credentials: { signUp: pendingSignUp } }]) {
        const { create, outcomesOf, rows, sessions, store, events } = await openInstances(open);
        const { id } = await create({ email, identity: { subject: 'mallory' }, ...more });
        const strangers = await sessions.begin(id);
        expect(await outcomesOf(50, () => loginOf())).toEqual({ accepted: 50 });
        expect(await rows()).toEqual({ accounts: 1, identities: [google] });
        expect(await store.find(id)).toMatchObject({ emailVerified: true, credentials: {} });
        expect(events.filter(({ type }) => type === 'account-verified')).toHaveLength(1);
        expect(sessions.users.has(strangers.id)).toBe(false);
        // Whichever of them was the last to end what was there before has begun its session after that.
        expect(sessions.countOf(id)).toBeGreaterThan(0);
      }
    });

    runner.it('50 logins of a guest upgrade the guest once, beside a sign-up with the address too', async () => {
      for (const hasSignUp of [false, true]) {
        const { create, outcomesOf, rows, accounts, events } = await openInstances(open);
        if (hasSignUp) await create({ email, credentials: { signUp: pendingSignUp } });
        const { id } = await create({ isAnonymous: true });
        expect(await outcomesOf(50, () => loginOf({}, { guestId: id }))).toEqual({ accepted: 50 });
        expect(await rows()).toEqual({ accounts: 1, identities: [google] });
        expect(await accounts()).toMatchObject([{ id, isAnonymous: false, email, emailVerified: true }]);
        expect(events.filter(({ type }) => type === 'account-upgraded')).toHaveLength(1);
      }
    });

    runner.it('50 links of one identity to two accounts link it to one of them', async () => {
      const { create, outcomesOf, rows } = await openInstances(open);
      const ids = [(await create()).id, (await create()).id] as const;
      const login = (at: number) => loginOf({}, { linkTo: at % 4 < 2 ? ids[0] : ids[1] });
      const { accepted = 0, IDENTITY_TAKEN: taken = 0, ...others } = await outcomesOf(48, login);
      expect({ accepted, taken, others }).toEqual({ accepted: 24, taken: 24, others: {} });
      expect(await rows()).toEqual({ accounts: 2, identities: [google] });
    });

    runner.it('a link and a login of one identity at once end as one after the other', async () => {
      const { create, outcomesOf, rows, store } = await openInstances(open);
      const { id } = await create();
      const login = (at: number) => loginOf({}, { linkTo: at % 4 < 2 ? id : null });
      const { accepted = 0, IDENTITY_TAKEN: taken = 0, ...others } = await outcomesOf(48, login);
      expect(others).toEqual({});
      const isLinked = (await store.findByIdentity(owner.provider, owner.subject))?.id === id;
      expect({ accepted, taken }).toEqual(isLinked ? { accepted: 48, taken: 0 } : { accepted: 24, taken: 24 });
      expect(await rows()).toEqual({ accounts: isLinked ? 1 : 2, identities: [google] });
    });

    runner.it('logins and an account that the app makes with the address at once leave one account of it', async () => {
      const { create, outcomesOf, rows, accounts, records } = await openInstances(open);
      const made = create({ email, emailVerified: true }).catch(() => null);
      expect(await outcomesOf(20, () => loginOf())).toEqual({ accepted: 20 });
      await made;
      expect(await rows()).toEqual({ accounts: 1, identities: [google] });
      expect((await records.findByEmail(email))?.id).toBe((await accounts())[0]?.id);
    });
  });
}

describeLogins('PGlite', openEmbeddedTwice, { describe, it });
describeLogins('PostgreSQL', openPostgresTwice, onPostgres);
