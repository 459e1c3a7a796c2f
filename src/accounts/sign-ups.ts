import type { RequestView } from '../request/request-view.js';
import { createUuidV7 } from '../issuing/uuid-v7.js';
import { AuthUnavailableError } from '../errors/auth-error.js';
import type { AccountAccess } from './account-access.js';
import { AccountError } from './account-error.js';
import { toAccountKey, withoutUndefined } from './account-input.js';
import type { AccountMails } from './account-mails.js';
import type { AccountPasswords } from './account-passwords.js';
import { type AccountProfile, createStoredAccount, takenError, withProfile } from './account-profile.js';
import type { AccountRecords } from './account-records.js';
import type { FoundAccount } from './account-store.js';
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

/** What a person signs up with. */
export interface SignUp {
  readonly email: string;
  readonly password?: string | undefined;
  readonly profile: AccountProfile;
  /** The account of the guest who signs up; `null` for anybody else. */
  readonly guestId: string | null;
  /** The SHA-256 of what binds the browser; `null` for a client without cookies. */
  readonly browser: string | null;
  readonly network: string | null;
  readonly view: RequestView;
}

/** What is stored with the account: the same for one that is made and for one that is started over. */
interface NewState {
  readonly profile: AccountProfile;
  readonly passwordHash: string | null;
  readonly browser: string | null;
}

/** How often it is tried again when another request takes or frees the address at the same moment. */
const mostRounds = 5;

/** Signing up where the address has to be verified first. Nothing of it tells whether the address has an account. */
export class SignUps {
  constructor(private readonly parts: SignUpsParts) {}

  /**
   * Makes an account that waits for its address to be verified, or starts one over that waits already; and mails the code, or that there
   * is an account.
   *
   * @throws {AccountError} `WEAK_PASSWORD`, or `USERNAME_TAKEN`, for taken and free addresses alike.
   */
  async start({ email, password, profile, guestId, browser, network, view }: SignUp): Promise<void> {
    const { passwords, findLimits, pace, mails, findCodes } = this.parts;
    const passwordHash = await passwords.toHash({ password }, { ...profile, email }, network);
    const emailKey = toAccountKey(email);
    await this.checkUsername(profile.username ?? null, emailKey, browser);
    // Beyond the limit the earlier code stays valid, so nothing of the account changes.
    if (!(await findLimits().takeMail(emailKey, network))) return;
    await pace.even(async () => {
      const state = { profile: { ...profile, email, emailVerified: false }, passwordHash, browser };
      const { account, isTaken } = await this.store(emailKey, state, guestId);
      const code = await findCodes().issue({
        purpose: 'verify-email',
        subject: emailKey,
        accountId: isTaken ? null : account.id,
        payload: { email, emailKey, isUsable: !isTaken },
      });
      // Addresses of different mailboxes may be compared as one: an account is told at its own.
      if (isTaken) mails.tell('account-exists', { to: account.email ?? email, account, view });
      else mails.sendCode('verify-email', { to: email, account, view }, code);
      if (isTaken) return 'taken';
      return account.credentials.signUp?.isRestart === true ? 'started over' : 'free';
    });
  }

