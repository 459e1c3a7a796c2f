import { toAccountKey } from './account-input.js';
import type { AccountMail, AccountMailKind } from './mail-sender.js';

/** A mail in words. */
export interface MailContent {
  readonly subject: string;
  readonly text: string;
  /** The same in HTML, for programs that show it. Left out, the mail is plain text alone. */
  readonly html?: string;
}

/** What a mail of one kind says. */
interface MailText {
  readonly subject: string;
  /** What is the case, and what to do, one sentence or more a paragraph. */
  readonly paragraphs: readonly string[];
  /** What the link does. */
  readonly action: string;
  /** How long the link and the code are valid, as `OneTimeCodes` has it; `null` where the mail has neither of them. */
  readonly validity: { readonly link: string; readonly code: string } | null;
  readonly ifNotYou: string;
}

const ignoreIt = 'If it was not you, ignore this mail.';
const nothingToDo = 'If it was you, there is nothing to do.';

/** The texts, by the name of the app. */
const texts: Readonly<Record<AccountMailKind, (app: string) => MailText>> = {
  'verify-email': (app) => ({
    subject: `Confirm your address for ${app}`,
    paragraphs: [`Somebody, probably you, entered this e-mail address at ${app}. Please confirm that it is yours.`],
    action: 'Confirm the address',
    validity: { link: 'a day', code: '10 minutes' },
    ifNotYou: `${ignoreIt} The address is not confirmed then.`,
  }),
  'reset-password': (app) => ({
    subject: `Set a new password for ${app}`,
    paragraphs: [`Somebody, probably you, asked for a new password for your account at ${app}.`],
    action: 'Set a new password',
    validity: { link: '15 minutes', code: '15 minutes' },
    ifNotYou: `${ignoreIt} Your password stays as it is.`,
  }),
  'magic-link': (app) => ({
    subject: `Sign in to ${app}`,
    paragraphs: [`Somebody, probably you, asked to sign in to ${app} with this e-mail address.`],
    action: 'Sign in',
    validity: { link: '10 minutes', code: '10 minutes' },
    ifNotYou: `${ignoreIt} Nobody is signed in by it alone.`,
  }),
  'account-exists': (app) => ({
    subject: `You have an account at ${app}`,
    paragraphs: [
      `Somebody, perhaps you, entered this e-mail address at ${app}, where it has an account already.`,
      'If it was you, sign in to that account. If you do not remember its password, ask for a new one where you sign in.',
    ],
    action: `Go to ${app}`,
    validity: null,
    ifNotYou: `${ignoreIt} Your account was not changed.`,
  }),
  'no-account': (app) => ({
    subject: `No account with this address at ${app}`,
    paragraphs: [
      `Somebody, perhaps you, entered this e-mail address at ${app}, where it has no account.`,
      'If it was you, your account may have another address.',
    ],
    action: `Go to ${app}`,
    validity: null,
    ifNotYou: ignoreIt,
  }),
  'password-changed': (app) => ({
    subject: `Your password for ${app} was changed`,
    paragraphs: [`The password of your account at ${app} was changed. ${nothingToDo}`],
    action: `Go to ${app}`,
    validity: null,
    ifNotYou:
      'If it was not you, ask for a new password at once where you sign in, and make sure that nobody else reads your mail.',
  }),
  'email-changed': (app) => ({
    subject: `Your address for ${app} was changed`,
    paragraphs: [`Your account at ${app} has another e-mail address now, in place of this one. ${nothingToDo}`],
    action: `Go to ${app}`,
    validity: null,
    ifNotYou: `If it was not you, somebody else may be able to use your account: contact ${app} at once.`,
  }),
};

/** A part of a mail, which plain text and HTML show in their own ways. */
type Block = { readonly text: string } | { readonly link: string; readonly action: string } | { readonly code: string };

/**
 * Writes a mail in English.
 *
 * @param app what the mail calls the app
 */
export function writeMail(mail: AccountMail, app: string): MailContent {
  const { subject, ...text } = texts[mail.kind](app);
  const blocks = toBlocks(mail, text);
  return { subject, text: toPlainText(blocks, mail), html: toHtml(subject, blocks, mail) };
}

function toBlocks(mail: AccountMail, text: Omit<MailText, 'subject'>): readonly Block[] {
  const { link, code } = mail;
  const validity = validityOf(mail, text);
  return [
    { text: greetingOf(mail) },
    ...text.paragraphs.map((paragraph) => ({ text: paragraph })),
    ...(link === null ? [] : [{ link, action: text.action }]),
    ...(code === null ? [] : [{ code }]),
    ...(validity === null ? [] : [{ text: validity }]),
    { text: text.ifNotYou },
  ];
}

/**
 * Uses the name of an account only in mails to the address that it has confirmed. To any other address the name may be a stranger's
 * text: whoever signs up, or changes an address, would send it to anybody in the name of the app.
 */
function greetingOf({ account, to }: AccountMail): string {
  const { email = null, emailVerified = false, name = null } = account ?? {};
  const isConfirmed = emailVerified && email !== null && toAccountKey(email) === toAccountKey(to);
  const shown = isConfirmed && name !== null ? name.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim() : '';
  return shown === '' ? 'Hello,' : `Hello ${shown},`;
}

function validityOf({ link, code }: AccountMail, { validity }: Omit<MailText, 'subject'>): string | null {
  if (validity === null || (link === null && code === null)) return null;
  if (code === null) return `The link is valid for ${validity.link}. Do not pass it on to anybody.`;
  if (link === null) return `The code is valid for ${validity.code}. Do not tell it to anybody.`;
  const lifetimes =
    validity.link === validity.code
      ? `The link and the code are valid for ${validity.link}.`
      : `The link is valid for ${validity.link}, the code for ${validity.code}.`;
  return `${lifetimes} Do not pass them on to anybody.`;
}

const beforeCode = (hasLink: boolean): string => (hasLink ? 'Or type this code:' : 'Type this code:');

function toPlainText(blocks: readonly Block[], { link }: AccountMail): string {
  const lines = blocks.map((block) => {
    if ('link' in block) return `${block.action}:\n${block.link}`;
    return 'code' in block ? `${beforeCode(link !== null)} ${block.code}` : block.text;
  });
  return `${lines.join('\n\n')}\n`;
}

/** Nothing in it is loaded from anywhere, so that opening the mail tells nobody. */
function toHtml(subject: string, blocks: readonly Block[], { link }: AccountMail): string {
  const lines = blocks.map((block) => {
    if ('link' in block) return `<a href="${escapeHtml(block.link)}">${escapeHtml(block.action)}</a>`;
    if ('text' in block) return escapeHtml(block.text);
    return `${beforeCode(link !== null)} <strong style="font-size: 1.25em">${escapeHtml(block.code)}</strong>`;
  });
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>`,
    '<body style="font-family: sans-serif; line-height: 1.5">',
    ...lines.map((line) => `<p>${line}</p>`),
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
