import { type AccountMail, MailSender } from 'nest-gatehouse/accounts';

const keptMails = 20;

/** A mail as the page shows it. */
export interface KeptMail extends Pick<AccountMail, 'kind' | 'to' | 'code' | 'link'> {
  readonly id: number;
  readonly sentAt: Date;
}

/** Sends mails to nobody, and keeps the last ones for the page. An app has `smtp(url, { from })` in its place. */
export class KeptMails extends MailSender {
  private mails: readonly KeptMail[] = [];
  private count = 0;

  override send({ kind, to, code, link }: AccountMail): void {
    this.count += 1;
    this.mails = [{ id: this.count, kind, to, code, link, sentAt: new Date() }, ...this.mails].slice(0, keptMails);
  }

  /** The newest first. */
  list(): readonly KeptMail[] {
    return this.mails;
  }
}
