/** Mails over SMTP, to real servers on loopback: what arrives, at whom, and over what. */
import { type AccountMail, smtp } from 'nest-gatehouse/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSmtpTerms } from '../../src/accounts/smtp.js';
import { someAccount, someMail } from '../support/account-mail.js';
import { createCertificate, type MailServer, startMailServer } from '../support/mail-server.js';
import { failureOf, from, keep, senderTo, senderWith } from '../support/smtp-senders.js';

const only = (server: MailServer) => {
  expect(server.mails).toHaveLength(1);
  const [mail] = server.mails;
  if (mail === undefined) throw new Error('There is no mail');
  return mail;
};

describe('a mail', () => {
  it('has one recipient, the sender of the app, text, HTML, and says that no person wrote it', async () => {
    const server = await startMailServer();
    await senderTo(server).send(someMail());
    const mail = only(server);
    expect(mail.recipients).toEqual(['ada@example.com']);
    expect(mail.envelopeSender).toBe('no-reply@acme.example');
    expect(mail.to).toMatchObject({ value: [{ address: 'ada@example.com', name: '' }] });
    expect(mail.from).toMatchObject({ value: [{ address: 'no-reply@acme.example', name: 'Acme' }] });
    expect(mail.subject).toBe('Sign in to Acme');
    expect(mail.text).toContain('https://app.example.com/in?code=goc_secret-of-the-link');
    expect(mail.html).toContain('href="https://app.example.com/in?code=goc_secret-of-the-link"');
    expect(mail.text).toContain('Or type this code: 482913');
    expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
    expect(mail.messageId).toMatch(/^<[\w.-]+@acme\.example>$/);
    expect(mail.headers.has('x-mailer')).toBe(false);
    expect(mail.attachments).toEqual([]);
  });

  it('says what the app makes of it, later too', async () => {
    const server = await startMailServer();
    const render = async ({ code, locale }: AccountMail) => ({
      subject: `Grüße (${locale})\r\nBcc: eve@example.com`,
      text: `Ihr Code: ${code}\n.\nQUIT\n\nÄ`,
    });
    await senderTo(server, { render }).send(someMail({ locale: 'de-CH' }));
    const mail = only(server);
    expect(mail.subject).toBe('Grüße (de-CH) Bcc: eve@example.com');
    expect(mail.recipients).toEqual(['ada@example.com']);
    expect(mail.headers.has('bcc')).toBe(false);
    expect(mail.text?.trim()).toBe('Ihr Code: 482913\n.\nQUIT\n\nÄ');
    expect(mail.html).toBe(false);
  });

  it('gets no headers from the name of an account or of the app', async () => {
    const server = await startMailServer();
    const named = { from: '"Acme, \\"Inc\\": Zürich" <no-reply@acme.example>' };
    const name = 'Ada\r\nBcc: eve@example.com\r\n\r\n<b>bold</b>\n.\nMAIL FROM:<eve@example.com>';
    await senderTo(server, named).send(someMail({ account: someAccount({ name }) }));
    const mail = only(server);
    expect(mail.from?.value).toEqual([{ address: 'no-reply@acme.example', name: 'Acme, "Inc": Zürich' }]);
    expect(mail.headers.has('bcc')).toBe(false);
    expect(mail.text).toContain('Hello Ada Bcc: eve@example.com <b>bold</b> . MAIL FROM:<eve@example.com>,');
    expect(mail.html).not.toContain('<b>');
  });

  it('is not read from a file, or from the web', async () => {
    const server = await startMailServer();
    const render = () => ({ subject: 'x', text: { path: '/etc/hostname' } as unknown as string });
    await expect(senderTo(server, { render }).send(someMail())).rejects.toMatchObject({ name: 'RenderError' });
    expect(server.mails).toEqual([]);
  });

  it('that the app cannot render fails, and names the place alone', async () => {
    const server = await startMailServer();
    const render = ({ to, code }: AccountMail): never => {
      throw new TypeError(`No text for ${to}\n    at ${code}`);
    };
    const error = (await Promise.resolve(senderTo(server, { render }).send(someMail())).catch(
      (thrown: unknown) => thrown,
    )) as Error;
    expect(error).toMatchObject({ name: 'RenderError', message: 'smtp({ render }) threw an error' });
    expect(error.stack).toMatch(/\n {4}at .*smtp\.spec\.ts/);
    expect(error.stack).not.toMatch(/ada@|482913/);
    expect(error.cause).toBeUndefined();
  });
});

