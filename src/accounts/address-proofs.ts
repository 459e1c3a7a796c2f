import { createUuidV7 } from '../issuing/uuid-v7.js';
import type { JsonObject } from '../token/json-object.js';
import type { AccountAccess } from './account-access.js';
import { createStoredAccount, takenError, withProfile } from './account-profile.js';
import type { AccountRecords } from './account-records.js';
import type { AccountCredentials, FoundAccount } from './account-store.js';
import type { SignUps } from './sign-ups.js';

export interface AddressProofsParts {
  readonly records: AccountRecords;
  readonly access: AccountAccess;
  readonly signUps: SignUps;
}

/** A new account of somebody whose address is known to be their own. */
export interface ProvenPerson {
  readonly email: string;
  readonly customData?: JsonObject | undefined;
  /** The account of the guest who becomes it; `null` for anybody else. */
  readonly guestId: string | null;
}

/**
 * What becomes of accounts when it turns out whose an address is. Whoever makes an account with an address that is not theirs must gain
 * nothing when its owner comes (Sudhodanan and Paverd, "Pre-hijacked accounts", 2022).
 */
export class AddressProofs {
  constructor(private readonly parts: AddressProofsParts) {}

  /**
   * Verifies the address of an account for the person who signed up for it, who therefore keeps its password and its sessions. What the
   * account had before that sign-up ends.
   *
   * @returns `null` where the account was changed meanwhile, so that the proof is not one of this sign-up
   */
  async confirm(account: FoundAccount): Promise<FoundAccount | null> {
    const { access } = this.parts;
    const isRestart = account.credentials.signUp?.isRestart === true;
    if (isRestart) await access.revokeAll(account.id);
    const verified = await this.verify(account, withoutSignUp, isSameSignUp(account));
    if (verified === null) return null;
    if (isRestart) await access.revokeAll(account.id);
    else if (account.isAnonymous) await access.endSessions(account.id);
    await access.endCodes(account.id);
    return verified;
  }

  /**
   * Gives an account whose address was not verified to the owner of the address, who has proven it in another way than by signing up for
   * it. Its password, second factor, sessions, identities, passkeys, API keys and codes end: they may be a stranger's.
   *
   * @param credentials what the owner signs in with from now on
   * @returns `null` where the account was changed meanwhile, such as verified
   */
  async takeOver(account: FoundAccount, credentials: AccountCredentials = {}): Promise<FoundAccount | null> {
    const { access } = this.parts;
    // Before it, so that a failure in between leaves nothing of the stranger; and after it, for what was added meanwhile.
    await access.revokeAll(account.id);
    const verified = await this.verify(account, () => credentials, isStillUnproven(account));
    if (verified !== null) await access.revokeAll(account.id);
    return verified;
  }

  /** Makes an account for the owner of an address that has none. @returns `null` where another request has made one meanwhile */
  async create({ email, customData, guestId }: ProvenPerson): Promise<FoundAccount | null> {
    const { records, access } = this.parts;
    const profile = { email, emailVerified: true, ...(customData !== undefined && { customData }) };
    if (guestId === null) {
      const at = records.now();
      const account = withProfile(createStoredAccount(createUuidV7(at.getTime()), at), profile);
      if ((await records.ask((store) => store.create(account))) !== null) return null;
      records.emit('account-created', account.id);
      return { ...account, groups: [] };
    }
    const upgraded = await records.changeIf(guestId, (account) => {
      if (!account.isAnonymous || account.status === 'disabled') return null;
      return { ...withProfile(account, profile), credentials: {}, isAnonymous: false };
    });
    if (upgraded === null || typeof upgraded === 'string') return null;
    records.emit('account-upgraded', guestId);
    await access.endSessions(guestId);
    return upgraded.after;
  }

  /**
   * Gives an account another address, which is known to be its user's own. An account that has the address without having verified it
   * loses it.
   *
   * @throws {AccountError} `EMAIL_TAKEN` where the address is verified for another account
   */
  async changeAddress(account: FoundAccount, email: string, emailKey: string): Promise<FoundAccount> {
    const { records, access, signUps } = this.parts;
    const holder = await records.ask((store) => store.findByEmail(emailKey));
    if (holder !== null && holder.id !== account.id) {
      if (holder.emailVerified || holder.status === 'disabled') throw takenError('email');
      await signUps.release(holder);
    }
    const changed = await records.change(account.id, (found) => {
      return { ...withProfile(found, { email, emailVerified: true }), credentials: withoutSignUp(found.credentials) };
    });
    // Those that were mailed to the earlier address, too.
    await access.endCodes(account.id);
    return changed;
  }

  private async verify(
    account: FoundAccount,
    toCredentials: (credentials: AccountCredentials) => AccountCredentials,
    isStill: (account: FoundAccount) => boolean,
  ): Promise<FoundAccount | null> {
    const { records } = this.parts;
    const changed = await records.changeIf(account.id, (found) => {
      if (found.status === 'disabled' || !isStill(found)) return null;
      const credentials = toCredentials(found.credentials);
      return { ...found, emailVerified: true, isAnonymous: false, credentials };
    });
    if (changed === null || typeof changed === 'string') return null;
    if (changed.before.isAnonymous) records.emit('account-upgraded', account.id);
    records.emit('account-verified', account.id);
    return changed.after;
  }
}

function isStillUnproven(account: FoundAccount): (found: FoundAccount) => boolean {
  return ({ email, emailVerified }) => email === account.email && !emailVerified;
}

function withoutSignUp(credentials: AccountCredentials): AccountCredentials {
  const others = Object.entries(credentials).filter(([name]) => name !== 'signUp');
  return Object.fromEntries(others);
}

/** Whether nobody has signed up for the account again since it was read, and its address is still to be verified. */
function isSameSignUp(account: FoundAccount): (found: FoundAccount) => boolean {
  const { signUp, passwordHash } = account.credentials;
  return ({ email, emailVerified, credentials }) =>
    email === account.email &&
    !emailVerified &&
    credentials.passwordHash === passwordHash &&
    credentials.signUp?.browser === signUp?.browser;
}
