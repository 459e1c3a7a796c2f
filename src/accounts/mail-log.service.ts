import { Logger } from '@nestjs/common';

import { type AccountMail, MailSender } from './mail-sender.js';

/** Writes mails to the log, with their codes: for development. In production an app without a sender does not start. */
export class MailLog extends MailSender {
  private readonly logger = new Logger('Gatehouse');

  override send({ kind, to, code, link }: AccountMail): void {
    const parts = [code === null ? [] : [`code ${code}`], link === null ? [] : [link]].flat();
    this.logger.log(`Mail to ${to}: ${[kind, ...parts].join(', ')}`);
  }
}
