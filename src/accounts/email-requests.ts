import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { SessionGate } from '../sessions/session-gate.js';
import { AddressBody, readBody, VerifyEmailBody } from './account-bodies.js';
import { isSameMailbox, toAccountKey } from './account-input.js';
import type { AccountMails } from './account-mails.js';
import { checkIsOn } from './account-options.js';
import type { AccountPasswords } from './account-passwords.js';
import type { AccountRecords } from './account-records.js';
import { type AccountSessions, passwordMark } from './account-sessions.js';
import type { FoundAccount } from './account-store.js';
import type { AddressProofs } from './address-proofs.js';
import type { BrowserBinding } from './browser-binding.js';
import type { GuessingLimits } from './guessing-limits.js';
import { loginKeyOf } from './login-check.js';
import { invalidCode, type MailedCode, type MailedCodes } from './mailed-codes.js';
import type { OneTimeCodes } from './one-time-codes.js';
import type { SignUps } from './sign-ups.js';

export interface EmailRequestsParts {
  readonly gate: SessionGate;
  readonly records: AccountRecords;
  readonly codes: MailedCodes;
  readonly proofs: AddressProofs;
  readonly browsers: BrowserBinding;
  readonly passwords: AccountPasswords;
  readonly signUps: SignUps;
  readonly accountSessions: AccountSessions;
  readonly mails: AccountMails;
  readonly findLimits: () => GuessingLimits;
  readonly findCodes: () => OneTimeCodes;
  /** Whether mails can be sent at all. */
  readonly hasMail: boolean;
  readonly clock: Clock;
}

/** Whether a code was sent back by the person who has the account, and the methods that showed it (RFC 8176). */
interface Proof {
  readonly isProven: boolean;
  readonly amr: readonly string[];
}

/** What the routes of e-mail addresses do with a request. */
export class EmailRequests {
  constructor(private readonly parts: EmailRequestsParts) {}

  async sendVerification(request: object, response: object): Promise<object> {
    const { gate, codes, hasMail } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(hasMail, 'mail');
    const { email } = await readBody(AddressBody, request);
    await codes.send('verify-email', { email, view }, (account) => {
      if (account === null || account.status === 'disabled') return 'no-account';
      return account.emailVerified ? 'account-exists' : 'code';
    });
    return {};
  }

  async verify(request: object, response: object): Promise<TokenAnswer> {
    const { gate, codes, records, accountSessions, hasMail } = this.parts;
    const view = gate.beginSignIn(request, response);
    checkIsOn(hasMail, 'mail');
    const body = await readBody(VerifyEmailBody, request);
    const { password = null, remember } = body;
    const code = await codes.find(body, view, 'verify-email', 'change-email');
    const account = code.accountId === null ? null : await records.find(code.accountId);
    if (account?.status !== 'enabled') throw invalidCode('Its account was deleted or disabled');
    const isChange = code.purpose === 'change-email';
    const { verified, amr } = await (isChange
      ? this.confirmChange(account, code, view, password)
      : this.confirmSignUp(account, code, view, password));
    return await accountSessions.begin(
      verified,
      { request, response, network: networkOf(view) },
      {
        amr,
        loginKey: loginKeyOf(verified),
        remember: remember ?? true,
        isNewUser: !isChange && account.lastSignInAt === null,
      },
    );
  }

  async change(request: object, response: object): Promise<object> {
    const { gate, records, browsers, mails, findLimits, findCodes, clock, hasMail } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(hasMail, 'mail');
    const { user, body } = await gate.requireWith(view, () => readBody(AddressBody, request), readMilliseconds(clock));
    const { email } = body;
    const account = await records.find(user.id);
    if (account === null) throw RefusalError.session('revoked', 'The account of the session was deleted');
    if (account.isAnonymous) throw RefusalError.of('ACCESS_DENIED', 'A guest gets an address by signing up');
    const browser = browsers.bind(view, response);
    const emailKey = toAccountKey(email);
    if (!(await findLimits().takeMail(emailKey, networkOf(view)))) return {};
    const holder = await records.findByEmail(emailKey);
    const isTaken = holder !== null && holder.id !== account.id && holder.emailVerified;
    const code = await findCodes().issue({
      purpose: 'change-email',
      subject: emailKey,
      accountId: account.id,
      payload: { email, emailKey, browser, sessionId: user.sessionId, mark: passwordMark(account), isUsable: !isTaken },
    });
    if (isTaken) mails.tell('account-exists', { to: holder.email ?? email, account: holder, view });
    else mails.sendCode('verify-email', { to: email, account: null, view }, code);
    return {};
  }

