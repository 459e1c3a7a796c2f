import { describe, expect, it } from 'vitest';
import {
  allowInsecureHttpOffLoopback,
  findAddressFault,
  checkAddress,
  readAddress,
  requireAddress,
} from '../../../src/configuration/read-address.js';
import { configurationErrorOf } from '../../support/outcome.js';

const strict = { insecureHttp: false };
const lax = { insecureHttp: true };

describe('an address', () => {
  it.each([
    'https://issuer.example',
    'https://issuer.example:8443/realms/x?y=z',
    'HTTPS://ISSUER.EXAMPLE/',
    'https://[2001:db8::1]/keys',
    'https://192.0.2.1/',
    'https://bücher.example/',
    'http://localhost',
    'http://LOCALHOST:3000/a',
    'http://127.0.0.1:8080/keys',
    'http://127.1',
    'http://127.255.255.254/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://[::1]:8080',
    'http://[0:0:0:0:0:0:0:1]/',
  ])('may be called: %s', (address) => {
    expect(findAddressFault(address, strict)).toBeUndefined();
  });

  it.each([
    'http://issuer.example',
    'http://localhost.evil.example',
    'http://localhost.',
    'http://evil-localhost',
    'http://sub.localhost',
    'http://127.0.0.1.evil.example',
    'http://127.evil.example',
    'http://128.0.0.1',
    'http://10.0.0.1',
    'http://0.0.0.0',
    'http://0/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::2]/',
    'http://192.168.0.1',
    'http://169.254.169.254/latest/meta-data/',
  ])('needs https on another machine, unless insecure http is allowed: %s', (address) => {
    expect(findAddressFault(address, strict)).toBe('http is only allowed on this machine');
    expect(findAddressFault(address, lax)).toBeUndefined();
  });

  it.each([
    'ftp://issuer.example',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:application/json,{}',
    'ws://localhost',
    'urn:issuer',
    'localhost:3000',
  ])('must not have another scheme, even if insecure http is allowed: %s', (address) => {
    expect(findAddressFault(address, strict)).toBe('https is expected');
    expect(findAddressFault(address, lax)).toBe('https is expected');
  });

  it.each([
    'https://user:pass@issuer.example',
    'https://user@issuer.example',
    'https://:pass@issuer.example',
    'http://localhost:80@evil.example',
    'http://user@localhost',
  ])('must not contain a user name or password: %s', (address) => {
    expect(findAddressFault(address, strict)).toBe('an address must not contain a user name or password');
    expect(findAddressFault(address, lax)).toBe('an address must not contain a user name or password');
  });

  it.each(['https://issuer.example/#a', 'http://localhost#/keys', 'https://issuer.example/keys#'])(
    'must not contain a fragment: %s',
    (address) => {
      expect(findAddressFault(address, lax)).toBe('an address must not contain a fragment');
    },
  );

  it.each([
    '',
    ' ',
    'issuer.example',
    '/keys',
    '//issuer.example',
    'https://',
    'https://a b',
    'https://[::1',
    'https://a:99999',
    'http://127.0.0.256',
  ])('must be absolute: %j', (address) => {
    expect(findAddressFault(address, lax)).toBe('not an absolute address');
  });

  // The URL parser drops or encodes these, and would call another address than the one that was compared and logged.
  it.each([
    ' https://issuer.example',
    'https://issuer.example ',
    'https://issuer.example\n',
    'https://issuer.example/a\tb',
    'https://issuer.example/a b',
    '\u0000https://issuer.example',
  ])('must not contain spaces or line breaks: %j', (address) => {
    expect(findAddressFault(address, lax)).toBe('an address must not hold blanks or control characters');
  });
});

describe('the switch that allows insecure http', () => {
  it('is a symbol, which no configuration file can contain', () => {
    expect(typeof allowInsecureHttpOffLoopback).toBe('symbol');
    expect(JSON.parse(JSON.stringify({ [allowInsecureHttpOffLoopback]: true }))).toEqual({});
  });

  it('is the same in two installed copies of the package', () => {
    expect(Symbol.for('nest-gatehouse.allow-insecure-http-off-loopback')).toBe(allowInsecureHttpOffLoopback);
  });
});

describe('an option that is an address', () => {
  const fix = 'Write an absolute https:// address (http:// is for this machine only)';

  it('is returned as it was written', () => {
    expect(readAddress('oidc', { jwksUri: 'https://A.example/K/' }, 'jwksUri', strict)).toBe('https://A.example/K/');
    expect(checkAddress('here', 'http://localhost:1/', strict)).toBe('http://localhost:1/');
  });

  it('may be omitted where it is not required', () => {
    expect(readAddress('oidc', {}, 'jwksUri', strict)).toBeUndefined();
  });

  it('is named in the error with the problem and the fix', () => {
    const error = configurationErrorOf(() => readAddress('oidc', { jwksUri: 'ftp://a.example' }, 'jwksUri', strict));

    expect(error.path).toBe('oidc({ jwksUri })');
    expect(error.message).toBe(`oidc({ jwksUri }): https is expected. ${fix}.`);
  });

  it.each([7, null, {}, ['https://a.example'], new URL('https://a.example')])('must be a text, and not %j', (value) => {
    const error = configurationErrorOf(() => readAddress('oidc', { jwksUri: value }, 'jwksUri', strict));

    expect(error.message).toBe(`oidc({ jwksUri }): a text is expected. ${fix}.`);
  });

  it('is reported as missing where it is required', () => {
    const error = configurationErrorOf(() =>
      requireAddress('propelAuth', {}, 'authUrl', strict, 'Copy it from the dashboard'),
    );

    expect(error.message).toBe('propelAuth({ authUrl }): it is missing. Copy it from the dashboard.');
    expect(requireAddress('propelAuth', { authUrl: 'https://a.example' }, 'authUrl', strict, '')).toBe(
      'https://a.example',
    );
  });

  it('is not repeated by the error, as it may contain a password', () => {
    const value = 'https://user:canary@a.example';
    const error = configurationErrorOf(() => readAddress('oidc', { jwksUri: value }, 'jwksUri', strict));

    expect(`${error.message} ${error.explanation}`).not.toContain('canary');
  });
});
