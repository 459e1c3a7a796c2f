import { type Page, type PageOptions, readCursor, readLimit, toPage } from '../configuration/list-page.js';
import { isUuid } from '../issuing/uuid-v7.js';
import type { JsonObject } from '../token/json-object.js';
import { type Account, type AccountIdentity, toAccount } from './account.js';
import { AccountError } from './account-error.js';
import type { AccountAccess } from './account-access.js';
import { checkInput, checkText, toAccountKey } from './account-input.js';
import { type AccountPasswords, withPassword } from './account-passwords.js';
import { type AccountProfile, profileRules, withProfile } from './account-profile.js';
import { type AccountRecords, unknownAccount } from './account-records.js';
import type { AccountStore, FoundAccount } from './account-store.js';
import { applyMergePatch } from './custom-data.js';
import { withoutSignUp } from './sign-ups.js';
import { withoutSecondFactor } from './second-factors.js';

/** What an account is created with. */
export interface NewAccount extends AccountProfile {
  readonly password?: string;
  /** A hash that another system has made, in the place of `password`: argon2, scrypt, bcrypt or PBKDF2. */
  readonly passwordHash?: string;
}

/** Which accounts are listed. */
export interface AccountListOptions extends PageOptions {
  /** Only members of the group with this name. */
  readonly group?: string;
  /** Only accounts whose e-mail address, username or name begins with this text, without regard to case. */
  readonly search?: string;
}

/** What an identity is linked with. */
export interface NewIdentity {
  readonly provider: string;
  readonly subject: string;
  readonly email?: string | null;
}

export interface AccountServiceParts {
  readonly records: AccountRecords;
  readonly passwords: AccountPasswords;
  readonly access: AccountAccess;
}

const identityRules = { provider: 'provider', subject: 'subject' } as const;

/**
 * Creates, finds, changes and deletes the accounts of the app's users. `AccountsModule` provides it to all modules.
 *
 * It does not check who calls it. What breaks a rule is an `AccountError`, which a handler may let pass: it is answered with the
 * status of its code. All methods reject with an `AuthUnavailableError` (503) when the store does not answer.
 */
export class AccountService {
  constructor(private readonly parts: AccountServiceParts) {}

  /**
   * Creates an account. Nothing is mailed: an address counts as verified if `emailVerified` says so.
   *
   * @throws {AccountError} `EMAIL_TAKEN`, `USERNAME_TAKEN`, `WEAK_PASSWORD`, or `INVALID_INPUT` with each member that is wrong.
   */
  async create(given: NewAccount): Promise<Account> {
    checkInput<NewAccount>(given, { ...profileRules, password: 'password', passwordHash: 'passwordHash' });
    const { password, passwordHash, ...profile } = given;
    const hash = await this.parts.passwords.toHash({ password, passwordHash }, profile);
    const account = withProfile(this.parts.records.newAccount(), profile);
    const stored = { ...account, credentials: hash === null ? {} : { passwordHash: hash } };
    return toAccount(await this.parts.records.create(stored));
  }

  /** The account with this id; `null` when there is none. */
  find(id: string): Promise<Account | null> {
    return this.findBy((store) => store.find(id), id);
  }

  /** The account with this address, in whatever case it is written. */
  findByEmail(email: string): Promise<Account | null> {
    return this.findBy((store) => store.findByEmail(toAccountKey(email)), email);
  }

  findByUsername(username: string): Promise<Account | null> {
    return this.findBy((store) => store.findByUsername(toAccountKey(username)), username);
  }

  /** The account that a person signs in to by a provider. */
  findByIdentity(provider: string, subject: string): Promise<Account | null> {
    return this.findBy((store) => store.findByIdentity(provider, subject), provider, subject);
  }

