import { isDeepStrictEqual } from 'node:util';

import type { JsonObject } from '../token/json-object.js';
import type { AccountAccess } from './account-access.js';
import { type AccountProfile, takenError, withProfile } from './account-profile.js';
import type { AccountRecords } from './account-records.js';
import type {
  AccountCredentials,
  FoundAccount,
  PendingSignUp,
  StoredAccount,
  StoredIdentity,
} from './account-store.js';
import { isUnused, type SignUps, withoutSignUp } from './sign-ups.js';

export interface AddressProofsParts {
  readonly records: AccountRecords;
  readonly access: AccountAccess;
  readonly signUps: SignUps;
}

/** What an account has when its address turns out to be somebody else's than was thought. */
interface OwnedAccount {
  readonly credentials?: AccountCredentials;
  /** Beside the custom data that it has. */
  readonly customData?: JsonObject | undefined;
  readonly profile?: PersonNames | undefined;
  readonly identity?: StoredIdentity | undefined;
}

/** What is stated about a person. It is only set where the account has nothing in its place. */
export type PersonNames = Pick<AccountProfile, 'name' | 'givenName' | 'familyName' | 'pictureUrl'>;

/** Somebody who has proven who they are in another way than by signing up. */
export interface ProvenPerson {
  /** An address that is known to be their own; `null` where none is. */
  readonly email: string | null;
  readonly profile?: PersonNames;
  readonly customData?: JsonObject | undefined;
  /** What they sign in by from now on; left out for somebody who has the account's mail alone, or has it already. */
  readonly identity?: StoredIdentity | undefined;
  /** The account of the guest who becomes it; `null` for anybody else. */
  readonly guestId: string | null;
}