  private async confirmSignUp(
    account: FoundAccount,
    code: MailedCode,
    view: RequestView,
    password: string | null,
  ): Promise<{ readonly verified: FoundAccount; readonly amr: readonly string[] }> {
    const { codes, proofs, browsers, signUps, accountSessions } = this.parts;
    checkIsUnproven(account, code);
    const { signUp, passwordHash = null } = account.credentials;
    const pending = signUp?.pending ?? { passwordHash, username: null, guestId: null };
    const isBound = browsers.isBound(view, signUp?.browser) || (await accountSessions.isGuest(view, pending.guestId));
    const given = { isBound, view, password, passwordHash: pending.passwordHash };
    const { isProven, amr } = await this.prove(account, given);
    if (isProven) await signUps.checkUsername(pending.username, account.id);
    await codes.use(code);
    // Otherwise the code proves the address alone, and nothing about who signed up.
    const verified = await (isProven ? proofs.confirm(account) : proofs.takeOver(account));
    if (verified === null) throw invalidCode('The account was changed at the same moment');
    return { verified, amr };
  }

  private async confirmChange(
    account: FoundAccount,
    code: MailedCode,
    view: RequestView,
    password: string | null,
  ): Promise<{ readonly verified: FoundAccount; readonly amr: readonly string[] }> {
    const { codes, proofs, mails } = this.parts;
    if (code.payload['mark'] !== passwordMark(account)) {
      throw invalidCode('The password was changed since the address was asked for');
    }
    const isOfSession = await this.isOfSession(account, code, view);
    // A password alone would pass a second factor by.
    const passwordHash = account.credentials.totp === undefined ? (account.credentials.passwordHash ?? null) : null;
    const { isProven, amr } = await this.prove(account, { isBound: isOfSession, view, password, passwordHash });
    if (!isProven) {
      throw RefusalError.of(
        'MISSING_TOKEN',
        'Neither the browser nor a session shows that the account asked for this address',
      );
    }
    await codes.use(code);
    const verified = await proofs.changeAddress(account, code.email, code.emailKey);
    if (verified === null) throw invalidCode('The account was changed at the same moment');
    if (account.email !== null && account.email !== code.email) {
      mails.tell('email-changed', { to: account.email, account, view });
    }
    return { verified, amr };
  }

  /** Whether the request has a session of the account, or is from the browser that asked for the new address, whose session goes on. */
  private async isOfSession(account: FoundAccount, { payload }: MailedCode, view: RequestView): Promise<boolean> {
    const { browsers, gate } = this.parts;
    if ((await gate.findUserId(view)) === account.id) return true;
    const { browser, sessionId } = payload;
    if (typeof browser !== 'string' || typeof sessionId !== 'string' || !browsers.isBound(view, browser)) return false;
    return (await gate.findUserIdOf(sessionId)) === account.id;
  }

  /**
   * Whether the caller is the one who has the account, who may be another one than the owner of the address.
   *
   * @throws {RefusalError} `PASSWORD_REQUIRED` where only the password can show it, and it is missing or wrong
   */
  private async prove(
    account: FoundAccount,
    {
      isBound,
      view,
      password,
      passwordHash,
    }: {
      readonly isBound: boolean;
      readonly view: RequestView;
      readonly password: string | null;
      /** `null` where no password can show it. */
      readonly passwordHash: string | null;
    },
  ): Promise<Proof> {
    if (password !== null && passwordHash !== null) {
      const network = networkOf(view);
      const guess = { login: loginKeyOf(account), network, accountId: account.id };
      await this.parts.findLimits().judge(guess, async () => {
        if (await this.parts.passwords.matches(passwordHash, password, network)) return;
        throw passwordRequired('The password is wrong');
      });
      return { isProven: true, amr: ['otp', 'pwd'] };
    }
    if (isBound) return { isProven: true, amr: ['otp'] };
    if (passwordHash !== null) {
      throw passwordRequired('The request is not from the browser that signed up, and has no password');
    }
    return { isProven: false, amr: ['otp'] };
  }
}

function checkIsUnproven({ email, emailVerified }: FoundAccount, code: MailedCode): void {
  if (!emailVerified && isSameMailbox(email, code.email)) return;
  throw invalidCode('The address is verified already, or the account has another one');
}

function passwordRequired(explanation: string): RefusalError {
  return RefusalError.of('PASSWORD_REQUIRED', explanation);
}