  /**
   * The accounts, or some of them, newest first.
   *
   * @throws {AccountError} `INVALID_INPUT` for a wrong `limit` or `cursor`.
   */
  async list(options: AccountListOptions = {}): Promise<Page<Account>> {
    return await AccountError.during(async () => {
      const { group, search } = options;
      for (const [path, text] of Object.entries({ group, search })) if (text !== undefined) checkText(path, text);
      const limit = readLimit(options);
      const query = {
        group: group ?? null,
        search: search === undefined || search === '' ? null : toAccountKey(search),
        afterId: readCursor(options, (cursor) => (isUuid(cursor) ? cursor : null)),
        limit: limit + 1,
      };
      const found = await this.parts.records.ask((store) => store.list(query));
      return toPage(found, limit, { toItem: toAccount, cursorOf: ({ id }) => id });
    });
  }

  /**
   * Sets what is given, and leaves the rest as it is. A new address counts as not verified, unless `emailVerified` is given.
   *
   * @throws {AccountError} `NOT_FOUND`, `EMAIL_TAKEN`, `USERNAME_TAKEN`, or `INVALID_INPUT`.
   */
  async update(id: string, changes: AccountProfile): Promise<Account> {
    checkInput<AccountProfile>(changes, profileRules);
    // What the app says of the address takes the place of what a sign-up would verify.
    const isSettled = changes.email !== undefined || changes.emailVerified !== undefined;
    const changed = await this.parts.records.change(id, (account) => ({
      ...withProfile(account, changes),
      credentials: isSettled ? withoutSignUp(account.credentials) : account.credentials,
    }));
    // Those that were mailed to the earlier address.
    if (changes.email !== undefined) await this.parts.access.endCodes(id);
    return toAccount(changed);
  }

  /**
   * Changes parts of the custom data by a JSON merge patch (RFC 7396): members replace those of the same name, `null` removes one,
   * and objects are merged. Patches at the same time are applied one after the other.
   *
   * @returns the account with its data as they are then
   * @throws {AccountError} `NOT_FOUND`, or `INVALID_INPUT` where the data would be larger than 64 KiB.
   */
  async patchCustomData(id: string, patch: JsonObject): Promise<Account> {
    checkInput({ customData: patch }, { customData: 'customData' }, ['customData']);
    const changed = await this.parts.records.change(id, (account) => {
      const customData = applyMergePatch(account.customData, patch);
      checkInput({ customData }, { customData: 'customData' });
      return { ...account, customData };
    });
    return toAccount(changed);
  }

  /** Ends the sessions of an account, and keeps its user from signing in, with API keys too. @throws {AccountError} `NOT_FOUND` */
  async disable(id: string): Promise<Account> {
    const before: FoundAccount['status'][] = [];
    const account = await this.parts.records.change(id, (found) => {
      before.push(found.status);
      return { ...found, status: 'disabled' };
    });
    // The store may have called the function several times; the last one counts.
    if (before.at(-1) === 'enabled') this.parts.records.emit('account-disabled', id);
    // Also when it was disabled before: that call may have failed in between.
    await this.parts.access.endSessions(id);
    await this.parts.access.endCodes(id);
    return toAccount(account);
  }

  /** Lets a user whose account was disabled sign in again. @throws {AccountError} `NOT_FOUND` */
  async enable(id: string): Promise<Account> {
    return toAccount(await this.parts.records.change(id, (found) => ({ ...found, status: 'enabled' })));
  }

  /**
   * Deletes an account with its identities, memberships, sessions and API keys. Does nothing for one that is not there. Where it
   * fails, the account is left disabled, and another call goes on.
   */
  async delete(id: string): Promise<void> {
    const isThere = await this.parts.records.ask((store) =>
      store.change(id, (found) => ({ ...found, status: 'disabled' })),
    );
    await this.parts.access.removeAll(id);
    if (isThere !== null && (await this.parts.records.ask((store) => store.delete(id))))
      this.parts.records.emit('account-deleted', id);
  }

