import type { RequestView } from '../request/request-view.js';
import { createUuidV7 } from '../issuing/uuid-v7.js';
import { AuthUnavailableError } from '../errors/auth-error.js';
import type { AccountAccess } from './account-access.js';
import type { JsonObject } from '../token/json-object.js';
import { AccountError } from './account-error.js';
import { isSameMailbox, toAccountKey, withoutUndefined } from './account-input.js';
import type { AccountMails } from './account-mails.js';
import type { AccountPasswords } from './account-passwords.js';
import { type AccountProfile, createStoredAccount, takenError, withProfile } from './account-profile.js';
import type { AccountRecords } from './account-records.js';
import type { AccountCredentials, FoundAccount } from './account-store.js';
import type { AnswerPace } from './answer-pace.js';
import type { GuessingLimits } from './guessing-limits.js';
import type { OneTimeCodes } from './one-time-codes.js';

export interface SignUpsParts {
  readonly records: AccountRecords;
  readonly passwords: AccountPasswords;
  readonly access: AccountAccess;
  readonly mails: AccountMails;
  readonly findLimits: () => GuessingLimits;
  readonly findCodes: () => OneTimeCodes;
  readonly pace: AnswerPace;
}

/** What a person states about themselves when they sign up. */
type SignUpProfile = Pick<AccountProfile, 'username' | 'name' | 'givenName' | 'familyName' | 'pictureUrl'>;

/** What a person signs up with. */
export interface SignUp {
  readonly email: string;
  readonly password?: string | undefined;
  readonly profile: SignUpProfile;
  readonly customData: JsonObject | null;
  /** The account of the guest who signs up; `null` for anybody else. */
  readonly guestId: string | null;
  /** The SHA-256 of what binds the browser; `null` for a client without cookies. */
  readonly browser: string | null;
  readonly network: string | null;
  readonly view: RequestView;
}

/** How often it is tried again when another request takes or frees the address at the same moment. */
const mostRounds = 5;

/** Signing up. Where the address has to be verified first, nothing tells whether it has an account. */
export class SignUps {
  constructor(private readonly parts: SignUpsParts) {}

  /**
   * Makes an account that waits for its address to be verified, or lets another sign-up take the place of an earlier one; and mails the
   * code, or that there is an account. What was given is kept for the verification: until then the account has its address alone.
   *
   * @throws {AccountError} `WEAK_PASSWORD`, or `USERNAME_TAKEN`, for taken and free addresses alike.
   */
  async start({ email, password, profile, customData, guestId, browser, network, view }: SignUp): Promise<void> {
    const { passwords, findLimits, pace, mails, findCodes } = this.parts;
    const passwordHash = await passwords.toHash({ password }, { ...profile, email }, network);
    const emailKey = toAccountKey(email);
    await this.checkUsername(profile.username ?? null);
    // Beyond the limit the earlier code stays valid, so nothing of the account changes.
    if (!(await findLimits().takeMail(emailKey, network))) return;
    await pace.even(async () => {
      const pending = { ...emptyProfile, ...withoutUndefined(profile), passwordHash, customData, guestId };
      const { account, way } = await this.store(email, emailKey, { browser, pending });
      const isTaken = way === 'taken';
      const code = await findCodes().issue({
        purpose: 'verify-email',
        subject: emailKey,
        accountId: isTaken ? null : account.id,
        payload: { email, emailKey, isUsable: !isTaken },
      });
      // Addresses of different mailboxes may be compared as one: an account is told at its own.
      if (isTaken) mails.tell('account-exists', { to: account.email ?? email, account, view });
      else mails.sendCode('verify-email', { to: email, account, view }, code);
      return way;
    });
  }

  /**
   * Makes an account that works at once, of the guest where one signs up.
   *
   * @throws {AccountError} `EMAIL_TAKEN`, `USERNAME_TAKEN`, or `WEAK_PASSWORD`.
   */
  async createAtOnce({
    email,
    password,
    profile,
    customData,
    guestId,
    browser,
    network,
  }: SignUp): Promise<FoundAccount> {
    const { records, access, passwords } = this.parts;
    const passwordHash = await passwords.toHash({ password }, { ...profile, email }, network);
    const credentials = { ...(passwordHash !== null && { passwordHash }), signUp: { browser, isRestart: false } };
    const given = { ...profile, email, emailVerified: false, ...(customData !== null && { customData }) };
    if (guestId === null) {
      const at = records.now();
      const account = withProfile(createStoredAccount(createUuidV7(at.getTime()), at), given);
      return await records.create({ ...account, credentials });
    }
    const upgraded = await records.change(guestId, (account) => {
      if (!account.isAnonymous || account.status === 'disabled') throw noGuest();
      return { ...withProfile(account, given), credentials, isAnonymous: false };
    });
    records.emit('account-upgraded', guestId);
    await access.endSessions(guestId);
    return upgraded;
  }

