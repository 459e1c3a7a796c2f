import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { readPasskeyTerms } from '../../../src/accounts/passkey-options.js';
import { loadWebAuthn } from '../../../src/accounts/webauthn-package.js';
import { configurationErrorOf, errorOf } from '../../support/outcome.js';

const where = 'AccountsModule.forRoot({ passkeys })';
const options = { rpId: 'example.com', rpName: 'Example', origins: ['https://example.com'] };
const androidOrigin = `android:apk-key-hash:${'A-_z'.repeat(10)}abc`;

describe('the options of passkeys', () => {
  it.each([
    ['example.com', ['https://example.com', 'https://app.example.com', 'https://a.b.example.com:8443', androidOrigin]],
    ['app.example.com', ['https://app.example.com']],
    ['localhost', ['http://localhost:3000', 'https://localhost', 'http://localhost']],
    ['xn--mnchen-3ya.de', ['https://xn--mnchen-3ya.de']],
  ])('are taken for %s', (rpId, origins) => {
    expect(readPasskeyTerms(where, { ...options, rpId, origins })).toEqual({ rpId, rpName: 'Example', origins });
  });

  it('are taken with one origin that is no list', () => {
    const { origins } = readPasskeyTerms(where, { ...options, origins: 'https://example.com' });
    expect(origins).toEqual(['https://example.com']);
  });

  it.each([
    [{ rpId: undefined }, 'rpId', 'it is missing'],
    [{ rpName: undefined }, 'rpName', 'it is missing'],
    [{ rpName: ' ' }, 'rpName', 'a text that is not empty is expected'],
    [{ origins: undefined }, 'origins', 'it is missing'],
    [{ origins: [] }, 'origins', 'a text or a list of texts is expected'],
    [{ origin: 'https://example.com' }, 'origin', 'there is no option of this name'],
    ...[
      'https://example.com',
      'example.com:443',
      'Example.com',
      'example.com/',
      '.example.com',
      'example..com',
      '-a.com',
      'münchen.de',
      `${'a'.repeat(64)}.com`,
    ].map((rpId) => [{ rpId }, 'rpId', 'a domain in lower case is expected'] as const),
    ...['127.0.0.1', '10.0.0.1'].map((rpId) => [{ rpId }, 'rpId', 'no IP address'] as const),
    [{ rpId: '[::1]' }, 'rpId', 'a domain in lower case is expected'],
    [{ rpId: 'com' }, 'rpId', 'browsers take no top-level domain'],
    [{ origins: ['example.com'] }, 'origins', 'it is not the origin of a page'],
    [{ origins: ['ftp://example.com'] }, 'origins', 'it is not the origin of a page'],
    [{ origins: ['https://example.com', 'null'] }, 'origins', 'it is not the origin of a page'],
    ...[
      'https://example.com/',
      'https://example.com:443',
      'https://EXAMPLE.com',
      'https://a@example.com',
      'https://example.com/login',
      'https://example.com?a=b',
      ' https://example.com',
    ].map((origin) => [{ origins: [origin] }, 'origins', 'browsers write this origin in another way'] as const),
    [{ origins: ['http://example.com'] }, 'origins', 'http is only allowed for localhost'],
    [{ origins: ['http://127.0.0.1:3000'] }, 'origins', 'http is only allowed for localhost'],
    ...['https://example.org', 'https://badexample.com', 'https://com', 'https://localhost'].map(
      (origin) => [{ origins: [origin] }, 'origins', 'is neither example.com nor below it'] as const,
    ),
    [{ rpId: 'app.example.com' }, 'origins', 'example.com is neither app.example.com nor below it'],
    ...['android:apk-key-hash:', `${androidOrigin}=`, 'android:apk-key-hash-sha256:x', 'android:com.example.app'].map(
      (origin) => [{ origins: [origin] }, 'origins', 'the SHA-256 of its certificate'] as const,
    ),
  ] as const)('are refused with %j', (wrong, option, problem) => {
    const error = configurationErrorOf(() => readPasskeyTerms(where, { ...options, ...wrong }));
    expect(error.path).toBe(`${where}({ ${option} })`);
    expect(error.message).toContain(problem);
  });

  it('state how a browser writes an origin', () => {
    const error = configurationErrorOf(() =>
      readPasskeyTerms(where, { ...options, origins: ['https://Example.com:443/a'] }),
    );
    expect(error.fix).toBe("Write 'https://example.com'");
  });

  it.each([null, 'example.com', ['https://example.com'], true])('are refused as %j', (given) => {
    expect(configurationErrorOf(() => readPasskeyTerms(where, given)).message).toContain('an object of options');
  });
});

describe('the package of passkeys', () => {
  it('is named with the command that installs it, where it is missing', async () => {
    const nowhere = createRequire('/nowhere/app.js') as unknown as (name: string) => never;
    const load = async (): Promise<object> => nowhere('@simplewebauthn/server');
    const error = await errorOf(loadWebAuthn(where, { server: load, helpers: load }));
    expect(error?.code).toBe('CONFIGURATION_ERROR');
    expect(error?.message).toBe(
      `${where}: the package @simplewebauthn/server is not installed. Install it: npm install @simplewebauthn/server@14.`,
    );
  });
});
