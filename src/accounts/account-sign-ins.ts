import { isAuthError } from '../errors/auth-error.js';
import { AccountError } from './account-error.js';
import type { AccountAccess } from './account-access.js';
import type { AccountPasswords, Replacement } from './account-passwords.js';
import type { AccountRecords } from './account-records.js';
import type { FoundAccount } from './account-store.js';

export interface AccountSignInsParts {
  readonly records: AccountRecords;
  readonly passwords: AccountPasswords;
  readonly access: AccountAccess;
  /** Whether people sign in with passwords. */
  readonly hasPasswords: boolean;
  /** The ids of the passkeys that an account can be signed in to with. */
  readonly listPasskeys: (accountId: string) => Promise<readonly string[]>;
}

/** Makes guests, changes passwords, records sign-ins, and keeps an account's last way to sign in. */
export class AccountSignIns {
  constructor(private readonly parts: AccountSignInsParts) {}

  /** Makes an account of a guest. */
  createGuest(): Promise<FoundAccount> {
    const { records } = this.parts;
    return records.create({ ...records.newAccount(), isAnonymous: true });
  }

  /** Sets a password in the place of the one that was checked, or a first one. The other sessions and the codes end. */
  async changePassword(
    account: FoundAccount,
    password: string,
    { sessionId, ...replacement }: Omit<Replacement, 'at'> & { readonly sessionId: string },
  ): Promise<FoundAccount> {
    const { records, passwords, access } = this.parts;
    const changed = await passwords.replace(account, password, { ...replacement, at: records.now() });
    records.emit('password-changed', account.id);
    await access.endSessions(account.id, sessionId);
    // A code that was mailed before must not undo it, nor one that a session has asked for until now.
    await access.endCodes(account.id);
    return changed;
  }

  /** Records that a user has signed in. */
  async note(id: string): Promise<void> {
    try {
      await this.parts.records.ask((store) => store.noteSignIn(id, this.parts.records.now()));
    } catch (error) {
      // The session is there, and its tokens are delivered. The store has reported that it does not answer.
      if (!isAuthError(error) || error.code !== 'SERVER_ERROR') throw error;
    }
    this.parts.records.emit('signed-in', id);
  }

  /**
   * Ends that a user signs in by a provider.
   *
   * @throws {AccountError} `NOT_FOUND`, or `LAST_SIGN_IN_METHOD` when the user could not sign in without it.
   */
  async unlink(id: string, provider: string): Promise<void> {
    const linked = (await this.parts.records.ask((store) => store.listIdentities(id))).filter(
      (one) => one.provider === provider,
    );
    if (linked.length === 0) throw AccountError.because('NOT_FOUND', 'No identity of this provider is linked');
    if (!(await this.canSignIn(id, { provider }))) throw lastMethod();
    // Before the identity, so that a request that failed in between can be made again.
    await this.parts.access.removeProviderTokens(id, provider);
    for (const identity of linked) await this.parts.records.removeIdentity(id, identity);
    // A sign-in may have kept some in between.
    await this.parts.access.removeProviderTokens(id, provider);
    // Looked at afterwards as well: two requests that remove one of two providers each would both see the other one.
    if (await this.canSignIn(id)) return;
    for (const identity of linked) await this.parts.records.addIdentity(id, identity);
    throw lastMethod();
  }

  /** Whether an account can be signed in to again, without the passkey or the provider that is named. */
  async canSignIn(
    id: string,
    without: { readonly passkey?: string | undefined; readonly provider?: string } = {},
  ): Promise<boolean> {
    const account = await this.parts.records.ask((store) => store.find(id));
    const hasLogin = account !== null && (account.emailKey !== null || account.usernameKey !== null);
    if (this.parts.hasPasswords && hasLogin && account.credentials.passwordHash !== undefined) return true;
    const identities = await this.parts.records.ask((store) => store.listIdentities(id));
    if (identities.some(({ provider }) => provider !== without.provider)) return true;
    return (await this.parts.listPasskeys(id)).some((passkey) => passkey !== without.passkey);
  }
}

function lastMethod(): AccountError {
  return AccountError.because('LAST_SIGN_IN_METHOD', 'The account has no password, no passkey and no other identity');
}