  /**
   * Sets a new password, and ends the sessions and the codes of the account.
   *
   * @param options `exceptSessionId`: a session that goes on, such as the one in which the user changes the password
   * @throws {AccountError} `NOT_FOUND`, or `WEAK_PASSWORD`.
   */
  async setPassword(
    id: string,
    password: string,
    options: { readonly exceptSessionId?: string } = {},
  ): Promise<Account> {
    checkInput({ password }, { password: 'password' }, ['password']);
    const known = await this.parts.records.ask((store) => store.find(id));
    if (known === null) throw unknownAccount();
    const passwordHash = (await this.parts.passwords.toHash({ password }, known)) ?? '';
    const changed = await this.parts.records.change(id, (account) => ({
      ...account,
      credentials: withPassword(account.credentials, passwordHash),
    }));
    this.parts.records.emit('password-changed', id);
    await this.parts.access.endSessions(id, options.exceptSessionId);
    await this.parts.access.endCodes(id);
    return toAccount(changed);
  }

  /**
   * The account with this e-mail address or username, if the password is its own and it is not disabled; `null` otherwise, after the
   * same time. Whether the address is verified makes no difference here.
   *
   * Failures are not counted: a route that calls it has to limit how often one may guess. `POST /auth/sign-in` does.
   */
  async verifyPassword(login: string, password: string): Promise<Account | null> {
    for (const [path, text] of Object.entries({ login, password })) checkText(path, text);
    const { passwords } = this.parts;
    const found = await passwords.check(await passwords.find(login), password, null);
    return found && toAccount(found);
  }

  /**
   * Removes the second factor of an account, and its recovery codes: for a person who has lost the phone, after your support has made sure
   * who it is. Sessions go on; does nothing for an account without a second factor.
   *
   * @throws {AccountError} `NOT_FOUND`
   */
  async removeSecondFactor(id: string): Promise<void> {
    await this.parts.records.change(id, withoutSecondFactor);
  }

  /** The identities that an account is signed in to by, in the order of their linking. */
  async identities(id: string): Promise<readonly AccountIdentity[]> {
    return await this.parts.records.ask((store) => store.listIdentities(id));
  }

  /**
   * Lets a person sign in to an account by a provider. One that is linked to it already stays so.
   *
   * @throws {AccountError} `IDENTITY_TAKEN` when it belongs to another account; `NOT_FOUND`.
   */
  async linkIdentity(id: string, identity: NewIdentity): Promise<void> {
    checkInput<NewIdentity>(identity, { ...identityRules, email: 'email' }, ['provider', 'subject']);
    const { provider, subject, email = null } = identity;
    const taken = await this.parts.records.ask((store) =>
      store.addIdentity(id, { provider, subject, email, linkedAt: this.parts.records.now() }),
    );
    if (taken === null) return;
    if (taken === 'account') throw unknownAccount();
    const owner = await this.parts.records.findByIdentity({ provider, subject });
    if (owner?.id !== id) throw AccountError.because('IDENTITY_TAKEN', 'The identity belongs to another account');
  }

  /** Ends that a person signs in to an account by a provider, whose kept tokens are removed. @throws {AccountError} `NOT_FOUND` when it is not linked to it */
  async unlinkIdentity(id: string, { provider, subject }: Pick<NewIdentity, 'provider' | 'subject'>): Promise<void> {
    checkInput({ provider, subject }, identityRules, ['provider', 'subject']);
    const linked = await this.identities(id);
    if (linked.some((one) => one.provider === provider && one.subject === subject)) {
      // Before the identity, so that a call that failed in between can be made again.
      await this.parts.access.removeProviderTokens(id, provider);
      if (await this.parts.records.removeIdentity(id, { provider, subject })) return;
    }
    throw AccountError.because('NOT_FOUND', 'The identity is not linked to this account');
  }

  private async findBy(
    find: (store: AccountStore) => Promise<FoundAccount | null>,
    ...texts: readonly unknown[]
  ): Promise<Account | null> {
    // A repeated name in a query is a list, which no account is found by.
    if (!texts.every((text) => typeof text === 'string')) return null;
    const found = await this.parts.records.ask(find);
    return found && toAccount(found);
  }
}
