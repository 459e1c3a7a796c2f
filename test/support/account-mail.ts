/** A mail and its account, with the members that a test needs. */
import type { Account, AccountMail } from 'nest-gatehouse/accounts';

export function someAccount(parts: Partial<Account> = {}): Account {
  return {
    id: '0193a000-0000-7000-8000-000000000001',
    email: 'ada@example.com',
    emailVerified: true,
    username: null,
    name: 'Ada Lovelace',
    givenName: null,
    familyName: null,
    pictureUrl: null,
    status: 'enabled',
    isAnonymous: false,
    hasPassword: true,
    groups: [],
    customData: { note: 'custom-data-of-the-app' },
    createdAt: new Date(0),
    updatedAt: new Date(0),
    lastSignInAt: null,
    ...parts,
  };
}

export function someMail(parts: Partial<AccountMail> = {}): AccountMail {
  return {
    kind: 'magic-link',
    to: 'ada@example.com',
    code: '482913',
    link: 'https://app.example.com/in?code=goc_secret-of-the-link',
    account: someAccount(),
    locale: null,
    ...parts,
  };
}
