/** Senders of mails over SMTP, closed when the test ends, and how they fail. */
import { type AccountMail, type MailSender, smtp, type SmtpOptions } from 'nest-gatehouse/accounts';
import { afterEach, expect } from 'vitest';
import { readSmtpTerms, SmtpError, SmtpMailSender } from '../../src/accounts/smtp.js';
import { someMail } from './account-mail.js';

export const from = 'Acme <no-reply@acme.example>';
const secrets = ['482913', 'goc_secret-of-the-link', 'ada', 'example.com', 'pa55:w@rd', 'relay'];

const senders: MailSender[] = [];
export const keep = <Sender extends MailSender>(sender: Sender): Sender => {
  senders.push(sender);
  return sender;
};
/** A sender as an app creates it. */
export const senderTo = ({ port }: { port: number }, options: Partial<SmtpOptions> = {}, user = ''): MailSender =>
  keep(smtp(`smtp://${user}127.0.0.1:${port}`, { from, ...options }));

/** A sender with options of nodemailer that an app cannot set. */
export function senderWith(url: string, transport: Record<string, unknown>): MailSender {
  const terms = readSmtpTerms(url, { from });
  return keep(new SmtpMailSender({ ...terms, transport: { ...terms.transport, ...transport } }));
}

afterEach(async () => {
  for (const sender of senders.splice(0)) await sender.close?.();
});

/** The failure of a mail. Checks that nothing in it is secret, wherever a log may look. */
export async function failureOf(sender: MailSender, mail: AccountMail = someMail()): Promise<SmtpError> {
  const error: unknown = await Promise.resolve(sender.send(mail)).then(
    () => 'sent',
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SmtpError)) throw new Error('The mail did not fail as expected', { cause: error });
  const shown = [error.message, error.stack?.split('\n')[0], JSON.stringify(error), JSON.stringify(error.cause) ?? ''];
  for (const secret of [...secrets, mail.to]) expect(shown.join(' ')).not.toContain(secret);
  return error;
}
