/** The accounts of people who sign in by a provider, over any store of accounts; without routes, and with sessions in memory. */
import { randomUUID } from 'node:crypto';
import { AccountAccess } from '../../src/accounts/account-access.js';
import type { AccountEvent } from '../../src/accounts/account.js';
import { AccountLogins } from '../../src/accounts/account-logins.js';
import { AccountMails } from '../../src/accounts/account-mails.js';
import { readAccountTerms, type SignUpHook } from '../../src/accounts/account-options.js';
import { AccountPasswords } from '../../src/accounts/account-passwords.js';
import { AccountRecords } from '../../src/accounts/account-records.js';
import { AccountSessions } from '../../src/accounts/account-sessions.js';
import { AccountSignIns } from '../../src/accounts/account-sign-ins.js';
import type { AccountStore, FoundAccount, StoredAccount, StoredIdentity } from '../../src/accounts/account-store.js';
import { AddressProofs } from '../../src/accounts/address-proofs.js';
import { AnswerPace } from '../../src/accounts/answer-pace.js';
import { GuessingLimits } from '../../src/accounts/guessing-limits.js';
import { MemoryAccountStore } from '../../src/accounts/memory-account-store.js';
import { withProfile } from '../../src/accounts/account-profile.js';
import { OneTimeCodes } from '../../src/accounts/one-time-codes.js';
import { Outbox } from '../../src/accounts/outbox.js';
import { PasswordHasher } from '../../src/accounts/password-hasher.js';
import { PasswordPolicy } from '../../src/accounts/password-policy.js';
import { SignUpHooks } from '../../src/accounts/sign-up-hooks.js';
import { SignUps } from '../../src/accounts/sign-ups.js';
import { RefusalError } from '../../src/errors/auth-error.js';
import { EncryptionKeys } from '../../src/issuing/encryption-keys.js';
import { MemoryAttemptStore } from '../../src/issuing/memory-attempt-store.js';
import { MemoryOneTimeCodeStore } from '../../src/issuing/memory-one-time-code-store.js';
import type { ExternalIdentity } from '../../src/login/external-identity.js';
import type { BeginSession, ConfirmedLogin } from '../../src/login/login-accounts.js';
import type { Session } from '../../src/sessions/session.js';
import { ManualClock } from './manual-clock.js';
import { ManualTimer } from './manual-timer.js';

export const owner = { provider: 'google', subject: 'g-1', email: 'ada@example.com', emailVerified: true } as const;

/** What is stored of a sign-up that nobody has confirmed. */
export const pendingSignUp = {
  browser: null,
  isRestart: false,
  pending: {
    ...{ passwordHash: 'a hash', username: 'mallory', name: 'Mallory', givenName: null, familyName: null },
    ...{ pictureUrl: null, customData: null, guestId: null },
  },
} as const;

/** A login of the owner of the address, whose provider vouches for it, unless something else is given. */
export function loginOf(
  identity: Partial<ExternalIdentity> = {},
  login: Partial<Omit<ConfirmedLogin, 'identity'>> = {},
): ConfirmedLogin {
  return {
    identity: { ...owner, name: null, givenName: null, familyName: null, pictureUrl: null, raw: {}, ...identity },
    vouchesForEmail: true,
    linkTo: null,
    guestId: null,
    network: '192.0.2.1',
    request: {},
    ...login,
  };
}

/** The sessions of users that have not ended. */
class LiveSessions {
  readonly users = new Map<string, string>();
  started = 0;

  readonly begin = (userId: string): Promise<Session> => {
    const id = randomUUID();
    this.users.set(id, userId);
    this.started += 1;
    const tokens = { accessToken: 'access', refreshToken: 'refresh', tokenType: 'Bearer' } as const;
    return Promise.resolve({ id, userId, expiresIn: 600, expiresAt: new Date(0), ...tokens });
  };

  readonly end = (id: string): Promise<void> => {
    this.users.delete(id);
    return Promise.resolve();
  };

  readonly endAll = (userId: string, exceptId?: string): Promise<void> => {
    for (const [id, user] of this.users) if (user === userId && id !== exceptId) this.users.delete(id);
    return Promise.resolve();
  };

  countOf(userId: string): number {
    return [...this.users.values()].filter((user) => user === userId).length;
  }
}

export interface LoginStandOptions {
  /** Those of the instances of the app, which share what is in them. */
  readonly stores?: readonly [AccountStore, ...AccountStore[]];
  readonly signUp?: 'verify-first' | 'at-once' | false;
  readonly beforeSignUp?: SignUpHook['beforeSignUp'];
}

