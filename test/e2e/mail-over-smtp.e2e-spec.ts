/** Mails from the request that causes them to the mailbox of the person, over a real SMTP server, on both platforms. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { MailSender, smtp } from 'nest-gatehouse/accounts';
import { describe, expect, it } from 'vitest';
import { email, password } from '../support/account-app.js';
import { endAfterwards, type Platform, platforms } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { LogLines } from '../support/log-lines.js';
import { type MailApp, outcome, post, startMailApp } from '../support/mail-app.js';
import { type MailServer, startMailServer } from '../support/mail-server.js';

const from = 'Acme <no-reply@acme.example>';
/** The third try is made 11 seconds after the first. */
const timeoutMs = 60_000;
const poll = { timeout: 30_000, interval: 20 };

const urlOf = ({ port }: { readonly port: number }): string => `smtp://127.0.0.1:${port}`;

/** The latest mail of a server that has so many. */
async function mailOf(server: MailServer, count = 1) {
  await expect.poll(() => server.mails.length, poll).toBe(count);
  const mail = server.mails.at(-1);
  if (mail === undefined) throw new Error('There is no mail');
  const { text = '', html } = mail;
  const page = typeof html === 'string' ? html : '';
  return {
    ...mail,
    codeInText: codeIn(partOf(text, /(https:\S+)/)),
    codeInHtml: codeIn(partOf(page, /href="([^"]+)"/)),
    typed: partOf(text, /code: (\d{6})\b/),
    typedInHtml: partOf(page, />(\d{6})</),
  };
}

/** What the group of a pattern matches; empty where it is not in the text. */
const partOf = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';

const codeIn = (link: string): string => (URL.canParse(link) ? (new URL(link).searchParams.get('code') ?? '') : '');

describe.each(platforms)('mails over SMTP on $name', (platform) => {
  const start = async (mail: MailSender, logger = new LogLines()): Promise<MailApp & { readonly log: LogLines }> => ({
    ...(await startMailApp(platform, { mail }, { logger })),
    log: logger,
  });

  it('lead to a verified account by the link, as text and HTML have it', async () => {
    const server = await startMailServer();
    const stand = await start(smtp(urlOf(server), { from }));
    for (const [at, part] of (['codeInText', 'codeInHtml'] as const).entries()) {
      const to = `ada${at}@example.com`;
      const browser = stand.client();
      expect((await post(browser, 'sign-up', { email: to, password })).status).toBe(202);
      const mail = await mailOf(server, at + 1);
      expect(mail.recipients).toEqual([to]);
      expect(mail.from?.text).toBe('"Acme" <no-reply@acme.example>');
      expect(mail.subject).toBe('Confirm your address for Acme');
      const verified = await post(browser, 'email/verify', { code: mail[part] });
      expect(verified.json).toMatchObject({ user: { email: to, emailVerified: true } });
      await stand.signIn({ email: to, password });
    }
  });

  it('lead to a verified account, a new password and a session by the code that is typed', async () => {
    const server = await startMailServer();
    const stand = await start(smtp(urlOf(server), { from }));
    await post(stand.client(), 'sign-up', { email, password });
    const mail = await mailOf(server);
    expect(mail.typedInHtml).toBe(mail.typed);
    const verified = await post(stand.client(), 'email/verify', { email, code: mail.typed, password });
    expect(verified.json).toMatchObject({ user: { emailVerified: true } });
    stand.clock.advanceSeconds(61);
    await post(stand.client(), 'password/forgot', { email });
    const { typed } = await mailOf(server, 2);
    const reset = await post(stand.client(), 'password/reset', { email, code: typed, password: 'staple of the horse' });
    expect(reset.status).toBe(204);
    expect((await mailOf(server, 3)).subject).toBe('Your password for Acme was changed');
    await stand.signIn({ email, password: 'staple of the horse' });
    stand.clock.advanceSeconds(61);
    await post(stand.client(), 'magic-link', { email });
    const magic = await mailOf(server, 4);
    const confirmed = await post(stand.client(), 'magic-link/confirm', { email, code: magic.typed });
    expect(confirmed.json).toMatchObject({ user: { email } });
    expect(outcome(await post(stand.client(), 'magic-link/confirm', { code: magic.codeInHtml }))).toEqual([
      400,
      'INVALID_CODE',
    ]);
  });

  it('are sent while the app closes, which waits for them', async () => {
    const order: string[] = [];
    let accept: (() => void) | undefined;
    const server = await startMailServer({
      onData: (stream, _session, done) => {
        stream.resume().on('end', () => {
          accept = () => {
            order.push('the mail was taken');
            done();
          };
        });
      },
    });
    const sender = smtp(urlOf(server), { from });
    class WatchedSender extends MailSender {
      override readonly send = (mail: Parameters<MailSender['send']>[0]): unknown => sender.send(mail);
      override readonly close = (): unknown => {
        order.push('the sender was closed');
        return sender.close?.();
      };
    }
    const stand = await start(new WatchedSender());
    await post(stand.client(), 'sign-up', { email, password });
    await expect.poll(() => accept, poll).toBeDefined();
    const closed = stand.app.nest.close();
    // The mail is awaited after the app has stopped listening.
    await expect.poll(() => stand.app.call('/').then(isAnswered, isRefused), poll).toBe('refused');
    accept?.();
    await closed;
    expect(order).toEqual(['the mail was taken', 'the sender was closed']);
    expect(stand.log.ours('error')).toEqual([]);
  });
});

