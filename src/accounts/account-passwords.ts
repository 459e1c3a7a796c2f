import { isAuthError } from '../errors/auth-error.js';
import { AccountError } from './account-error.js';
import { toAccountKey } from './account-input.js';
import type { AccountStore, FoundAccount } from './account-store.js';
import { askStore } from './ask-store.js';
import type { PasswordHasher } from './password-hasher.js';
import type { PasswordPolicy, PersonalTexts } from './password-policy.js';

export interface AccountPasswordsParts {
  readonly findStore: () => AccountStore;
  readonly hasher: PasswordHasher;
  readonly policy: PasswordPolicy;
}

/** A password that was chosen, or a hash that another system has made. */
export interface GivenPassword {
  readonly password?: string | undefined;
  readonly passwordHash?: string | undefined;
}

/** Sets and checks the passwords of accounts. */
export class AccountPasswords {
  constructor(private readonly parts: AccountPasswordsParts) {}

  /**
   * The hash that is stored; `null` where neither a password nor a hash is given.
   *
   * @throws {AccountError} `WEAK_PASSWORD`, or `INVALID_INPUT` for a hash that cannot be verified.
   */
  async toHash({ password, passwordHash }: GivenPassword, person: PersonalTexts): Promise<string | null> {
    const { hasher, policy } = this.parts;
    if (password !== undefined && passwordHash !== undefined) {
      throw AccountError.fields([
        { path: 'passwordHash', message: 'password or passwordHash is expected, and not both' },
      ]);
    }
    return await AccountError.during(async () => {
      if (passwordHash !== undefined) {
        await hasher.checkImported(passwordHash);
        return passwordHash;
      }
      if (password === undefined) return null;
      await policy.check(password, person);
      return await hasher.hash(password);
    });
  }

  /** The form in which a login is compared. */
  keyOf(login: string): string {
    return toAccountKey(login);
  }

  /** The account with this e-mail address or username. */
  find(login: string): Promise<FoundAccount | null> {
    const key = toAccountKey(login);
    return this.ask((store) => (key.includes('@') ? store.findByEmail(key) : store.findByUsername(key)));
  }

  findById(id: string): Promise<FoundAccount | null> {
    return this.ask((store) => store.find(id));
  }

  /**
   * The account, if the password is its own and it is not disabled; `null` otherwise, after the same time. A hash that is weaker than
   * one that is made today is replaced.
   *
   * @param account `null` where there is none with this login
   * @param group the network of the caller: each has its turn where many passwords are hashed at once
   */
  async check(account: FoundAccount | null, password: string, group: string | null): Promise<FoundAccount | null> {
    const turn = group ?? undefined;
    const verdict = await this.parts.hasher.verify(password, account?.credentials.passwordHash ?? null, turn);
    if (account === null || verdict === 'wrong' || account.status === 'disabled') return null;
    return verdict === 'right' ? account : await this.upgrade(account, password, turn);
  }

  /** Replaces the hash by one that is made today, unless the password was changed meanwhile. */
  private async upgrade(account: FoundAccount, password: string, group?: string): Promise<FoundAccount> {
    const before = account.credentials.passwordHash;
    try {
      const passwordHash = await this.parts.hasher.hash(password, group);
      const changed = await this.ask((store) =>
        store.change(account.id, (found) =>
          found.credentials.passwordHash === before
            ? { ...found, credentials: { ...found.credentials, passwordHash } }
            : found,
        ),
      );
      return changed === null || typeof changed === 'string' ? account : changed;
    } catch (error) {
      // The password is right, and the next sign-in tries again.
      if (isAuthError(error) && error.code === 'SERVER_ERROR') return account;
      throw error;
    }
  }

  private ask<Result>(call: (store: AccountStore) => Promise<Result>): Promise<Result> {
    return askStore('of the accounts', () => call(this.parts.findStore()));
  }
}
