import { TestMailbox } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { MailSender } from '../../../src/accounts/mail-sender.js';
import { someMail } from '../../support/account-mail.js';

describe('a mailbox', () => {
  it('keeps the mails, and finds the last one to an address as addresses are compared', () => {
    const mailbox = new TestMailbox();
    expect(mailbox).toBeInstanceOf(MailSender);
    expect([mailbox.last('ada@example.com'), mailbox.all]).toEqual([null, []]);
    const mails = [
      someMail({ code: '1' }),
      someMail({ code: '2', to: 'ADA@Example.com' }),
      someMail({ code: '3', to: 'eve@example.com' }),
    ];
    for (const mail of mails) mailbox.send(mail);
    expect(mailbox.last('ada@EXAMPLE.com')).toBe(mails[1]);
    expect(mailbox.last('eve@example.com')).toBe(mails[2]);
    expect(mailbox.last('nobody@example.com')).toBeNull();
    const all = mailbox.all;
    expect(all).toEqual(mails);
    mailbox.clear();
    expect([mailbox.last('ada@example.com'), mailbox.all]).toEqual([null, []]);
    expect(all).toEqual(mails);
  });

  it('waits for the next mail to an address, for all who ask, and once', async () => {
    const mailbox = new TestMailbox();
    mailbox.send(someMail({ code: 'before' }));
    const waiting = [mailbox.next('ada@example.com'), mailbox.next('Ada@Example.com')];
    let codeOfEve: string | null = 'none yet';
    void mailbox.next('eve@example.com').then(({ code }) => {
      codeOfEve = code;
    });
    mailbox.clear();
    mailbox.send(someMail({ code: 'first' }));
    mailbox.send(someMail({ code: 'second' }));
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(['first', 'first']);
    expect(codeOfEve).toBe('none yet');
    const later = mailbox.next('ada@example.com');
    mailbox.send(someMail({ code: 'third' }));
    expect((await later).code).toBe('third');
  });
});