const isAnswered = (): string => 'answered';
const isRefused = (): string => 'refused';

/** Signs up on each platform at the same time, because each story takes seconds. Nest writes the lines of all apps to one logger. */
async function signUpEverywhere(port: number, logger: LogLines) {
  const signUp = async (platform: Platform) => {
    const { app, client } = await startMailApp(platform, { mail: smtp(urlOf({ port }), { from }) }, { logger });
    const began = performance.now();
    const answer = await post(client(), 'sign-up', { email, password });
    expect([answer.status, answer.json]).toEqual([202, {}]);
    // The first pause alone is a second, and a mail server has twenty. Without them it is a hash and some statements.
    expect(performance.now() - began).toBeLessThan(5_000);
    return app;
  };
  return await Promise.all(platforms.map(signUp));
}

/** A server that does with each connection what the test says. */
async function startServer(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    endAfterwards(() => Promise.resolve(socket.destroy()));
    serve(socket.on('error', () => undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endAfterwards(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

describe('a mail server that does not work', () => {
  it(
    'changes no answer; each mail is tried three times, and logged once, without address and code',
    async () => {
      let tries = 0;
      const broken = await startServer((socket) => {
        tries += 1;
        socket.end('421 ada@example.com: not now\r\n');
      });
      const logger = new LogLines();
      await Promise.all([broken, await freePort()].map((port) => signUpEverywhere(port, logger)));
      await expect.poll(() => logger.ours('error').length, poll).toBe(4);
      const failure = 'A mail (verify-email) was not sent, after several attempts: SmtpError "The mail was not sent';
      const logged = ['ECONNREFUSED', 'ECONNREFUSED', 'EPROTOCOL, 421', 'EPROTOCOL, 421'].map(
        (code) => expect.stringContaining(`${failure} (${code})"`) as string,
      );
      const errors = logger.ours('error').map(({ text }) => text);
      expect(errors.sort()).toEqual(logged);
      expect(tries).toBe(6);
      expect(logger.lines.map(({ text }) => text).join('\n')).not.toMatch(/ada@example|goc_|\b\d{6}\b/i);
    },
    timeoutMs,
  );

  it(
    'does not keep an app from closing for longer than five seconds',
    async () => {
      let connections = 0;
      const silent = await startServer(() => {
        connections += 1;
      });
      const apps = await signUpEverywhere(silent, new LogLines());
      await expect.poll(() => connections, poll).toBe(2);
      const began = performance.now();
      await Promise.all(apps.map(({ nest }) => nest.close()));
      expect(performance.now() - began).toBeGreaterThan(4_900);
      expect(performance.now() - began).toBeLessThan(9_000);
    },
    timeoutMs,
  );
});
