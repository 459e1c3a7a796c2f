import { describe, expect, it } from 'vitest';
import type { AccountMail, AccountMailKind } from '../../../src/accounts/mail-sender.js';
import { writeMail } from '../../../src/accounts/mail-texts.js';
import { MemoryOneTimeCodeStore } from '../../../src/issuing/memory-one-time-code-store.js';
import type { StoredOneTimeCode } from '../../../src/issuing/one-time-code-store.js';
import { type CodePurpose, OneTimeCodes } from '../../../src/accounts/one-time-codes.js';
import { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { someAccount, someMail } from '../../support/account-mail.js';
import { ManualClock } from '../../support/manual-clock.js';

const kinds = [
  'verify-email',
  'reset-password',
  'magic-link',
  'account-exists',
  'no-account',
  'password-changed',
  'email-changed',
] as const satisfies readonly AccountMailKind[];
const withCode = ['verify-email', 'reset-password', 'magic-link'] as const;
const without = { link: null, code: null };
const textOf = (parts: Partial<AccountMail>): string => writeMail(someMail(parts), 'Acme').text;
const htmlOf = (parts: Partial<AccountMail>): string => writeMail(someMail(parts), 'Acme').html ?? '';

/** The text of a document, as a reader sees it. */
const readable = (html: string): string =>
  html
    .replace(/^[^]*<body[^>]*>/, '')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
    .trim();

describe.each(kinds)('%s', (kind) => {
  it('has a subject, says what to do if it was somebody else, and nothing that is missing', () => {
    for (const link of [null, 'https://app.example.com/x?code=goc_1']) {
      for (const code of [null, '123456']) {
        for (const account of [null, someAccount(), someAccount({ email: null, emailVerified: false, name: null })]) {
          const { subject, text, html = '' } = writeMail(someMail({ kind, link, code, account }), 'Acme');
          expect(subject).toMatch(/^(?=.*Acme)[A-Z].{10,60}$/);
          expect(text).toContain('If it was not you, ');
          expect(text).toMatch(/^Hello( Ada Lovelace)?,\n\n/);
          for (const words of [subject, text, html]) expect(words).not.toMatch(/undefined|null|\[object|NaN|[{}]/);
          expect(text.includes('123456')).toBe(code !== null);
          expect(html.includes('123456')).toBe(code !== null);
          expect(text.includes(':\nhttps://app.example.com/x?code=goc_1\n')).toBe(link !== null);
          expect(html.includes('<a href="https://app.example.com/x?code=goc_1">')).toBe(link !== null);
          expect(`${text} ${html}`).not.toContain('custom-data-of-the-app');
        }
      }
    }
  });

  it('says the same in HTML, which loads nothing', () => {
    const html = htmlOf({ kind });
    const shown = textOf({ kind })
      .replace(/:\nhttps:\S*/, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
    expect(readable(html)).toBe(shown);
    expect(html).not.toMatch(/<(img|script|link|style|iframe|object|form)|src=|url\(|@import/i);
    expect(html.match(/https?:/g)).toHaveLength(1);
  });

  it('escapes what it repeats in HTML', () => {
    const name = `<img src=x onerror="alert('1')">&`;
    const link = `https://app.example.com/?a=1&b="><script>alert('1')</script>`;
    const { html = '' } = writeMail(someMail({ kind, link, account: someAccount({ name }) }), `A"<b>&'`);
    expect(html).not.toMatch(/<img|<script|<b>|&(?!amp;|lt;|gt;|quot;|#39;)/);
    expect(html).toContain('href="https://app.example.com/?a=1&amp;b=&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)');
    expect(readable(html)).toContain(`Hello ${name},`);
  });
});

describe('the name of an account', () => {
  const greeting = (parts: Partial<AccountMail>): string =>
    textOf({ kind: 'verify-email', ...parts }).split('\n')[0] ?? '';
  const phishing = { name: 'You have won: https://evil.example' };

  it('is used for the address that it has confirmed', () => {
    expect(greeting({})).toBe('Hello Ada Lovelace,');
    expect(greeting({ to: 'ADA@Example.com' })).toBe('Hello Ada Lovelace,');
    expect(greeting({ account: someAccount({ name: ' Ada\r\n\u0085\tLovelace\0 ' }) })).toBe('Hello Ada Lovelace,');
    expect(greeting({ account: someAccount({ name: ' ' }) })).toBe('Hello,');
  });

  it.each(kinds)('is nowhere in a mail %s to any other address', (kind) => {
    const others: Partial<AccountMail>[] = [
      { account: someAccount({ ...phishing, emailVerified: false }) },
      { account: someAccount({ ...phishing, email: null }) },
      // Somebody changes the address of a confirmed account to that of a stranger.
      { account: someAccount(phishing), to: 'stranger@example.com' },
    ];
    for (const parts of others) {
      const { subject, text, html } = writeMail(someMail({ kind, ...parts }), 'Acme');
      expect(`${subject} ${text} ${html}`).not.toContain('evil');
    }
  });
});

describe('link and code', () => {
  it.each(withCode)('of %s come in this order, each with its time', (kind) => {
    const text = textOf({ kind });
    expect(text.indexOf('https://')).toBeLessThan(text.indexOf('Or type this code: 482913'));
    expect(text).toContain('Do not pass them on to anybody.');
    expect(textOf({ kind, link: null })).toContain('\n\nType this code: 482913\n\nThe code is valid for ');
    expect(textOf({ kind, code: null })).toContain('The link is valid for ');
    expect(textOf({ kind, ...without })).not.toMatch(/valid|code|link/);
  });

  it.each(withCode)('of %s are valid for as long as the mail says', async (kind) => {
    const created: StoredOneTimeCode[] = [];
    const store = new (class extends MemoryOneTimeCodeStore {
      override create(code: StoredOneTimeCode): Promise<void> {
        created.push(code);
        return super.create(code);
      }
    })();
    const clock = new ManualClock();
    const codes = new OneTimeCodes({ store, encryptionKeys: EncryptionKeys.random(), clock });
    const purposes: CodePurpose[] = kind === 'verify-email' ? ['verify-email', 'change-email'] : [kind];
    for (const purpose of purposes) await codes.issue({ purpose, subject: 'ada@example.com' });
    expect(created).toHaveLength(purposes.length);
    const words: Record<number, string> = { 600: '10 minutes', 900: '15 minutes', 86_400: 'a day' };
    const lasts = (until: Date | undefined) => words[((until?.getTime() ?? 0) - clock.now().getTime()) / 1_000];
    for (const { expiresAt, typed } of created) {
      expect(textOf({ kind, code: null })).toContain(`The link is valid for ${lasts(expiresAt)}.`);
      expect(textOf({ kind, link: null })).toContain(`The code is valid for ${lasts(typed?.expiresAt)}.`);
    }
  });
});
