import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { SessionGate } from '../sessions/session-gate.js';
import { AddressBody, readBody, VerifyEmailBody } from './account-bodies.js';
import { toAccountKey } from './account-input.js';
import type { AccountMails } from './account-mails.js';
import { type AccountTerms, checkIsOn } from './account-options.js';
import type { AccountRecords } from './account-records.js';
import type { AccountSessions } from './account-sessions.js';
import type { FoundAccount } from './account-store.js';
import type { AddressProofs } from './address-proofs.js';
import type { BrowserBinding } from './browser-binding.js';
import type { GuessingLimits } from './guessing-limits.js';
import { type LoginCheck, loginKey, loginKeyOf } from './login-check.js';
import { invalidCode, type MailedCode, type MailedCodes } from './mailed-codes.js';
import type { OneTimeCodes } from './one-time-codes.js';

export interface EmailRequestsParts {
  readonly terms: AccountTerms;
  readonly gate: SessionGate;
  readonly records: AccountRecords;
  readonly codes: MailedCodes;
  readonly proofs: AddressProofs;
  readonly browsers: BrowserBinding;
  readonly login: LoginCheck;
  readonly accountSessions: AccountSessions;
  readonly mails: AccountMails;
  readonly findLimits: () => GuessingLimits;
  readonly findCodes: () => OneTimeCodes;
  /** Whether mails can be sent at all. */
  readonly hasMail: boolean;
  readonly clock: Clock;
}

/** How it is known that whoever sends a code back is the one who has the account. */
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
    const user = await gate.requireRecent(view, readMilliseconds(clock));
    const { email } = await readBody(AddressBody, request);
    const account = await records.find(user.id);
    if (account === null) throw RefusalError.session('revoked', 'The account of the session was deleted');
    const browser = browsers.bind(view, response);
    const emailKey = toAccountKey(email);
    if (!(await findLimits().takeMail(emailKey, networkOf(view)))) return {};
    const holder = await records.ask((store) => store.findByEmail(emailKey));
    const isTaken = holder !== null && holder.id !== account.id && holder.emailVerified;
    const code = await findCodes().issue({
      purpose: 'change-email',
      subject: emailKey,
      accountId: account.id,
      payload: { email, emailKey, browser, isUsable: !isTaken },
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
    const { codes, proofs, browsers } = this.parts;
    if (account.emailVerified || account.email !== code.email) {
      throw invalidCode('The address is verified already, or the account has another one');
    }
    const isBound = browsers.isBound(view, account.credentials.signUp?.browser);
    const { isProven, amr } = await this.prove(account, { isBound, view, password });
    await codes.use(code);
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
    const { codes, proofs, browsers, gate, mails } = this.parts;
    const { browser } = code.payload;
    const isBound =
      browsers.isBound(view, typeof browser === 'string' ? browser : null) ||
      (await gate.findUserId(view)) === account.id;
    const { isProven, amr } = await this.prove(account, { isBound, view, password });
    if (!isProven) {
      throw RefusalError.of(
        'MISSING_TOKEN',
        'Neither the browser nor a session shows that the account asked for this address',
      );
    }
    await codes.use(code);
    const verified = await proofs.changeAddress(account, code.email, code.emailKey);
    if (account.email !== null && account.emailKey !== code.emailKey) {
      mails.tell('email-changed', { to: account.email, account, view });
    }
    return { verified, amr };
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
    }: { readonly isBound: boolean; readonly view: RequestView; readonly password: string | null },
  ): Promise<Proof> {
    if (password !== null && account.credentials.passwordHash !== undefined) {
      const key = account.emailKey === null ? loginKeyOf(account) : loginKey(account.emailKey);
      const guess = { key, found: account, password, network: networkOf(view) };
      await this.parts.login.checkPassword(guess, passwordRequired);
      return { isProven: true, amr: ['otp', 'pwd'] };
    }
    if (isBound) return { isProven: true, amr: ['otp'] };
    if (account.credentials.passwordHash !== undefined) {
      throw passwordRequired('The request is not from the browser that signed up, and has no password');
    }
    return { isProven: false, amr: ['otp'] };
  }
}

function passwordRequired(explanation: string): RefusalError {
  return RefusalError.of('PASSWORD_REQUIRED', explanation);
}
