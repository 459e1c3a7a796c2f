import { type Clock, readMilliseconds } from '../clock/clock.js';
import { isAuthError } from '../errors/auth-error.js';
import { createUuidV7 } from '../issuing/uuid-v7.js';
import { AccountError } from './account-error.js';
import type { AccountEvent } from './account.js';
import { checkInput } from './account-input.js';
import type { AccountPasswords } from './account-passwords.js';
import { createStoredAccount, profileRules, takenError, withProfile } from './account-profile.js';
import type { AccountStore, FoundAccount, StoredAccount } from './account-store.js';
import type { NewAccount } from './account.service.js';
import { askStore } from './ask-store.js';

export interface AccountSignInsParts {
  readonly findStore: () => AccountStore;
  readonly passwords: AccountPasswords;
  readonly clock: Clock;
  /** Whether people sign in with passwords. */
  readonly hasPasswords: boolean;
  /** Ends the sessions of an account, except one. */
  readonly endSessions: (accountId: string, exceptId?: string) => Promise<void>;
  /** Never throws. */
  readonly emit: (event: AccountEvent) => void;
}

/** What signing in and signing up do to accounts. */
export class AccountSignIns {
  constructor(private readonly parts: AccountSignInsParts) {}

  /** Makes an account of a guest. */
  async createGuest(): Promise<StoredAccount> {
    const at = this.now();
    const guest = { ...createStoredAccount(createUuidV7(at.getTime()), at), isAnonymous: true };
    await this.ask((store) => store.create(guest));
    this.emit('account-created', guest.id);
    return guest;
  }

  /**
   * Makes a guest a user, who keeps the id and the custom data. The sessions of the guest end.
   *
   * @throws {AccountError} as `AccountService.create` does; `NOT_FOUND` where the account is no guest any more.
   */
  async upgrade(id: string, given: NewAccount, network: string | null): Promise<FoundAccount> {
    checkInput<NewAccount>(given, { ...profileRules, password: 'password' });
    const { password, ...profile } = given;
    const passwordHash = await this.parts.passwords.toHash({ password }, profile, network);
    const updatedAt = this.now();
    const upgraded = await this.ask((store) =>
      store.change(id, (account) => {
        if (!account.isAnonymous || account.status === 'disabled') throw noGuest();
        const credentials = passwordHash === null ? {} : { passwordHash };
        return { ...withProfile(account, profile), credentials, isAnonymous: false, updatedAt };
      }),
    );
    if (upgraded === null) throw noGuest();
    if (typeof upgraded === 'string') throw takenError(upgraded);
    this.emit('account-upgraded', id);
    await this.parts.endSessions(id);
    return upgraded;
  }

  /** Sets a password in the place of the one that was checked, or a first one. The other sessions end. */
  async changePassword(
    account: FoundAccount,
    password: string,
    { network, sessionId }: { readonly network: string | null; readonly sessionId: string },
  ): Promise<void> {
    await this.parts.passwords.replace(account, password, this.now(), network);
    this.emit('password-changed', account.id);
    await this.parts.endSessions(account.id, sessionId);
  }

  /** Records that a user has signed in. */
  async note(id: string): Promise<void> {
    try {
      await this.ask((store) => store.noteSignIn(id, this.now()));
    } catch (error) {
      // The session is there, and its tokens are delivered. The store has reported that it does not answer.
      if (!isAuthError(error) || error.code !== 'SERVER_ERROR') throw error;
    }
    this.emit('signed-in', id);
  }

  /**
   * Ends that a user signs in by a provider.
   *
   * @throws {AccountError} `NOT_FOUND`, or `LAST_SIGN_IN_METHOD` when the user could not sign in without it.
   */
  async unlink(id: string, provider: string): Promise<void> {
    const linked = (await this.ask((store) => store.listIdentities(id))).filter((one) => one.provider === provider);
    if (linked.length === 0) throw AccountError.because('NOT_FOUND', 'No identity of this provider is linked');
    for (const { subject } of linked) await this.ask((store) => store.removeIdentity(id, provider, subject));
    // Looked at afterwards: two requests that remove one of two providers each would both see the other one.
    if (await this.canSignIn(id)) return;
    for (const identity of linked) await this.ask((store) => store.addIdentity(id, identity));
    throw AccountError.because('LAST_SIGN_IN_METHOD', 'The account has neither a password nor another identity');
  }

  private async canSignIn(id: string): Promise<boolean> {
    const account = await this.ask((store) => store.find(id));
    const hasLogin = account !== null && (account.emailKey !== null || account.usernameKey !== null);
    if (this.parts.hasPasswords && hasLogin && account.credentials.passwordHash !== undefined) return true;
    return (await this.ask((store) => store.listIdentities(id))).length > 0;
  }

  private ask<Result>(call: (store: AccountStore) => Promise<Result>): Promise<Result> {
    return askStore('of the accounts', () => call(this.parts.findStore()));
  }

  private emit(type: AccountEvent['type'], accountId: string): void {
    this.parts.emit({ type, accountId, at: this.now() });
  }

  private now(): Date {
    return new Date(readMilliseconds(this.parts.clock));
  }
}

function noGuest(): AccountError {
  return AccountError.because('NOT_FOUND', 'The account is not that of a guest');
}