export function openLoginStand({
  stores = [new MemoryAccountStore()],
  signUp = 'verify-first',
  beforeSignUp = () => undefined,
}: LoginStandOptions = {}) {
  const clock = new ManualClock();
  const sessions = new LiveSessions();
  const events: AccountEvent[] = [];
  /** The accounts whose API keys, codes and passkeys were ended. */
  const revoked: string[] = [];
  /** The accounts whose kept tokens were removed, with the provider where it is those of one alone. */
  const dropped: string[] = [];
  const encryptionKeys = EncryptionKeys.random();
  const attempts = new MemoryAttemptStore();
  const limits = new GuessingLimits({ store: attempts, encryptionKeys, clock });
  const codes = new OneTimeCodes({ store: new MemoryOneTimeCodeStore(), encryptionKeys, clock });
  const [findLimits, findCodes] = [() => limits, () => codes];

  const openInstance = (store: AccountStore) => {
    const records = new AccountRecords({ findStore: () => store, clock, emit: (event) => events.push(event) });
    const none = (): Promise<void> => Promise.resolve();
    const access = new AccountAccess({
      records,
      endSessions: sessions.endAll,
      endCodes: none,
      deleteEnded: none,
      removePasskeys: none,
      removeProviderTokens: (id, provider) => {
        dropped.push(provider === null ? id : `${id} ${provider}`);
        return Promise.resolve();
      },
      revokeKeys: (id) => {
        revoked.push(id);
        return Promise.resolve();
      },
    });
    const passwords = new AccountPasswords({
      records,
      hasher: new PasswordHasher(),
      policy: new PasswordPolicy(),
      waitsForVerification: true,
    });
    const sender = { send: () => Promise.resolve() };
    const createTimer = (): ManualTimer => new ManualTimer();
    const mails = new AccountMails(new Outbox({ findSender: () => sender, report: () => undefined, createTimer }), {});
    const signUps = new SignUps({ records, passwords, access, mails, findLimits, findCodes, pace: new AnswerPace() });
    const proofs = new AddressProofs({ records, access, signUps });
    const listPasskeys = (): Promise<readonly string[]> => Promise.resolve([]);
    const signIns = new AccountSignIns({ records, passwords, access, hasPasswords: true, listPasskeys });
    const accountSessions = new AccountSessions({
      gate: { findUserId: () => Promise.resolve(null) },
      sessions: {
        start: (subject) => sessions.begin(typeof subject === 'string' ? subject : subject.id),
        end: sessions.end,
        deliver: () => ({ user: {}, expires_in: 0, is_new_user: false }),
      },
      signIns,
      passwords,
      findLimits,
      findCodes,
    });
    const hooks = new SignUpHooks(() => ({ beforeSignUp }));
    const terms = readAccountTerms('AccountsModule.forRoot', { signUp });
    const logins = new AccountLogins({ terms, records, access, proofs, hooks, accountSessions });
    return { records, proofs, signIns, logins };
  };

  const instances = stores.map(openInstance);
  const [store] = stores;
  const [first] = instances as [ReturnType<typeof openInstance>];
  const { records, logins } = first;

  /** Makes an account that the app, or whoever it belongs to, has made before. */
  const create = async ({
    identity,
    ...more
  }: Partial<StoredAccount> & { readonly identity?: Partial<StoredIdentity> } = {}): Promise<FoundAccount> => {
    const { email = null, emailVerified = false, ...rest } = more;
    const account = { ...withProfile(records.newAccount(), { email, emailVerified }), ...rest };
    const linked = { provider: 'github', subject: 'h-1', email: null, linkedAt: clock.now(), ...identity };
    return (await records.createIf(account, identity === undefined ? undefined : linked)) as FoundAccount;
  };
  /** Signs in, and records what the session began with. */
  const begun: { readonly userId: string; readonly isNewUser: boolean }[] = [];
  const begin: BeginSession = (user, { isNewUser }) => {
    const userId = typeof user === 'string' ? user : user.id;
    begun.push({ userId, isNewUser });
    return sessions.begin(userId);
  };
  const signIn = (login: ConfirmedLogin = loginOf(), how: BeginSession = begin) => logins.signIn(login, how);
  const accounts = (): Promise<readonly FoundAccount[]> =>
    store.list({ group: null, search: null, afterId: null, limit: 200 });
  /** What accounts there are, and who can sign in to them by which identity. */
  const identitiesOf = async (id: string): Promise<readonly string[]> =>
    (await store.listIdentities(id)).map(({ provider, subject }) => `${provider} ${subject}`);
  return {
    ...{ clock, store, sessions, events, revoked, dropped, attempts, limits, instances, ...first },
    ...{ create, begin, begun, signIn, accounts, identitiesOf },
  };
}

export type LoginStand = ReturnType<typeof openLoginStand>;

/** What `SessionService.start` throws for a user who is disabled, or whom the app does not let in. */
export const revokedUser = (): RefusalError => RefusalError.session('revoked', 'The user must not sign in');