/**
 * Gives accounts to the owners of their addresses once these have proven them: verifies, takes over, or moves the address. Whoever makes
 * an account with an address that is not theirs must gain nothing when its owner comes (Sudhodanan and Paverd, "Pre-hijacked accounts",
 * 2022).
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
    // Nothing of whoever signed up can be there before. An account that works at once keeps what it has.
    if (isRestart || pending !== undefined) return await this.confirmPending(account, pending);
    const verified = await this.verify(account, isSameSignUp(account), await this.deciderOf(undefined, account.id));
    if (verified !== null) await access.endCodes(account.id);
    return verified;
  }

  private async confirmPending(
    account: FoundAccount,
    pending: PendingSignUp | undefined,
  ): Promise<FoundAccount | null> {
    const { access } = this.parts;
    await access.revokeAll(account.id);
    // What the app has given to the account stays with it.
    const guest = isUnused(account) ? await this.findGuest(pending?.guestId ?? null) : null;
    if (guest !== null && pending !== undefined) return await this.upgradeGuest(account, guest.id, pending);
    const verified = await this.verify(account, isSameSignUp(account), await this.deciderOf(pending, account.id));
    if (verified !== null) await access.revokeAll(account.id);
    return verified;
  }

  /**
   * Gives an account whose address was not verified to the owner of the address, who has proven it in another way than by signing up for
   * it. Its password, second factor, sessions, identities, passkeys, API keys and codes end: they may be a stranger's.
   *
   * What somebody has signed up with is dropped as well.
   *
   * @param owned what the owner signs in with from now on, and what the app adds
   * @returns `null` where the account was changed meanwhile, such as verified, or the identity was linked meanwhile
   */
  async takeOver(
    account: FoundAccount,
    { credentials = {}, customData, profile, identity }: OwnedAccount = {},
  ): Promise<FoundAccount | null> {
    const { records, access } = this.parts;
    // What its owner has added must not be lost, where the address was verified since the account was read.
    const current = await records.find(account.id);
    if (current === null || !isStillUnproven(account)(current)) return null;
    // Before it, so that a failure in between leaves nothing of the stranger; and after it, for what was added meanwhile.
    await access.revokeAll(account.id, identity);
    const verified = await this.verify(account, isStillUnproven(account), (found) => ({
      ...withCustomData(withNames(found, profile), customData),
      credentials,
    }));
    if (verified === null) return null;
    await access.revokeAll(account.id, identity);
    if (identity !== undefined && !(await records.addIdentity(account.id, identity))) return null;
    return verified;
  }

  /**
   * The account of a person: the one that has their address, or a new one. A sign-up for the address that was never confirmed gives way to
   * a guest, who keeps the own account.
   *
   * @param holder the account that has the address; `null` where none has it
   * @returns `null` where another request has changed or made one meanwhile
   */
  async accountOf(holder: FoundAccount | null, person: ProvenPerson): Promise<FoundAccount | null> {
    const { guestId, customData, identity } = person;
    if (holder !== null && !holder.isAnonymous && (guestId === null || !isUnused(holder))) {
      if (holder.emailVerified) return holder;
      const profile = isUnused(holder) ? person.profile : undefined;
      return await this.takeOver(holder, { customData, profile, identity });
    }
    if (holder !== null && holder.id !== guestId) await this.parts.signUps.release(holder);
    return await this.create(person);
  }

  private async create(person: ProvenPerson): Promise<FoundAccount | null> {
    const { records } = this.parts;
    const { email, profile, customData, guestId, identity } = person;
    const address = email === null ? {} : { email, emailVerified: true };
    const complete = (account: StoredAccount): StoredAccount =>
      withCustomData(withProfile(withNames(account, profile), address), customData);
    if (guestId === null) return await records.createIf(complete(records.newAccount()), identity);
    // It decides which of several requests upgrades the guest. Where this fails afterwards, the next sign-in by the identity goes on.
    if (identity !== undefined && !(await records.addIdentity(guestId, identity))) return null;
    return await this.changeGuest(guestId, (guest) => ({ ...complete(guest), credentials: {} }));
  }

  /**
   * Gives an account another address, which is known to be its user's own. An account that has the address without having verified it
   * loses it.
   *
   * @returns `null` where the account, or the address, was changed meanwhile
   * @throws {AccountError} `EMAIL_TAKEN` where the address is verified for another account
   */
  async changeAddress(account: FoundAccount, email: string, emailKey: string): Promise<FoundAccount | null> {
    const { records, access, signUps } = this.parts;
    const holder = await records.findByEmail(emailKey);
    if (holder !== null && holder.id !== account.id) {
      if (holder.emailVerified || holder.status === 'disabled') throw takenError('email');
      await signUps.release(holder);
    }
    const isSame = (found: FoundAccount): boolean =>
      found.status === 'enabled' &&
      found.emailKey === account.emailKey &&
      found.credentials.passwordHash === account.credentials.passwordHash;
    const changed = await records.changeIf(account.id, (found) => {
      if (!isSame(found)) return null;
      const credentials = withoutSignUp(found.credentials);
      return { ...withProfile(found, { email, emailVerified: true }), credentials };
    });
    if (changed === null) return null;
    // Those that were mailed to the earlier address, too.
    await access.endCodes(account.id);
    return changed.after;
  }

  private async findGuest(id: string | null): Promise<FoundAccount | null> {
    const guest = id === null ? null : await this.parts.records.find(id);
    return guest?.isAnonymous === true && guest.status === 'enabled' ? guest : null;
  }

  /**
   * Gives the address to the guest who signed up for it, and removes the account that kept it until now.
   *
   * @returns `null` where one of them was changed meanwhile
   */
  private async upgradeGuest(
    keeper: FoundAccount,
    guestId: string,
    pending: PendingSignUp,
  ): Promise<FoundAccount | null> {
    const { records, signUps } = this.parts;
    const { email } = keeper;
    const decide = await this.deciderOf(pending, guestId);
    const isSame = isSameSignUp(keeper);
    const released = await records.changeIf(keeper.id, (found) =>
      isSame(found) ? withProfile(found, { email: null }) : null,
    );
    if (released === null) return null;
    let upgraded: FoundAccount | null = null;
    try {
      upgraded = await this.changeGuest(guestId, (found) => withProfile(decide(found), { email, emailVerified: true }));
    } finally {
      // The sign-up is not lost: another code can be asked for.
      if (upgraded === null) await records.changeIf(keeper.id, (found) => withProfile(found, { email }));
    }
    if (upgraded !== null) await signUps.remove(keeper);
    if (upgraded !== null) records.emit('account-verified', guestId);
    return upgraded;
  }

  /** What makes an account what was signed up for. `email/verify` refuses a username that is taken; one that is taken in between is left out. */
  private async deciderOf(
    pending: PendingSignUp | undefined,
    accountId: string,
  ): Promise<(account: FoundAccount) => StoredAccount> {
    if (pending === undefined) return (found) => ({ ...found, credentials: withoutSignUp(found.credentials) });
    const isFree = await this.parts.signUps.isFree(pending.username, accountId);
    const { passwordHash, username, name, givenName, familyName, pictureUrl, customData } = pending;
    const given: Omit<PendingSignUp, 'passwordHash' | 'guestId' | 'customData'> = {
      username: isFree ? username : null,
      name,
      givenName,
      familyName,
      pictureUrl,
    };
    const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
    return (found) => ({
      ...withCustomData(withProfile(found, known), customData),
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
    if (upgraded === null) return null;
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
    if (changed === null) return null;
    records.emit('account-verified', account.id);
    return changed.after;
  }
}

function isStillUnproven(account: FoundAccount): (found: FoundAccount) => boolean {
  return ({ email, emailVerified }) => email === account.email && !emailVerified;
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

/** The account with what is stated about its user, where nothing is known yet. */
function withNames(account: StoredAccount, given: PersonNames = {}): StoredAccount {
  const isUnknown = ([name]: [string, unknown]): boolean => account[name as keyof PersonNames] === null;
  return withProfile(account, Object.fromEntries(Object.entries(given).filter(isUnknown)));
}

/** The account with what the app adds to its custom data when somebody signs up. */
function withCustomData(account: StoredAccount, added: JsonObject | null | undefined): StoredAccount {
  return { ...account, customData: { ...account.customData, ...added } };
}
