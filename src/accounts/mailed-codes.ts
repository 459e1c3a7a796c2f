import { RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { JsonObject } from '../token/json-object.js';
import type { CodeBody } from './account-bodies.js';
import { toAccountKey } from './account-input.js';
import type { AccountMails } from './account-mails.js';
import type { AccountRecords } from './account-records.js';
import type { FoundAccount } from './account-store.js';
import type { AnswerPace } from './answer-pace.js';
import type { GuessingLimits } from './guessing-limits.js';
import { loginKey } from './login-check.js';
import type { CodePurpose, FoundCode, OneTimeCodes } from './one-time-codes.js';

export interface MailedCodesParts {
  readonly records: AccountRecords;
  readonly mails: AccountMails;
  readonly findLimits: () => GuessingLimits;
  readonly findCodes: () => OneTimeCodes;
  readonly pace: AnswerPace;
}

/** A code that was mailed to an address, and sent back. */
export interface MailedCode extends FoundCode {
  /** The address that it was mailed to, exactly. An account is proven to be its holder's only where it has this very address. */
  readonly email: string;
  readonly emailKey: string;
}

/** A mail that was asked for. */
interface RequestedMail {
  readonly email: string;
  readonly view: RequestView;
  /** What the code is bound to besides. */
  readonly more?: JsonObject;
}

/** The purposes of codes whose mails anybody may ask for. */
type RequestedPurpose = 'verify-email' | 'reset-password' | 'magic-link';

/** Mails codes to addresses, and takes them back. */
export class MailedCodes {
  constructor(private readonly parts: MailedCodesParts) {}

  /**
   * Mails a code to an address, or what is the case where there is none to send. The caller cannot tell which, nor whether the limit of
   * mails was reached, beyond which nothing is sent.
   *
   * @param choose what is sent to the holder of the account with this address, or to the address that has none
   */
  async send(
    purpose: RequestedPurpose,
    { email, view, more = {} }: RequestedMail,
    choose: (account: FoundAccount | null) => 'code' | 'account-exists' | 'no-account',
  ): Promise<void> {
    const { records, mails, findLimits, findCodes, pace } = this.parts;
    const emailKey = toAccountKey(email);
    if (!(await findLimits().takeMail(emailKey, networkOf(view)))) return;
    await pace.even(async () => {
      const account = await records.findByEmail(emailKey);
      const kind = choose(account);
      const isUsable = kind === 'code';
      // Addresses of different mailboxes may be compared as one, such as those with a Kelvin sign and with a k.
      const to = account?.email ?? email;
      // Also where it is not mailed, so that the answer takes as long.
      const issued = await findCodes().issue({
        purpose,
        subject: emailKey,
        accountId: isUsable ? (account?.id ?? null) : null,
        payload: { ...more, email: to, emailKey, isUsable },
      });
      if (isUsable) mails.sendCode(purpose, { to, account, view }, issued);
      else mails.tell(kind, { to, account, view });
      return account === null ? `${kind}, and no account` : kind;
    });
  }

  /**
   * Finds the code that was sent back, without using it up: that of the link, or the one that was typed with its address. A typed one that
   * is wrong counts as a failure of the login.
   *
   * @throws {RefusalError} `INVALID_CODE` or `TOO_MANY_ATTEMPTS`
   */
  async find({ code, email }: CodeBody, view: RequestView, ...purposes: readonly CodePurpose[]): Promise<MailedCode> {
    if (typeof email !== 'string') return toMailedCode(await this.parts.findCodes().findByLink(code, ...purposes));
    const emailKey = toAccountKey(email);
    const account = await this.parts.records.findByEmail(emailKey);
    const guess = { login: loginKey(emailKey), network: networkOf(view), accountId: account?.id ?? null };
    return await this.parts
      .findLimits()
      .judge(guess, async () => toMailedCode(await this.parts.findCodes().findByTyped(code, emailKey, ...purposes)));
  }

  /** Uses a code up. @throws {RefusalError} `INVALID_CODE` for all callers but one */
  use(code: FoundCode): Promise<void> {
    return this.parts.findCodes().use(code);
  }
}

function toMailedCode(found: FoundCode): MailedCode {
  const { email, emailKey, isUsable } = found.payload;
  if (isUsable === true && typeof email === 'string' && typeof emailKey === 'string') {
    return { ...found, email, emailKey };
  }
  throw invalidCode('It was issued where there is nothing to do, and was never mailed');
}

/** The refusal of a code whose account is not what it was when the code was mailed. */
export function invalidCode(explanation: string): RefusalError {
  return RefusalError.of('INVALID_CODE', `The code was refused. ${explanation}`);
}
