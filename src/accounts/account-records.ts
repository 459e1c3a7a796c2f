import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AccountError } from './account-error.js';
import type { AccountEvent } from './account.js';
import { createUuidV7 } from '../issuing/uuid-v7.js';
import { createStoredAccount, takenError } from './account-profile.js';
import type { AccountStore, FoundAccount, StoredAccount, StoredIdentity } from './account-store.js';
import { askStore } from '../ask-store.js';

export interface AccountRecordsParts {
  readonly findStore: () => AccountStore;
  readonly clock: Clock;
  /** Never throws. */
  readonly emit: (event: AccountEvent) => void;
}

/** An account as it was when it was changed, and as it is since. */
export interface ChangedAccount {
  readonly before: FoundAccount;
  readonly after: FoundAccount;
}

/** The stored accounts, the time, and the events of accounts. */
export class AccountRecords {
  constructor(private readonly parts: AccountRecordsParts) {}

  /** @throws {AuthUnavailableError} when the store does not answer. */
  ask<Result>(call: (store: AccountStore) => Promise<Result>): Promise<Result> {
    return askStore('of the accounts', () => call(this.parts.findStore()));
  }

  find(id: string): Promise<FoundAccount | null> {
    return this.ask((store) => store.find(id));
  }

  findByEmail(emailKey: string): Promise<FoundAccount | null> {
    return this.ask((store) => store.findByEmail(emailKey));
  }

  findByIdentity({ provider, subject }: Pick<StoredIdentity, 'provider' | 'subject'>): Promise<FoundAccount | null> {
    return this.ask((store) => store.findByIdentity(provider, subject));
  }

  /** @returns `false` where an account has the identity already, or this account is gone */
  async addIdentity(id: string, identity: StoredIdentity): Promise<boolean> {
    return (await this.ask((store) => store.addIdentity(id, identity))) === null;
  }

  /** @returns whether the account had it */
  removeIdentity(id: string, { provider, subject }: Pick<StoredIdentity, 'provider' | 'subject'>): Promise<boolean> {
    return this.ask((store) => store.removeIdentity(id, provider, subject));
  }

  /** An account of which nothing is known, and that is not stored yet. */
  newAccount(): StoredAccount {
    const at = this.now();
    return createStoredAccount(createUuidV7(at.getTime()), at);
  }

  /** Stores a new account, with an identity where one is given. @returns `null` where another account has its address, username or identity */
  async createIf(account: StoredAccount, identity?: StoredIdentity): Promise<FoundAccount | null> {
    if ((await this.ask((store) => store.create(account, identity))) !== null) return null;
    this.emit('account-created', account.id);
    return { ...account, groups: [] };
  }

  /** @throws {AccountError} `EMAIL_TAKEN` or `USERNAME_TAKEN` */
  async create(account: StoredAccount): Promise<FoundAccount> {
    const taken = await this.ask((store) => store.create(account));
    if (taken !== null) throw takenError(taken);
    this.emit('account-created', account.id);
    return { ...account, groups: [] };
  }

  /**
   * Changes an account in one atomic step, as `AccountStore.change` does.
   *
   * @throws {AccountError} `NOT_FOUND`, `EMAIL_TAKEN` or `USERNAME_TAKEN`; and what `decide` throws.
   */
  async change(id: string, decide: (account: FoundAccount) => StoredAccount): Promise<FoundAccount> {
    const updatedAt = this.now();
    const changed = await this.ask((store) => store.change(id, (account) => ({ ...decide(account), updatedAt })));
    if (changed === null) throw unknownAccount();
    if (typeof changed === 'string') throw takenError(changed);
    return changed;
  }

  /**
   * Changes an account where it is still in a state in which it may be changed so.
   *
   * @param decide gives `null` where it is not
   * @returns the account before and after it; `null` where it may not be changed, is gone, or another account has the same address or username
   */
  async changeIf(id: string, decide: (account: FoundAccount) => StoredAccount | null): Promise<ChangedAccount | null> {
    const updatedAt = this.now();
    // The store may call the function several times; the last one counts.
    const before: (FoundAccount | null)[] = [];
    const after = await this.ask((store) =>
      store.change(id, (account) => {
        const decided = decide(account);
        before.push(decided === null ? null : account);
        return decided === null ? account : { ...decided, updatedAt };
      }),
    );
    const last = before.at(-1) ?? null;
    return after === null || typeof after === 'string' || last === null ? null : { before: last, after };
  }

  emit(type: AccountEvent['type'], accountId: string): void {
    this.parts.emit({ type, accountId, at: this.now() });
  }

  now(): Date {
    return new Date(readMilliseconds(this.parts.clock));
  }
}

export function unknownAccount(): AccountError {
  return AccountError.because('NOT_FOUND', 'There is no account with this id');
}
