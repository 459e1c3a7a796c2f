import { toAccountKey } from '../accounts/account-input.js';
import { type AccountMail, MailSender } from '../accounts/mail-sender.js';

/**
 * Keeps the mails of an app in a test, in place of sending them: `AccountsModule.forRoot({ mail: mailbox })`. Addresses are compared
 * as those of accounts are, without regard to case.
 *
 * Mails are sent after the request was answered. Ask for the next one before the request, and wait for it afterwards:
 *
 * ```ts
 * const mail = mailbox.next('ada@example.com');
 * await signUp('ada@example.com');
 * const { code } = await mail;
 * ```
 */
export class TestMailbox extends MailSender {
  private mails: readonly AccountMail[] = [];
  private readonly waiting = new Map<string, ((mail: AccountMail) => void)[]>();

  /** The mails since the start or the last `clear`, in the order in which they were sent. The list does not change. */
  get all(): readonly AccountMail[] {
    return this.mails;
  }

  /** The latest mail to an address; `null` where there is none. */
  last(to: string): AccountMail | null {
    const key = toAccountKey(to);
    return this.mails.findLast((mail) => toAccountKey(mail.to) === key) ?? null;
  }

  /** Waits for the next mail to an address. It does not give one that has been sent before, and has no time limit of its own. */
  next(to: string): Promise<AccountMail> {
    const key = toAccountKey(to);
    return new Promise((resolve) => {
      this.waiting.set(key, [...(this.waiting.get(key) ?? []), resolve]);
    });
  }

  /** Forgets the mails. Whoever waits for the next one goes on waiting. */
  clear(): void {
    this.mails = [];
  }

  /** Called by the app. */
  override send(mail: AccountMail): void {
    this.mails = [...this.mails, mail];
    const key = toAccountKey(mail.to);
    const waiting = this.waiting.get(key) ?? [];
    this.waiting.delete(key);
    for (const resolve of waiting) resolve(mail);
  }
}