describe('an address', () => {
  it.each([
    'a@b.example, d@e.example',
    'a@b.example; d@e.example',
    '"x" <y@z.example>',
    'x <y@z.example>',
    '<y@z.example>',
    'group: a@b.example;',
    '"a@b.example, c"@d.example',
    'ada@example.com\r\nBcc: eve@example.com',
    'ada@example.com>\r\nRCPT TO:<eve@example.com',
    'ada@example.com\0',
    'ada@[127.0.0.1]',
    'ada',
    '',
    { name: '', address: 'a@b.example, d@e.example' } as unknown as string,
  ])('%j is not sent to anybody', async (to) => {
    const server = await startMailServer();
    const sender = senderTo(server);
    await expect(sender.send(someMail({ to }))).rejects.toMatchObject({ name: 'SmtpError', code: 'EENVELOPE' });
    await sender.send(someMail());
    expect(only(server).recipients).toEqual(['ada@example.com']);
  });

  it('is one, and no list of them', async () => {
    const server = await startMailServer();
    const to = ['a@b.example', 'd@e.example'] as unknown as string;
    await expect(senderTo(server).send(someMail({ to }))).rejects.toMatchObject({ code: 'EENVELOPE' });
    expect(server.connections).toBe(0);
  });

  it('with unusual signs is one recipient as it is', async () => {
    const server = await startMailServer();
    const sender = senderTo(server);
    const unusual = ["o'neil+tag=1@example.com", '!#$%&*/?^_`{|}~-@example.com', 'Ada.L@Example.COM'];
    for (const to of unusual) await sender.send(someMail({ to }));
    expect(server.mails.map(({ recipients }) => recipients)).toEqual([
      [unusual[0]],
      [unusual[1]],
      ['Ada.L@example.com'],
    ]);
  });

  it('of another script is sent with SMTPUTF8, and its domain alone in ASCII', async () => {
    const server = await startMailServer();
    const sender = senderTo(server);
    await sender.send(someMail({ to: 'ada@bücher.example' }));
    await sender.send(someMail({ to: 'jürgen@example.com' }));
    const [domain, local] = server.mails;
    expect(domain).toMatchObject({ usesSmtpUtf8: false });
    expect(domain?.raw).toContain('\r\nTo: ada@xn--bcher-kva.example\r\n');
    expect(local).toMatchObject({ recipients: ['jürgen@example.com'], usesSmtpUtf8: true });
  });

  it('of another script fails where the server refuses it', async () => {
    const server = await startMailServer({
      hideSMTPUTF8: true,
      onRcptTo: ({ address }, _session, done) => {
        done(/^[ -~]*$/.test(address) ? null : Object.assign(new Error(address), { responseCode: 553 }));
      },
    });
    const failure = await failureOf(senderTo(server), someMail({ to: 'jürgen@example.com' }));
    expect(failure).toMatchObject({ code: 'EENVELOPE', responseCode: 553 });
  });
});

describe('TLS', () => {
  let certificate: { readonly key: string; readonly cert: string };
  beforeAll(() => {
    certificate = createCertificate();
  });

  it('is used where the server offers it, on this machine with any certificate', async () => {
    const server = await startMailServer(certificate);
    await senderTo(server).send(someMail());
    expect(only(server).wasSecure).toBe(true);
  });

  it('needs a certificate that is trusted', async () => {
    const server = await startMailServer({ ...certificate, secure: true });
    const url = `smtps://127.0.0.1:${server.port}`;
    const { code } = await failureOf(keep(smtp(url, { from })));
    expect(code).toMatch(/^(DEPTH_ZERO_SELF_SIGNED_CERT|ESOCKET)$/);
    expect(server.mails).toEqual([]);
    await senderWith(url, { tls: { ca: certificate.cert } }).send(someMail());
    expect(only(server).wasSecure).toBe(true);
  });

  it('needs a certificate that is trusted after STARTTLS, on other machines', async () => {
    const server = await startMailServer(certificate);
    const url = `smtp://127.0.0.1:${server.port}`;
    const { tls } = readSmtpTerms('smtp://mail.example.com', { from }).transport;
    await failureOf(senderWith(url, { tls }));
    expect(server.mails).toEqual([]);
    await senderWith(url, { tls: { ca: certificate.cert } }).send(someMail());
    expect(only(server).wasSecure).toBe(true);
  });

  it('is required with a password on other machines: without it, neither password nor mail is sent', async () => {
    const said: string[] = [];
    const authOptional = { authOptional: true, allowInsecureAuth: true };
    const server = await startMailServer({
      ...authOptional,
      onAuth: ({ username }, _session, done) => {
        said.push(username ?? '');
        done(null, { user: username });
      },
    });
    const url = `smtp://relay:pa55%3Aw%40rd@127.0.0.1:${server.port}`;
    const { requireTLS } = readSmtpTerms('smtp://relay:secret@mail.example.com', { from }).transport;
    const { code } = await failureOf(senderWith(url, { requireTLS }));
    expect(code).toBe('ETLS');
    expect([said, server.mails]).toEqual([[], []]);
    const allowing = { from, allowCredentialsWithoutTls: true };
    const allowed = readSmtpTerms('smtp://relay:secret@mail.example.com', allowing).transport;
    await senderWith(url, { requireTLS: allowed['requireTLS'] }).send(someMail());
    expect([said, server.mails.length]).toEqual([['relay'], 1]);
  });

  it('hides user and password, which the URL has percent-encoded', async () => {
    const seen: unknown[] = [];
    const server = await startMailServer({
      ...certificate,
      authOptional: false,
      onAuth: ({ username, password }, { secure }, done) => {
        seen.push([username, password, secure]);
        if (password === 'pa55:w@rd') done(null, { user: username });
        else done(new Error('relay@example.com has another password'));
      },
    });
    await senderTo(server, {}, 'relay%40acme:pa55%3Aw%40rd@').send(someMail());
    expect(only(server).user).toBe('relay@acme');
    expect(seen).toEqual([['relay@acme', 'pa55:w@rd', true]]);
    const refused = await failureOf(senderTo(server, {}, 'relay:wrong@'));
    expect(refused).toMatchObject({ code: 'EAUTH', responseCode: 535 });
  });
});
