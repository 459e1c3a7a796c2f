import type { RequestView } from '../request/request-view.js';
import { toAccount } from './account.js';
import type { AccountLinks } from './account-options.js';
import type { FoundAccount } from './account-store.js';
import type { AccountMailKind } from './mail-sender.js';
import type { IssuedCode } from './one-time-codes.js';
import type { Outbox } from './outbox.js';

/** The page of the app that the link of a mail leads to. */
const pages: Readonly<Partial<Record<AccountMailKind, keyof AccountLinks>>> = {
  'verify-email': 'verifyEmail',
  'reset-password': 'resetPassword',
  'magic-link': 'magicLink',
};

/** Whom a mail goes to, and about which account. */
export interface MailTo {
  readonly to: string;
  readonly account: FoundAccount | null;
  /** Whose answer the mail follows. */
  readonly view: RequestView;
}

/** Writes the mails of accounts. */
export class AccountMails {
  constructor(
    private readonly outbox: Outbox,
    private readonly links: AccountLinks,
  ) {}

  /** A mail with a code. */
  sendCode(kind: 'verify-email' | 'reset-password' | 'magic-link', to: MailTo, { code, typed }: IssuedCode): void {
    const page = pages[kind];
    const link = page === undefined ? undefined : this.links[page];
    this.post(kind, to, { code: typed, link: link?.replace('{code}', code) ?? null });
  }

  /** A mail that states what is the case. */
  tell(kind: 'account-exists' | 'no-account' | 'email-changed', to: MailTo): void {
    this.post(kind, to, { code: null, link: null });
  }

  tellPasswordChanged(account: FoundAccount, view: RequestView): void {
    if (account.email === null) return;
    this.post('password-changed', { to: account.email, account, view }, { code: null, link: null });
  }

  private post(
    kind: AccountMailKind,
    { to, account, view }: MailTo,
    secrets: { readonly code: string | null; readonly link: string | null },
  ): void {
    const locale = readLocale(view);
    this.outbox.post({ kind, to, ...secrets, account: account && toAccount(account), locale });
  }
}

/** The first language that the browser accepts (RFC 9110 §12.5.4); `null` where it names none. */
function readLocale(view: RequestView): string | null {
  const [header = ''] = view.headers('accept-language');
  return /^\s*([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3})\s*(?:[,;]|$)/.exec(header)?.[1] ?? null;
}