  /**
   * Makes an account that works at once, of the guest where one signs up.
   *
   * @throws {AccountError} `EMAIL_TAKEN`, `USERNAME_TAKEN`, or `WEAK_PASSWORD`.
   */
  async createAtOnce({ email, password, profile, guestId, browser, network }: SignUp): Promise<FoundAccount> {
    const { records, access, passwords } = this.parts;
    const passwordHash = await passwords.toHash({ password }, { ...profile, email }, network);
    const credentials = toCredentials(passwordHash, browser, false);
    const given = { ...profile, email, emailVerified: false };
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

  /** The account of the address: one that works already, or in a state in which its verification makes it work. */
  private async store(
    emailKey: string,
    state: NewState,
    guestId: string | null,
  ): Promise<{ readonly account: FoundAccount; readonly isTaken: boolean }> {
    for (let round = 0; round < mostRounds; round += 1) {
      const holder = await this.findByEmail(emailKey);
      if (holder !== null && (holder.emailVerified || holder.status === 'disabled'))
        return { account: holder, isTaken: true };
      const stored = await this.storeBeside(holder, state, guestId);
      if (stored !== 'moved') return { account: stored, isTaken: false };
    }
    throw new AuthUnavailableError(
      'The account of an address was changed again and again while somebody signed up for it',
    );
  }

  /** @param holder the account that has the address, which is not verified; `null` where none has it */
  private async storeBeside(
    holder: FoundAccount | null,
    state: NewState,
    guestId: string | null,
  ): Promise<FoundAccount | 'moved'> {
    if (holder === null || holder.id === guestId)
      return guestId === null ? this.create(state) : this.claimForGuest(guestId, state);
    if (holder.isAnonymous || (guestId !== null && isUnused(holder))) {
      await this.release(holder);
      return 'moved';
    }
    return this.change(holder.id, state, (account) => account.emailKey === holder.emailKey && !account.emailVerified);
  }

  /** Takes the address from an account that it was never verified for. One that nobody has ever used goes with it. */
  async release(holder: FoundAccount): Promise<void> {
    const { records, access } = this.parts;
    await access.endCodes(holder.id);
    if (isUnused(holder)) {
      await access.endAll(holder.id);
      if (await records.ask((store) => store.delete(holder.id))) records.emit('account-deleted', holder.id);
      return;
    }
    await records.changeIf(holder.id, (account) => {
      if (account.emailKey !== holder.emailKey || account.emailVerified) return null;
      return { ...withProfile(account, { email: null }), credentials: {} };
    });
  }

  private async create({ profile, passwordHash, browser }: NewState): Promise<FoundAccount | 'moved'> {
    const { records } = this.parts;
    const at = records.now();
    const account = withProfile(createStoredAccount(createUuidV7(at.getTime()), at), profile);
    const taken = await records.ask((store) =>
      store.create({ ...account, credentials: toCredentials(passwordHash, browser, false) }),
    );
    if (taken === 'username') throw takenError(taken);
    if (taken !== null) return 'moved';
    records.emit('account-created', account.id);
    return { ...account, credentials: toCredentials(passwordHash, browser, false), groups: [] };
  }

  private claimForGuest(guestId: string, state: NewState): Promise<FoundAccount | 'moved'> {
    return this.change(guestId, state, (account) => account.isAnonymous && account.status === 'enabled');
  }

  private async change(
    id: string,
    { profile, passwordHash, browser }: NewState,
    mayChange: (account: FoundAccount) => boolean,
  ): Promise<FoundAccount | 'moved'> {
    const changed = await this.parts.records.changeIf(id, (account) => {
      if (!mayChange(account)) return null;
      // What an earlier sign-up has written may be a stranger's; what the app has written stays.
      const given =
        account.credentials.signUp === undefined ? profile : { ...emptyProfile, ...withoutUndefined(profile) };
      return {
        ...withProfile(account, given),
        credentials: toCredentials(passwordHash, browser, !account.isAnonymous),
      };
    });
    if (changed === 'username') throw takenError(changed);
    return changed === null || changed === 'email' ? 'moved' : changed.after;
  }

  /** Usernames are public. One that this browser has chosen for the same address is its own. */
  private async checkUsername(username: string | null, emailKey: string, browser: string | null): Promise<void> {
    if (username === null) return;
    const holder = await this.parts.records.ask((store) => store.findByUsername(toAccountKey(username)));
    if (holder === null) return;
    const isOwn =
      browser !== null &&
      holder.emailKey === emailKey &&
      !holder.emailVerified &&
      holder.credentials.signUp?.browser === browser;
    if (!isOwn) throw AccountError.because('USERNAME_TAKEN', 'Another account has the same username');
  }

  private findByEmail(emailKey: string): Promise<FoundAccount | null> {
    return this.parts.records.ask((store) => store.findByEmail(emailKey));
  }
}

function noGuest(): AccountError {
  return AccountError.because('NOT_FOUND', 'The account is not that of a guest');
}

const emptyProfile = {
  username: null,
  name: null,
  givenName: null,
  familyName: null,
  pictureUrl: null,
  customData: {},
};

/** Whether an account was made by a sign-up, and nobody has signed in to it. */
function isUnused({ credentials, lastSignInAt, isAnonymous }: FoundAccount): boolean {
  return credentials.signUp !== undefined && lastSignInAt === null && !isAnonymous;
}

function toCredentials(passwordHash: string | null, browser: string | null, isRestart: boolean) {
  return { ...(passwordHash !== null && { passwordHash }), signUp: { browser, isRestart } };
}
