import { isAuthError, RefusalError } from '../errors/auth-error.js';
import { AccountError } from './account-error.js';
import { toAccountKey } from './account-input.js';
import type { AccountRecords } from './account-records.js';
import type { AccountCredentials, FoundAccount } from './account-store.js';
import type { PasswordHasher } from './password-hasher.js';
import type { PasswordPolicy, PersonalTexts } from './password-policy.js';

export interface AccountPasswordsParts {
  readonly records: AccountRecords;
  readonly hasher: PasswordHasher;
  readonly policy: PasswordPolicy;
  /** Whether an address has to be verified before its account works. */
  readonly waitsForVerification: boolean;
}

/** A password that was chosen, or a hash that another system has made. */
export interface GivenPassword {
  readonly password?: string | undefined;
  readonly passwordHash?: string | undefined;
}

/** The change of a password. */
export interface Replacement {
  readonly at: Date;
  readonly network: string | null;
  /** Throws where the caller must not change it any more: hashing takes its time. */
  readonly checkIsAllowed: () => Promise<unknown>;
}

/** Sets and checks the passwords of accounts. */
export class AccountPasswords {
  constructor(private readonly parts: AccountPasswordsParts) {}

  /**
   * The hash that is stored; `null` where neither a password nor a hash is given.
   *
   * @throws {AccountError} `WEAK_PASSWORD`, or `INVALID_INPUT` for a hash that cannot be verified.
   */
  async toHash(
    { password, passwordHash }: GivenPassword,
    person: PersonalTexts,
    network: string | null = null,
  ): Promise<string | null> {
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
      return await hasher.hash(password, network ?? undefined);
    });
  }

  /** The account with this e-mail address or username. */
  find(login: string): Promise<FoundAccount | null> {
    const key = toAccountKey(login);
    return this.parts.records.ask((store) => (key.includes('@') ? store.findByEmail(key) : store.findByUsername(key)));
  }

  findById(id: string): Promise<FoundAccount | null> {
    return this.parts.records.ask((store) => store.find(id));
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
    // A disabled account is as none, in time too.
    const stored = account?.status === 'enabled' ? account.credentials.passwordHash : undefined;
    const verdict = await this.parts.hasher.verify(password, stored ?? null, turn);
    if (account === null || stored === undefined || verdict === 'wrong') return null;
    return verdict === 'right' ? account : await this.upgrade(account, password, turn);
  }

  /** Whether a password is the one of a hash. */
  async matches(passwordHash: string, password: string, network: string | null): Promise<boolean> {
    return (await this.parts.hasher.verify(password, passwordHash, network ?? undefined)) !== 'wrong';
  }

  /**
   * The account as it is now, if it still has the password and the address that it had, and may be signed in to; `null` otherwise. A check
   * takes its time, and the owner may have changed them, or the account may have been disabled, meanwhile.
   */
  async findCurrent({ id, emailKey, credentials }: FoundAccount): Promise<FoundAccount | null> {
    const now = await this.findById(id);
    if (now?.status !== 'enabled' || now.emailKey !== emailKey) return null;
    return now.credentials.passwordHash === credentials.passwordHash ? now : null;
  }

  /** The account, if it may be signed in to by a password: where addresses are verified first, one that waits for that may not. */
  forSignIn(account: FoundAccount | null): FoundAccount | null {
    if (account === null || account.email === null || account.emailVerified) return account;
    return this.parts.waitsForVerification ? null : account;
  }

  /**
   * Sets a password in the place of the one that was checked, or a first one.
   *
   * @throws {AccountError} `WEAK_PASSWORD`
   * @throws {RefusalError} `INVALID_CREDENTIALS` where the account has another password by now, or must not sign in.
   */
  async replace(
    account: FoundAccount,
    password: string,
    { at, network, checkIsAllowed }: Replacement,
  ): Promise<FoundAccount> {
    const before = account.credentials.passwordHash;
    const passwordHash = await this.toHash({ password }, account, network);
    await checkIsAllowed();
    const changed = await this.parts.records.ask((store) =>
      store.change(account.id, (found) => {
        if (found.status === 'disabled' || found.credentials.passwordHash !== before) throw changedMeanwhile();
        const credentials = withPassword(found.credentials, passwordHash ?? '');
        return { ...found, credentials, updatedAt: at };
      }),
    );
    if (changed === null || typeof changed === 'string') throw changedMeanwhile();
    return changed;
  }

  /** Replaces the hash by one that is made today, unless the password was changed meanwhile. */
  private async upgrade(account: FoundAccount, password: string, group?: string): Promise<FoundAccount | null> {
    const before = account.credentials.passwordHash;
    try {
      const passwordHash = await this.parts.hasher.hash(password, group);
      const changed = await this.parts.records.ask((store) =>
        store.change(account.id, (found) =>
          found.credentials.passwordHash === before
            ? { ...found, credentials: { ...found.credentials, passwordHash } }
            : found,
        ),
      );
      if (changed === null || typeof changed === 'string') return null;
      const { passwordHash: now = null } = changed.credentials;
      if (now === passwordHash) return changed;
      // Another sign-in has renewed the hash as well, or the password is another one.
      return (await this.parts.hasher.verify(password, now, group)) === 'wrong' ? null : changed;
    } catch (error) {
      // The password is right, and the next sign-in tries again.
      if (isAuthError(error) && error.code === 'SERVER_ERROR') return account;
      throw error;
    }
  }
}

function changedMeanwhile(): RefusalError {
  return RefusalError.of('INVALID_CREDENTIALS', 'The password of the account was changed meanwhile, or it is disabled');
}

/** Credentials with a new password. What was begun before and not finished, a second factor or a sign-up, ends. */
export function withPassword(credentials: AccountCredentials, passwordHash: string): AccountCredentials {
  const dropped = ['pendingTotp', ...(credentials.signUp?.pending === undefined ? [] : ['signUp'])];
  const others = Object.entries(credentials).filter(([name]) => !dropped.includes(name));
  return { ...(Object.fromEntries(others) as AccountCredentials), passwordHash };
}