  /** Usernames are public. @throws {AccountError} `USERNAME_TAKEN` */
  async checkUsername(username: string | null): Promise<void> {
    if (!(await this.isFree(username))) throw takenError('username');
  }

  async isFree(username: string | null): Promise<boolean> {
    if (username === null) return true;
    const key = toAccountKey(username);
    return (await this.parts.records.ask((store) => store.findByUsername(key))) === null;
  }

  /**
   * Takes the address from an account that it was never verified for. One that was made by a sign-up, and that nobody has signed in to,
   * goes with it.
   */
  async release(holder: FoundAccount): Promise<void> {
    const { records, access } = this.parts;
    const released = await records.changeIf(holder.id, (account) => {
      if (account.emailKey !== holder.emailKey || account.emailVerified) return null;
      return { ...withProfile(account, { email: null }), credentials: {} };
    });
    if (released === null || typeof released === 'string') return;
    await access.endCodes(holder.id);
    if (!isUnused(released.before)) return;
    await access.removeAll(holder.id);
    if (await records.ask((store) => store.delete(holder.id))) records.emit('account-deleted', holder.id);
  }

  /** The account of the address: one that is not to be signed up for, or one with this sign-up. */
  private async store(
    email: string,
    emailKey: string,
    signUp: Required<Omit<SignUpState, 'isRestart'>>,
  ): Promise<{ readonly account: FoundAccount; readonly way: 'taken' | 'new' | 'again' }> {
    for (let round = 0; round < mostRounds; round += 1) {
      const holder = await this.findByEmail(emailKey);
      if (holder !== null && !canSignUpAgain(holder, email)) return { account: holder, way: 'taken' };
      const account = await (holder === null ? this.create(email, signUp) : this.renew(holder, email, signUp));
      if (account !== null) return { account, way: holder === null ? 'new' : 'again' };
    }
    throw new AuthUnavailableError(
      'The account of an address was changed again and again while somebody signed up for it',
    );
  }

  /** @returns `null` where another request has made one */
  private async create(email: string, signUp: Omit<SignUpState, 'isRestart'>): Promise<FoundAccount | null> {
    const { records } = this.parts;
    const at = records.now();
    const account = {
      ...withProfile(createStoredAccount(createUuidV7(at.getTime()), at), { email }),
      credentials: { signUp: { ...signUp, isRestart: false } },
    };
    if ((await records.ask((store) => store.create(account))) !== null) return null;
    records.emit('account-created', account.id);
    return { ...account, groups: [] };
  }

  /** Puts a sign-up in the place of an earlier one. @returns `null` where the account was changed meanwhile */
  private async renew(
    { id }: FoundAccount,
    email: string,
    signUp: Omit<SignUpState, 'isRestart'>,
  ): Promise<FoundAccount | null> {
    const changed = await this.parts.records.changeIf(id, (account) => {
      if (!canSignUpAgain(account, email)) return null;
      const isRestart = !isUnused(account);
      // Of an account that is used, the address stays as it is, since nothing is proven yet.
      const address = isRestart ? {} : { email };
      const credentials = { ...account.credentials, signUp: { ...signUp, isRestart } };
      return { ...account, ...address, credentials };
    });
    return changed === null || typeof changed === 'string' ? null : changed.after;
  }

  private findByEmail(emailKey: string): Promise<FoundAccount | null> {
    return this.parts.records.ask((store) => store.findByEmail(emailKey));
  }
}

function noGuest(): AccountError {
  return AccountError.because('NOT_FOUND', 'The account is not that of a guest');
}

type SignUpState = NonNullable<AccountCredentials['signUp']>;

const emptyProfile = { username: null, name: null, givenName: null, familyName: null, pictureUrl: null };

/** Whether an account was made by a sign-up that was not confirmed, and nobody has signed in to it. */
function isUnused({ credentials, lastSignInAt, isAnonymous }: FoundAccount): boolean {
  const { signUp } = credentials;
  return signUp?.pending !== undefined && !signUp.isRestart && lastSignInAt === null && !isAnonymous;
}

/** Whether a sign-up may be kept for the account that has its address: nothing is proven, and it is that very mailbox. */
function canSignUpAgain(account: FoundAccount, email: string): boolean {
  if (account.emailVerified || account.status === 'disabled' || account.isAnonymous) return false;
  return isUnused(account) || isSameMailbox(account.email, email);
}
