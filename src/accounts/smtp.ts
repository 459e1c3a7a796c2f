import { loadPackage } from '../configuration/load-package.js';
import { isLoopback } from '../configuration/read-address.js';
import { path, readOptions, readSwitch, requireText } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { describeThrown } from '../telemetry/log-text.js';
import { isEmail } from './account-input.js';
import { type AccountMail, MailSender } from './mail-sender.js';
import { type MailContent, writeMail } from './mail-texts.js';

export interface SmtpOptions {
  /**
   * Whom the mails come from: an address, or a name and an address, such as `Acme <no-reply@example.com>`. The built-in texts call
   * the app by this name, or without one by the domain of the address.
   */
  readonly from: string;
  /**
   * Puts the mails into words, in the app's own languages. `html` is sent as it is: escape what it repeats. Use the name of an
   * account only where `emailVerified` is true and `to` is its address; elsewhere a stranger may have chosen it.
   *
   * @defaultValue short texts in English, as plain text and HTML
   */
  readonly render?: (mail: AccountMail) => MailContent | Promise<MailContent>;
  /**
   * Sends user and password, and the mails, unencrypted to a server on another machine that offers no TLS. Whoever reads the network
   * can then send mail in the app's name, and sign in as any of its users.
   *
   * @defaultValue false: mail that cannot be sent over TLS to such a server fails
   */
  readonly allowCredentialsWithoutTls?: boolean;
}

/**
 * Sends the mails of accounts over SMTP. Needs the package `nodemailer`: `npm install nodemailer`.
 *
 * Up to 5 connections are kept open for the next mails. `smtps:` is TLS from the beginning; with `smtp:` the connection is upgraded
 * where the server offers it (STARTTLS, RFC 3207), and has to be where the URL has a user and the server is not on this machine.
 * Certificates are verified, except by `smtp:` on this machine; `NODE_EXTRA_CA_CERTS` adds authorities. Connecting and the
 * greeting take 10 seconds at most, each answer after them 20.
 *
 * Every mail has one recipient, and `Auto-Submitted: auto-generated` (RFC 3834). An address with letters beyond ASCII before the
 * `@` is sent by SMTPUTF8 (RFC 6531) where the server has it, and otherwise for the server to refuse. What `send` throws names neither address nor code nor texts of the server: an
 * `SmtpError` has the `code` of the failure, such as `ECONNREFUSED`, and the `responseCode` of the server, such as 550, or `null`.
 *
 * @param url `smtp://user:password@host:587` or `smtps://user:password@host:465`, with these ports as defaults; user and password
 *   may be left out, and are percent-encoded
 * @throws {ConfigurationError} for a wrong URL or option; the message repeats neither of them. When the app starts, if `nodemailer`
 *   is not installed.
 */
export function smtp(url: string | undefined, options: SmtpOptions): MailSender {
  return new SmtpMailSender(readSmtpTerms(url, options));
}

/** What is used of `nodemailer`. */
interface Transporter {
  sendMail(message: object): Promise<unknown>;
  close(): void;
  on(event: 'error', listener: () => void): unknown;
}

interface NodemailerPackage {
  createTransport(options: object): Transporter;
}

interface Sender {
  /** Empty where there is none. */
  readonly name: string;
  readonly address: string;
}

/** The options with everything filled in and checked. */
export interface SmtpTerms {
  /** The options of `nodemailer`. */
  readonly transport: Readonly<Record<string, unknown>>;
  readonly from: Sender;
  readonly render: (mail: AccountMail) => MailContent | Promise<MailContent>;
}

const where = 'smtp';

/** @throws {ConfigurationError} for a wrong URL, and for the first option that is wrong, missing or unknown. */
export function readSmtpTerms(url: unknown, given: unknown): SmtpTerms {
  const options = readOptions(where, given, ['from', 'render', 'allowCredentialsWithoutTls']);
  const from = readSender(requireText(where, options, 'from', "Write from: 'Acme <no-reply@example.com>'"));
  const { render = (mail: AccountMail) => writeMail(mail, from.name || from.address.replace(/^.*@/, '')) } = options;
  if (typeof render !== 'function') {
    throw new ConfigurationError(
      path(where, 'render'),
      'a function is expected',
      'Write (mail) => ({ subject, text })',
    );
  }
  const allowsPlainText = readSwitch(where, options, 'allowCredentialsWithoutTls', false);
  return Object.freeze({
    transport: readTransport(url, allowsPlainText),
    from,
    render: render as SmtpTerms['render'],
  });
}

