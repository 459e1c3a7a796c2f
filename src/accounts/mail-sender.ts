import type { Account } from './account.js';

/** What a mail is about. */
export type AccountMailKind =
  | 'verify-email'
  | 'reset-password'
  | 'magic-link'
  | 'account-exists'
  | 'no-account'
  | 'password-changed'
  | 'email-changed';

/** A mail to a person, to be put into words. */
export interface AccountMail {
  readonly kind: AccountMailKind;
  /** The address of the account as it is stored; for a sign-up, a change of address, or where there is no account, as it was typed. */
  readonly to: string;
  /** Six digits to type; `null` where the mail has none. Whoever has them acts for the person: do not log them. */
  readonly code: string | null;
  /** The address of the app's page with the code in it; `null` where the mail has none, or the app has no such page. A secret too. */
  readonly link: string | null;
  /** `null` where there is none with this address. */
  readonly account: Account | null;
  /** The language that the person's browser prefers (RFC 5646), such as `de-CH`; `null` where it is unknown. */
  readonly locale: string | null;
}

/**
 * Sends the mails of accounts: `AccountsModule.forRoot({ mail })`. `smtp(url, { from })` is one; an app may write its own, for a
 * service with an API or with words of its own.
 */
export abstract class MailSender {
  /**
   * Hands a mail over to whoever delivers it. It is called after the request was answered. What it throws is logged by its name
   * alone, and it is called again, 3 times in all.
   */
  abstract send(mail: AccountMail): unknown;

  /** Called when the app starts. If it throws, the app does not start. */
  open?(): unknown;

  /** Called when the app shuts down, after the last mail. */
  close?(): unknown;
}
