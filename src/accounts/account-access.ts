import type { AccountRecords } from './account-records.js';
import type { StoredIdentity } from './account-store.js';

export interface AccountAccessParts {
  readonly records: AccountRecords;
  /** Ends the sessions of an account, except one. */
  readonly endSessions: (accountId: string, exceptId?: string) => Promise<void>;
  /** Ends the one-time codes of an account. */
  readonly endCodes: (accountId: string) => Promise<void>;
  /** Revokes the API keys of an account, where the app has any. */
  readonly revokeKeys: (accountId: string) => Promise<void>;
  /** Deletes the sessions that have ended, and the API keys that are revoked. */
  readonly deleteEnded: (accountId: string) => Promise<void>;
  /** Removes the passkeys of an account, where the app has any. */
  readonly removePasskeys: (accountId: string) => Promise<void>;
  /** Removes the kept tokens of one provider, or of all with `null`, where the app keeps any. */
  readonly removeProviderTokens: (accountId: string, provider: string | null) => Promise<void>;
}

type IdentityKey = Pick<StoredIdentity, 'provider' | 'subject'>;

/** Ends what lets somebody into an account, apart from the credentials that are stored with it. */
export class AccountAccess {
  readonly endSessions: AccountAccessParts['endSessions'];
  readonly endCodes: AccountAccessParts['endCodes'];
  readonly removeProviderTokens: AccountAccessParts['removeProviderTokens'];

  constructor(private readonly parts: AccountAccessParts) {
    this.endSessions = parts.endSessions;
    this.endCodes = parts.endCodes;
    this.removeProviderTokens = parts.removeProviderTokens;
  }

  /** Ends sessions, API keys, codes and passkeys. */
  async endAll(accountId: string): Promise<void> {
    await this.parts.endSessions(accountId);
    await this.parts.revokeKeys(accountId);
    await this.parts.endCodes(accountId);
    await this.parts.removePasskeys(accountId);
  }

  /** The same, and deletes what is stored of them, apart from the revocations: before an account is deleted, and its identities with it. */
  async removeAll(accountId: string): Promise<void> {
    await this.endAll(accountId);
    // After the sessions: a sign-in that keeps some at this moment looks afterwards whether its session is still there.
    await this.removeProviderTokens(accountId, null);
    await this.parts.deleteEnded(accountId);
  }

  /**
   * The same as `endAll`, and unlinks all identities, so that earlier access to the account ends.
   *
   * @param own the identity of the owner, which another request of the owner may have linked at the same moment: it stays
   */
  async revokeAll(accountId: string, own: IdentityKey | null = null): Promise<void> {
    const { records } = this.parts;
    // Before the kept tokens: a sign-in that keeps some at this moment looks afterwards whether its session is still there.
    await this.endSessions(accountId);
    // Those of the owner as well, which then are kept again by the next sign-in: an entry does not tell whose it is.
    await this.removeProviderTokens(accountId, null);
    for (const identity of await records.ask((store) => store.listIdentities(accountId))) {
      const isOwn = identity.provider === own?.provider && identity.subject === own.subject;
      if (!isOwn) await records.removeIdentity(accountId, identity);
    }
    await this.endAll(accountId);
  }
}
