import type { RequestView } from '../request/request-view.js';
import { AuthUnavailableError } from '../errors/auth-error.js';
import type { AccountAccess } from './account-access.js';
import type { JsonObject } from '../token/json-object.js';
import { AccountError } from './account-error.js';
import { isSameMailbox, toAccountKey, withoutUndefined } from './account-input.js';
import type { AccountMails } from './account-mails.js';
import type { AccountPasswords } from './account-passwords.js';
import { type AccountProfile, takenError, withProfile } from './account-profile.js';
import type { AccountRecords } from './account-records.js';
import type { AccountCredentials, FoundAccount } from './account-store.js';
import type { AnswerPace } from './answer-pace.js';
import type { GuessingLimits } from './guessing-limits.js';
import type { OneTimeCodes, UsernameHolder } from './one-time-codes.js';

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
    await this.reserveUsername(profile.username ?? null, { emailKey, browser });
    // Beyond the limit the earlier code stays valid, so only whoever it is for may change what it verifies.
    const pending = { ...emptyProfile, ...withoutUndefined(profile), passwordHash, customData, guestId };
    if (!(await findLimits().takeMail(emailKey, network))) {
      await this.correct(email, emailKey, { browser, pending });
      return;
    }
    await pace.even(async () => {
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
    const given = { ...profile, email, emailVerified: false };
    if (guestId === null) {
      return await records.create({
        ...withProfile(records.newAccount(), given),
        customData: customData ?? {},
        credentials,
      });
    }
    const upgraded = await records.change(guestId, (account) => {
      if (!account.isAnonymous || account.status === 'disabled') throw noGuest();
      const data = { ...account.customData, ...customData };
      return { ...withProfile(account, given), customData: data, credentials, isAnonymous: false };
    });
    records.emit('account-upgraded', guestId);
    await access.endSessions(guestId);
    return upgraded;
  }

  /** @throws {AccountError} `USERNAME_TAKEN` where an account has it, or somebody else has signed up with it, whatever the addresses are */
  private async reserveUsername(username: string | null, holder: UsernameHolder): Promise<void> {
    await this.checkUsername(username);
    if (username === null) return;
    if (!(await this.parts.findCodes().reserveUsername(toAccountKey(username), holder))) throw takenError('username');
  }

  /** Usernames are public. @throws {AccountError} `USERNAME_TAKEN` where another account has it */
  async checkUsername(username: string | null, accountId: string | null = null): Promise<void> {
    if (!(await this.isFree(username, accountId))) throw takenError('username');
  }

  async isFree(username: string | null, accountId: string | null): Promise<boolean> {
    if (username === null) return true;
    const key = toAccountKey(username);
    const holder = await this.parts.records.ask((store) => store.findByUsername(key));
    return holder === null || holder.id === accountId;
  }

  /**
   * Takes the address, and the codes, from an account that it was never verified for. Its password, sessions, passkeys and identities stay;
   * an account that was made by a sign-up, and that nobody has signed in to, is deleted.
   */
  async release(holder: FoundAccount): Promise<void> {
    const { records, access } = this.parts;
    const released = await records.changeIf(holder.id, (account) => {
      if (account.emailKey !== holder.emailKey || account.emailVerified) return null;
      return { ...withProfile(account, { email: null }), credentials: withoutSignUp(account.credentials) };
    });
    if (released === null) return;
    await access.endCodes(holder.id);
    const identities = await records.ask((store) => store.listIdentities(holder.id));
    if (isUnused(released.before) && identities.length === 0) await this.remove(holder);
  }

  /** Deletes an account that was made by a sign-up, and that nobody has used. */
  async remove({ id }: FoundAccount): Promise<void> {
    const { records, access } = this.parts;
    await access.removeAll(id);
    if (await records.ask((store) => store.delete(id))) records.emit('account-deleted', id);
  }

  /** The account of the address: one that is not to be signed up for, or one with this sign-up. */
  private async store(
    email: string,
    emailKey: string,
    signUp: Required<Omit<SignUpState, 'isRestart'>>,
  ): Promise<{ readonly account: FoundAccount; readonly way: 'taken' | 'new' | 'again' }> {
    for (let round = 0; round < mostRounds; round += 1) {
      const holder = await this.parts.records.findByEmail(emailKey);
      if (holder !== null && !canSignUpAgain(holder, email)) return { account: holder, way: 'taken' };
      const account = await (holder === null ? this.create(email, signUp) : this.renew(holder, email, signUp));
      if (account !== null) return { account, way: holder === null ? 'new' : 'again' };
    }
    throw new AuthUnavailableError(
      'The account of an address was changed again and again while somebody signed up for it',
    );
  }

  /** @returns `null` where another request has made one */
  private create(email: string, signUp: Omit<SignUpState, 'isRestart'>): Promise<FoundAccount | null> {
    const { records } = this.parts;
    const account = withProfile(records.newAccount(), { email });
    return records.createIf({ ...account, credentials: { signUp: { ...signUp, isRestart: false } } });
  }

  /** Puts what somebody has corrected in the place of the sign-up that they made in the same browser, whose code stays valid. */
  private async correct(
    email: string,
    emailKey: string,
    signUp: Required<Omit<SignUpState, 'isRestart'>>,
  ): Promise<void> {
    const holder = await this.parts.records.findByEmail(emailKey);
    if (holder === null || signUp.browser === null || !canSignUpAgain(holder, email)) return;
    if (holder.credentials.signUp?.browser === signUp.browser) await this.renew(holder, email, signUp);
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
    return changed?.after ?? null;
  }
}

function noGuest(): AccountError {
  return AccountError.because('NOT_FOUND', 'The account is not that of a guest');
}

type SignUpState = NonNullable<AccountCredentials['signUp']>;

const emptyProfile = {
  username: null,
  name: null,
  givenName: null,
  familyName: null,
  pictureUrl: null,
} satisfies Record<keyof SignUpProfile, null>;

/** Whether an account was made by a sign-up that was not confirmed, and nobody has signed in to it. */
export function isUnused({ credentials, lastSignInAt, isAnonymous, groups, customData }: FoundAccount): boolean {
  const { signUp, passwordHash } = credentials;
  const isSignUp = signUp?.pending !== undefined && !signUp.isRestart && passwordHash === undefined;
  // The app may have prepared it for its user.
  const isBare = groups.length === 0 && Object.keys(customData).length === 0;
  return isSignUp && isBare && lastSignInAt === null && !isAnonymous;
}

/** Whether a sign-up may be kept for the account that has its address: nothing is proven, and it is that very mailbox. */
function canSignUpAgain(account: FoundAccount, email: string): boolean {
  if (account.emailVerified || account.status === 'disabled' || account.isAnonymous) return false;
  return isUnused(account) || isSameMailbox(account.email, email);
}

/** The credentials of an account that nobody has to verify a sign-up for any more. */
export function withoutSignUp(credentials: AccountCredentials): AccountCredentials {
  return Object.fromEntries(Object.entries(credentials).filter(([name]) => name !== 'signUp'));
}
