import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { readSmtpTerms, SmtpMailSender } from '../../../src/accounts/smtp.js';
import { someMail } from '../../support/account-mail.js';
import { configurationErrorOf, errorOf } from '../../support/outcome.js';

const url = 'smtp://relay:s3cret@mail.example.com';
const from = 'Acme <no-reply@acme.example>';

describe('the URL', () => {
  it.each([
    ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, secure: false }],
    ['smtps://mail.example.com', { host: 'mail.example.com', port: 465, secure: true }],
    ['smtp://127.0.0.1:25/', { host: '127.0.0.1', port: 25, secure: false }],
    ['smtp://[::1]:2525', { host: '::1', port: 2525 }],
    ['smtp://bücher.example:80', { host: 'xn--bcher-kva.example', port: 80 }],
    ['smtp://my_relay:1025\n', { host: 'my_relay', port: 1025 }],
    ['smtps://a%40b:c%3Ad%25@h', { auth: { user: 'a@b', pass: 'c:d%' } }],
  ])('%s is read', (given, expected) => {
    expect(readSmtpTerms(given, { from }).transport).toMatchObject(expected);
  });

  it.each([
    undefined,
    '',
    null,
    5,
    {},
    'mail.example.com',
    'http://relay:s3cret@mail.example.com',
    'smtp:relay:s3cret@mail.example.com',
    'smtp://',
    'smtp://relay@mail.example.com',
    'smtp://:s3cret@mail.example.com',
    'smtp://relay:s3cret%@mail.example.com',
    'smtp://relay:s3cret#1@mail.example.com',
    'smtp://relay:s3cret?x@mail.example.com',
    'smtp://relay:s3cret/x@mail.example.com',
    'smtp://relay:s3cret@mail.example.com?ignoreTLS=true',
    'smtp://relay:s3cret@mail.example.com/path',
    'smtp://relay:s3cret@mail.example.com:99999',
    'smtp://relay:s3cret@mail example.com',
  ])('%j is refused, and not repeated', (given) => {
    const error = configurationErrorOf(() => readSmtpTerms(given, { from }));
    expect(error.path).toBe('smtp(url)');
    expect(`${error.message} ${error.explanation} ${error.stack}`).not.toMatch(/s3cret|mail\.example|ignoreTLS/);
  });

  it.each([
    ['smtp://u:p@mail.example.com', { requireTLS: true }],
    ['smtp://u:p@localhost.example.com', { requireTLS: true }],
    ['smtp://u:p@128.0.0.1', { requireTLS: true }],
    ['smtp://mail.example.com', { requireTLS: false }],
    ['smtp://u:p@localhost', { requireTLS: false, tls: { rejectUnauthorized: false } }],
    ['smtp://u:p@LOCALHOST', { requireTLS: false, tls: { rejectUnauthorized: false } }],
    ['smtp://u:p@127.1', { requireTLS: false, tls: { rejectUnauthorized: false } }],
    ['smtp://u:p@[::1]', { requireTLS: false, tls: { rejectUnauthorized: false } }],
  ])('%s requires TLS with a password, except on this machine', (given, expected) => {
    const { transport } = readSmtpTerms(given, { from });
    expect(transport).toMatchObject(expected);
    if (!('tls' in expected)) expect(transport).not.toHaveProperty('tls');
  });

  it('verifies certificates of smtps, on this machine too', () => {
    expect(readSmtpTerms('smtps://localhost', { from }).transport).not.toHaveProperty('tls');
  });
});

describe('an option', () => {
  it.each([
    ['no-reply@acme.example', { name: '', address: 'no-reply@acme.example' }],
    [' <no-reply@acme.example> ', { name: '', address: 'no-reply@acme.example' }],
    ['Acme <no-reply@acme.example>', { name: 'Acme', address: 'no-reply@acme.example' }],
    ['Acme, Inc. <no-reply@acme.example>', { name: 'Acme, Inc.', address: 'no-reply@acme.example' }],
    ['"Acme \\"A\\" <x>" <no-reply@acme.example>', { name: 'Acme "A" <x>', address: 'no-reply@acme.example' }],
  ])('from: %j is read', (given, expected) => {
    expect(readSmtpTerms(url, { from: given }).from).toEqual(expected);
  });

  it.each([
    [{}, 'smtp({ from })'],
    [{ from: '' }, 'smtp({ from })'],
    [{ from: 'Acme' }, 'smtp({ from })'],
    [{ from: 'a@b.example, c@d.example' }, 'smtp({ from })'],
    [{ from: 'Acme <a@b.example>, c@d.example' }, 'smtp({ from })'],
    [{ from: 'Acme\r\nBcc: a@b.example <c@d.example>' }, 'smtp({ from })'],
    [{ from: 'Acme <c@d.example\r\nBcc: a@b.example>' }, 'smtp({ from })'],
    [{ from, render: 'x' }, 'smtp({ render })'],
    [{ from, allowCredentialsWithoutTls: 'yes' }, 'smtp({ allowCredentialsWithoutTls })'],
    [{ from, tls: {} }, 'smtp({ tls })'],
    [undefined, 'smtp'],
  ])('%j is refused at once', (options, path) => {
    const error = configurationErrorOf(() => readSmtpTerms(url, options));
    expect(error.path).toBe(path);
    expect(error.message).not.toMatch(/s3cret|mail\.example|[ac]@/);
  });

  it('calls the app by the name of the sender, or by its domain', async () => {
    const subjectOf = async (sender: string) => (await readSmtpTerms(url, { from: sender }).render(someMail())).subject;
    expect(await subjectOf(from)).toBe('Sign in to Acme');
    expect(await subjectOf('no-reply@acme.example')).toBe('Sign in to acme.example');
  });
});

describe('without nodemailer', () => {
  const nowhere = createRequire('/nowhere/app.js') as unknown as (name: string) => never;
  const sender = () => new SmtpMailSender(readSmtpTerms(url, { from }), async () => nowhere('nodemailer'));

  it('the app does not start, and learns what to install', async () => {
    const error = await errorOf(sender().open());
    expect(error).toMatchObject({ code: 'CONFIGURATION_ERROR', path: 'smtp(url)' });
    expect(error?.message).toContain('npm install nodemailer@10');
    await expect(sender().send(someMail())).rejects.toMatchObject({ code: 'CONFIGURATION_ERROR' });
  });

  it('it shuts down', async () => {
    const unopened = sender();
    await unopened.close();
    const failed = sender();
    await errorOf(failed.open());
    await failed.close();
  });
});
