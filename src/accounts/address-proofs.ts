import { isDeepStrictEqual } from 'node:util';

import { createUuidV7 } from '../issuing/uuid-v7.js';
import type { JsonObject } from '../token/json-object.js';
import type { AccountAccess } from './account-access.js';
import { createStoredAccount, takenError, withProfile } from './account-profile.js';
import type { AccountRecords } from './account-records.js';
import type { AccountCredentials, FoundAccount, PendingSignUp, StoredAccount } from './account-store.js';
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
   * Verifies the address of an account for the person who signed up for it, and makes the account what was signed up for. One that works
   * at once keeps its password and its sessions; what an account had before somebody signed up for it again ends.
   *
   * @returns `null` where the account was changed meanwhile, so that the proof is not one of this sign-up
   */
  async confirm(account: FoundAccount): Promise<FoundAccount | null> {
    const { access } = this.parts;
    const { isRestart = false, pending } = account.credentials.signUp ?? {};
    if (isRestart) await access.revokeAll(account.id);
    const upgraded = isRestart || pending === undefined ? null : await this.upgradeGuest(account, pending);
    if (upgraded !== null) return upgraded;
    const verified = await this.verify(account, isSameSignUp(account), await this.deciderOf(pending));
    if (verified === null) return null;
    if (isRestart) await access.revokeAll(account.id);
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
    const verified = await this.verify(account, isStillUnproven(account), (found) => ({ ...found, credentials }));
    if (verified !== null) await access.revokeAll(account.id);
    return verified;
  }

  /** Makes an account for the owner of an address that has none. @returns `null` where another request has made one meanwhile */
  async create({ email, customData, guestId }: ProvenPerson): Promise<FoundAccount | null> {
    const { records } = this.parts;
    const profile = { email, emailVerified: true, ...(customData !== undefined && { customData }) };
    if (guestId !== null)
      return await this.changeGuest(guestId, (guest) => ({ ...withProfile(guest, profile), credentials: {} }));
    const at = records.now();
    const account = withProfile(createStoredAccount(createUuidV7(at.getTime()), at), profile);
    if ((await records.ask((store) => store.create(account))) !== null) return null;
    records.emit('account-created', account.id);
    return { ...account, groups: [] };
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

  /**
   * Gives the address to the guest who signed up for it, and removes the account that kept it until now.
   *
   * @returns `null` where nobody did who is still a guest
   */
  private async upgradeGuest(keeper: FoundAccount, pending: PendingSignUp): Promise<FoundAccount | null> {
    const { records, signUps } = this.parts;
    const { guestId } = pending;
    const guest = guestId === null ? null : await records.find(guestId);
    if (guestId === null || guest?.isAnonymous !== true || guest.status === 'disabled') return null;
    await signUps.release(keeper);
    const { email } = keeper;
    const decide = await this.deciderOf(pending);
    const upgraded = await this.changeGuest(guestId, (found) =>
      withProfile(decide(found), { email, emailVerified: true }),
    );
    if (upgraded !== null) records.emit('account-verified', guestId);
    return upgraded;
  }

  /** What makes an account what was signed up for. The username may have been taken since. */
  private async deciderOf(pending: PendingSignUp | undefined): Promise<(account: FoundAccount) => StoredAccount> {
    if (pending === undefined) return (found) => ({ ...found, credentials: withoutSignUp(found.credentials) });
    const isFree = await this.parts.signUps.isFree(pending.username);
    const { passwordHash, username, name, givenName, familyName, pictureUrl, customData } = pending;
    const given = { username: isFree ? username : null, name, givenName, familyName, pictureUrl, customData };
    const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
    return (found) => ({
      ...withProfile(found, known),
      credentials: passwordHash === null ? {} : { passwordHash },
    });
  }

  private async changeGuest(
    guestId: string,
    decide: (guest: FoundAccount) => StoredAccount,
  ): Promise<FoundAccount | null> {
    const { records, access } = this.parts;
    const upgraded = await records.changeIf(guestId, (guest) =>
      guest.isAnonymous && guest.status === 'enabled' ? { ...decide(guest), isAnonymous: false } : null,
    );
    if (upgraded === null || typeof upgraded === 'string') return null;
    records.emit('account-upgraded', guestId);
    await access.endSessions(guestId);
    return upgraded.after;
  }

  private async verify(
    account: FoundAccount,
    isStill: (account: FoundAccount) => boolean,
    decide: (account: FoundAccount) => StoredAccount,
  ): Promise<FoundAccount | null> {
    const { records } = this.parts;
    const changed = await records.changeIf(account.id, (found) =>
      found.status === 'enabled' && isStill(found) ? { ...decide(found), emailVerified: true } : null,
    );
    if (changed === null || typeof changed === 'string') return null;
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
    isDeepStrictEqual(credentials.signUp, signUp);
}
