import { describe, expect, it } from 'vitest';

import { isConfigurationError, isRefusal } from '../../../src/errors/auth-error.js';
import { readReturnAddresses, type ReturnAddresses } from '../../../src/login/return-addresses.js';

const where = 'LoginModule.forRoot';
const listed = [
  'https://app.example.com',
  'https://admin.example.com:8443/',
  'http://localhost:5173',
  'com.example.app:/callback',
  'https://claimed.example.com/app/callback?from=login',
  'http://127.0.0.1/callback',
  'http://[::1]',
];
const addresses = readReturnAddresses(where, listed);

function fieldOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (isRefusal(error) && error.code === 'INVALID_INPUT') return error.fields[0]?.path;
    throw error;
  }
  return undefined;
}

describe('the page that a login leads back to', () => {
  it.each([
    [undefined, 'https://app.example.com/'],
    [null, 'https://app.example.com/'],
    ['https://app.example.com', 'https://app.example.com/'],
    ['https://app.example.com/orders?open=1#last', 'https://app.example.com/orders?open=1#last'],
    ['https://APP.example.com:443/a', 'https://app.example.com/a'],
    ['https://admin.example.com:8443/users', 'https://admin.example.com:8443/users'],
    ['http://localhost:5173/', 'http://localhost:5173/'],
    ['/orders?open=1', 'https://app.example.com/orders?open=1'],
    ['orders', 'https://app.example.com/orders'],
    ['?open=1', 'https://app.example.com/?open=1'],
    // Browsers read it as a relative address of an https page, and it is returned in full.
    ['https:evil.example', 'https://app.example.com/evil.example'],
    ['/%2f%2fevil.example', 'https://app.example.com/%2f%2fevil.example'],
  ])('%s leads to %s', (given, expected) => {
    expect(addresses.resolvePage(given)).toBe(expected);
  });

  it.each([
    'https://evil.example',
    'https://evil.example/https://app.example.com',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '\thttps://evil.example',
    ' https://evil.example',
    'https:/\\evil.example',
    'https://app.example.com@evil.example',
    'https://app.example.com:443@evil.example',
    'https://user:word@app.example.com/',
    'https://app.example.com.evil.example',
    'https://app.example.com%2eevil.example',
    'https://app.example.com:444',
    'http://app.example.com',
    'https://app。example。com.evil.example',
    'javascript:alert(1)',
    'JaVaScRiPt://app.example.com/%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'blob:https://app.example.com/0c5b',
    'com.example.app:/callback',
    'http://127.0.0.1:1234/callback',
    'http://[::1]/',
    'https://claimed.example.com/app/callback?from=login',
    'https://app.example.com/\u0000',
    `https://app.example.com/${'a'.repeat(1_000)}`,
    // Written with nine characters each.
    `/${'漢'.repeat(120)}`,
    '',
    ['https://app.example.com'],
    7,
  ])('%j is refused', (given) => {
    expect(fieldOf(() => addresses.resolvePage(given))).toBe('returnTo');
  });

  it('is none where only apps are listed', () => {
    const apps = readReturnAddresses(where, 'com.example.app:/callback');
    expect(apps.first).toBeNull();
    expect(fieldOf(() => apps.resolvePage(undefined))).toBe('returnTo');
  });
});

describe('the address of a frontend or an app that is called back', () => {
  it.each([
    'https://app.example.com',
    'https://app.example.com/signed-in?from=login',
    'http://localhost:5173/callback',
    'com.example.app:/callback',
    'https://claimed.example.com/app/callback?from=login',
    'http://127.0.0.1/callback',
    'http://127.0.0.1:49152/callback',
    'http://[::1]:49152/any/path',
  ])('%s is used as it was given', (given) => {
    expect(addresses.resolveCallback(given)).toBe(given);
  });

  it.each([
    'com.example.app:/callback/',
    'https://app.example.com/漢',
    'com.example.app:/callback?x=1',
    'com.example.app:/Callback',
    'com.example.evil:/callback',
    'https://claimed.example.com/app/callback',
    'http://127.0.0.1:49152/other',
    'http://127.0.0.1:49152/callback?x=1',
    'http://127.0.0.1:49152/callback#x',
    'http://127.0.0.1:49152@evil.example/callback',
    'http://127.1:49152/callback/..//callback2',
    'http://localhost:49152/callback',
    'https://app.example.com/#x',
    'blob:https://app.example.com/0c5b',
    '/relative',
    'https://evil.example',
    undefined,
  ])('%s is refused', (given) => {
    expect(fieldOf(() => addresses.resolveCallback(given))).toBe('redirectUri');
  });
});

describe('the option returnTo', () => {
  it.each([
    undefined,
    [],
    [''],
    [7],
    'app.example.com',
    'http://app.example.com',
    'https://app.example.com/#fragment',
    'javascript:alert(1)',
    'data:text/html,x',
    'myapp:/callback',
    'https://user:word@app.example.com',
    '//app.example.com',
  ])('%j stops the app', (given) => {
    let thrown: unknown;
    try {
      readReturnAddresses(where, given);
    } catch (error) {
      thrown = error;
    }
    expect(isConfigurationError(thrown) && thrown.path).toBe('LoginModule.forRoot({ returnTo })');
  });

  it('takes one text as well as a list', () => {
    const one: ReturnAddresses = readReturnAddresses(where, 'https://app.example.com');
    expect(one.first).toBe('https://app.example.com/');
  });
});
