/** Apps that keep accounts, and whose mails go to a mailbox. */
import type { AccountMail, AccountsModuleOptions } from 'nest-gatehouse/accounts';
import { TestMailbox } from 'nest-gatehouse/testing';

import { type AccountApp, startAccountApp } from './account-app.js';
import type { Platform } from './app.js';
import type { Answer } from './http.js';
import type { SessionAppParts, SessionClient } from './session-app.js';

export interface MailApp extends AccountApp {
  readonly mailbox: TestMailbox;
  /** The latest mail to an address. */
  readonly mailTo: (to: string) => AccountMail;
  /** The code in the link of the latest mail to an address. */
  readonly linkCode: (to: string) => string;
}

export const links = {
  verifyEmail: 'https://app.example.com/verify?code={code}',
  resetPassword: 'https://app.example.com/reset?code={code}',
  magicLink: 'https://app.example.com/magic?code={code}',
};

export async function startMailApp(
  platform: Platform,
  options: AccountsModuleOptions = {},
  parts: SessionAppParts = {},
): Promise<MailApp> {
  const mailbox = new TestMailbox();
  const app = await startAccountApp(platform, { signUp: 'verify-first', mail: mailbox, links, ...options }, parts);
  const mailTo = (to: string): AccountMail => {
    const mail = mailbox.last(to);
    if (mail === null) throw new Error(`There is no mail to ${to}`);
    return mail;
  };
  const linkCode = (to: string): string => {
    const { link } = mailTo(to);
    if (link === null) throw new Error(`The mail to ${to} has no link`);
    return new URL(link).searchParams.get('code') ?? '';
  };
  return { ...app, mailbox, mailTo, linkCode };
}

/** Status and code of an answer. */
export const outcome = ({ status, json }: Answer): readonly [number, unknown] => [
  status,
  (json as { code?: unknown } | undefined)?.code,
];

/** What of an answer could tell something: without what differs between two answers of the same kind, and the value of a cookie. */
export function comparable({ status, headers, text }: Answer): object {
  const cookies = headers['set-cookie']?.replaceAll(/=[\w-]{22};/g, '=…;');
  return { status, text, headers: { ...headers, date: '', 'set-cookie': cookies } };
}

export const post = (client: SessionClient, path: string, json?: object, delivery?: 'body'): Promise<Answer> =>
  client.post(`/auth/${path}`, json, delivery === undefined ? [] : [['X-Token-Delivery', delivery]]);