function readTransport(given: unknown, allowsPlainText: boolean): SmtpTerms['transport'] {
  const { isSecure, host, port, user, pass } = readUrl(given);
  const isHere = isLoopback(host);
  return Object.freeze({
    pool: true,
    host: host.replaceAll(/[[\]]/g, ''),
    port: port === '' ? (isSecure ? 465 : 587) : Number(port),
    secure: isSecure,
    requireTLS: !isSecure && user !== '' && !isHere && !allowsPlainText,
    // The certificate of a relay on this machine is seldom one of a name that it is called by, and without TLS the same mail would
    // be sent in plain text.
    ...(isHere && !isSecure ? { tls: { rejectUnauthorized: false } } : {}),
    ...(user === '' ? {} : { auth: { user, pass } }),
    dnsTimeout: 10_000,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    // A connection without mails is closed before its socket times out.
    idleTimeout: 15_000,
    // How often a mail gets a new connection, when the server has closed the one that was kept open.
    maxRequeues: 3,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

interface ServerAddress {
  readonly isSecure: boolean;
  /** As `URL` normalizes it. */
  readonly host: string;
  /** Empty where the URL has none. */
  readonly port: string;
  /** Empty where the URL has none. */
  readonly user: string;
  readonly pass: string;
}

function readUrl(given: unknown): ServerAddress {
  const fix =
    'Write smtp://user:password@host:587 or smtps://user:password@host:465, with user and password percent-encoded';
  if (given === undefined || given === '') {
    throw new ConfigurationError('smtp(url)', 'the URL is missing', `${fix}. Is SMTP_URL set`);
  }
  const address = typeof given === 'string' ? parseUrl(given) : null;
  if (address === null) throw new ConfigurationError('smtp(url)', 'a URL of an SMTP server is expected', fix);
  return address;
}

function parseUrl(text: string): ServerAddress | null {
  if (!/^smtps?:\/\//.test(text)) return null;
  try {
    const url = new URL(text);
    // Options of nodemailer are no part of a URL here: some of them turn TLS off.
    if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') return null;
    const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    if ((user === '') !== (pass === '')) return null;
    // Only the hosts of web addresses are normalized.
    const { hostname } = new URL(`https://${url.hostname}`);
    return { isSecure: url.protocol === 'smtps:', host: hostname, port: url.port, user, pass };
  } catch {
    return null;
  }
}

function readSender(from: string): Sender {
  const [, quoted, plain, inBrackets, bare] =
    /^\s*(?:(?:"((?:[^"\\]|\\.)*)"|([^"<>]*))\s*<([^<>]*)>|([^<>]*))\s*$/.exec(from) ?? [];
  const name = (quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '').trim();
  const address = (inBrackets ?? bare ?? '').trim();
  if (!isEmail(address) || /\p{Cc}/u.test(name)) {
    throw new ConfigurationError(
      path(where, 'from'),
      'one address, or a name and one address, is expected',
      "Write from: 'Acme <no-reply@example.com>'",
    );
  }
  return Object.freeze({ name, address });
}

/** Why a mail was not sent. Answers of a server repeat addresses, so nothing of them is kept but their number. */
export class SmtpError extends Error {
  override readonly name = 'SmtpError';

  constructor(
    /** The code of Node or `nodemailer`, such as `ECONNREFUSED`, `EAUTH` or `EENVELOPE`. */
    readonly code: string,
    /** The reply code of the server (RFC 5321 §4.2), such as 550; `null` where it gave none. */
    readonly responseCode: number | null = null,
  ) {
    super(`The mail was not sent (${responseCode === null ? code : `${code}, ${responseCode}`})`);
  }
}

/** What the app's own `render` did wrong. Its message is not kept, which may repeat the mail; where it happened is. */
class RenderError extends Error {
  override readonly name = 'RenderError';

  constructor(problem: string, frames: readonly string[] = []) {
    super(`smtp({ render }) ${problem}`);
    if (frames.length > 0) this.stack = [`${this.name}: ${this.message}`, ...frames].join('\n    ');
  }
}

export class SmtpMailSender extends MailSender {
  private transporter: Promise<Transporter> | undefined;

  constructor(
    private readonly terms: SmtpTerms,
    private readonly load: () => Promise<NodemailerPackage> = () => import('nodemailer'),
  ) {
    super();
  }

  override async open(): Promise<void> {
    await this.getTransporter();
  }

  override async send(mail: AccountMail): Promise<void> {
    const transporter = await this.getTransporter();
    // What is no address would otherwise be read as a list of them, or as a name and an address.
    if (!isEmail(mail.to)) throw new SmtpError('EENVELOPE');
    const { subject, text, html } = await this.write(mail);
    const message = {
      // A copy, because nodemailer writes into it.
      from: { ...this.terms.from },
      to: { name: '', address: mail.to },
      subject,
      text,
      ...(html === undefined ? {} : { html }),
      headers: { 'Auto-Submitted': 'auto-generated' },
    };
    try {
      await transporter.sendMail(message);
    } catch (error) {
      throw toSmtpError(error);
    }
  }

  /** Closes the connections, when the mails on them are sent. A later mail opens new ones. */
  override async close(): Promise<void> {
    const transporter = this.transporter;
    this.transporter = undefined;
    (await transporter?.catch(() => undefined))?.close();
  }

  private async write(mail: AccountMail): Promise<MailContent> {
    let content: MailContent;
    try {
      content = await this.terms.render(mail);
    } catch (error) {
      throw new RenderError('threw an error', describeThrown(error, null).frames);
    }
    if (!isContent(content)) throw new RenderError('gave no { subject, text }, or an html that is no text');
    return content;
  }

  private getTransporter(): Promise<Transporter> {
    this.transporter ??= this.createTransporter();
    return this.transporter;
  }

  private async createTransporter(): Promise<Transporter> {
    const nodemailer = await loadPackage(this.load, {
      where: 'smtp(url)',
      name: 'nodemailer',
      install: 'npm install nodemailer@10',
    });
    const transporter = nodemailer.createTransport(this.terms.transport);
    // A failure is told to the mail that it concerns. As an event that nobody listens to, it would end the process.
    transporter.on('error', () => undefined);
    return transporter;
  }
}

function isContent(value: unknown): value is MailContent {
  if (typeof value !== 'object' || value === null) return false;
  const { subject, text, html }: { subject?: unknown; text?: unknown; html?: unknown } = value;
  return [subject, text, html ?? ''].every((part) => typeof part === 'string');
}

function toSmtpError(error: unknown): SmtpError {
  const { originalCode, code, name, responseCode } = Object(error) as Readonly<Record<string, unknown>>;
  const isWord = (value: unknown): value is string => typeof value === 'string' && /^\w{1,60}$/.test(value);
  const known = [originalCode, code, name].find(isWord);
  return new SmtpError(known ?? 'unknown', typeof responseCode === 'number' ? responseCode : null);
}
