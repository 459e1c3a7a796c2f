import { type Clock, readMilliseconds } from '../clock/clock.js';
import { createUuidV7 } from '../issuing/uuid-v7.js';
import { AccountError } from './account-error.js';
import type { AccountEvent } from './account-event.js';
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
  /** Ends all sessions of an account. */
  readonly endSessions: (accountId: string) => Promise<void>;
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
  async upgrade(id: string, given: NewAccount): Promise<FoundAccount> {
    checkInput<NewAccount>(given, { ...profileRules, password: 'password' });
    const { password, ...profile } = given;
    const passwordHash = await this.parts.passwords.toHash({ password }, profile);
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
    await this.parts.endSessions(id);
    this.emit('account-upgraded', id);
    return upgraded;
  }

  /** Records that a user has signed in. */
  async note(id: string): Promise<void> {
    await this.ask((store) => store.noteSignIn(id, this.now()));
    this.emit('signed-in', id);
  }

  /** @throws {AccountError} `LAST_SIGN_IN_METHOD` when the user could not sign in without the identities of this provider. */
  async checkOtherWay(id: string, provider: string): Promise<void> {
    const account = await this.ask((store) => store.find(id));
    if (account?.credentials.passwordHash !== undefined) return;
    const identities = await this.ask((store) => store.listIdentities(id));
    if (identities.some((identity) => identity.provider !== provider)) return;
    throw AccountError.because(
      'LAST_SIGN_IN_METHOD',
      'The account has no password, and no identity of another provider',
    );
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
