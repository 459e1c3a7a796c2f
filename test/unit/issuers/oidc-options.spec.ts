import { describe, expect, it } from 'vitest';
import { allowInsecureHttpOffLoopback } from '../../../src/configuration/read-address.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import { oidc, type OidcOptions } from '../../../src/issuers/oidc.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';
import { configurationErrorOf } from '../../support/outcome.js';

type Options = Record<string | symbol, unknown>;

const good: Options = { issuer: 'https://issuer.example', audience: 'api' };

function create(options: Options): IdentityProvider {
  return oidc({ ...good, ...options } as unknown as OidcOptions);
}

describe('a wrong option', () => {
  it.each<[string, unknown, string]>([
    ['issuer', undefined, 'it is missing. Write the exact "iss" of the tokens'],
    ['issuer', '', 'a text or a list of texts is expected'],
    ['issuer', ' ', 'a text or a list of texts is expected'],
    ['issuer', [], 'a text or a list of texts is expected'],
    ['issuer', ['https://issuer.example', ''], 'a text or a list of texts is expected'],
    ['issuer', 7, 'a text or a list of texts is expected'],
    ['issuer', 'issuer.example', 'not an absolute address. Write an absolute https:// address'],
    ['issuer', ['https://issuer.example', 'http://other.example'], 'http is only allowed on this machine'],
    ['issuer', 'https://user@issuer.example', 'an address must not contain a user name'],
    [
      'issuer',
      'https://issuer.example/realms/a/.well-known/openid-configuration',
      'it is the address of the metadata, and not the name of the issuer. Write the "issuer" that stands in the metadata, probably https://issuer.example/realms/a.',
    ],
    [
      'issuer',
      'https://issuer.example/.well-known/oauth-authorization-server/realms/a',
      'it is the address of the metadata, and not the name of the issuer. Write the "issuer" that stands in the metadata, probably https://issuer.example/realms/a.',
    ],
    [
      'issuer',
      'https://issuer.example/.well-known/openid-configuration/',
      'it is the address of the metadata, and not the name of the issuer. Write the "issuer" that stands in the metadata, probably https://issuer.example/.',
    ],
    ['subjectClaim', '', 'a text that is not empty is expected'],
    ['subjectClaim', 7, 'a text that is not empty is expected'],
    ['audience', undefined, "it is missing. Write the audience of this API, the 'aud' of the tokens meant for it"],
    ['audience', '', 'a text or a list of texts is expected'],
    ['audience', [], 'a text or a list of texts is expected'],
    ['audience', ['api', ''], 'a text or a list of texts is expected'],
    ['audience', null, 'a text or a list of texts is expected'],
    ['audience', Symbol('any'), 'a text or a list of texts is expected'],
    ['audience', [acceptAnyAudience], 'a text or a list of texts is expected'],
    ['audience', ['api', acceptAnyAudience], 'a text or a list of texts is expected'],
    ['algorithms', [], 'a list of signature algorithms is expected'],
    ['algorithms', 'RS256', 'a list of signature algorithms is expected'],
    ['algorithms', ['none'], 'a list of signature algorithms is expected'],
    ['algorithms', ['HS256'], 'a list of signature algorithms is expected'],
    ['algorithms', ['RS256', 'HS256'], 'a list of signature algorithms is expected'],
    ['algorithms', ['rs256'], 'a list of signature algorithms is expected'],
    ['algorithms', ['RS256', 'ES256K'], 'a list of signature algorithms is expected'],
    ['algorithms', ['__proto__'], 'a list of signature algorithms is expected'],
    ['algorithms', [['RS256']], 'a list of signature algorithms is expected'],
    ['jwksUri', 'http://issuer.example/jwks', 'http is only allowed on this machine'],
    ['jwksUri', '', 'a text or a list of texts is expected'],
    ['jwksUri', 'nowhere', 'not an absolute address'],
    ['jwksUri', ['https://a.example/jwks', 'http://b.example/jwks'], 'http is only allowed on this machine'],
    ['discoveryUrl', 'http://issuer.example/config', 'http is only allowed on this machine'],
    ['discoveryUrl', null, 'a text is expected'],
    ['tokenType', '', 'a text that is not empty is expected'],
    ['tokenType', 7, 'a text that is not empty is expected'],
    ['clockToleranceSeconds', -0.001, 'a number from 0 to 600 is expected'],
    ['clockToleranceSeconds', 600.001, 'a number from 0 to 600 is expected'],
    ['clockToleranceSeconds', Number.NaN, 'a number from 0 to 600 is expected'],
    ['clockToleranceSeconds', '5', 'a number from 0 to 600 is expected'],
    ['clockToleranceSeconds', null, 'a number from 0 to 600 is expected'],
    ['maxTokenAgeSeconds', 0, 'a number from 1 to'],
    ['maxTokenAgeSeconds', -1, 'a number from 1 to'],
    ['maxTokenAgeSeconds', Number.POSITIVE_INFINITY, 'a number from 1 to'],
    ['maxTokenAgeSeconds', '1h', 'a number from 1 to'],
  ])('%s (%#)', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`oidc({ ${name} })`);
    expect(error.message).toContain(`oidc({ ${name} }): ${message}`);
  });

  it('is one of two that contradict each other: the address of the keys, and where to discover it', () => {
    const addresses = { jwksUri: 'https://issuer.example/jwks', discoveryUrl: 'https://issuer.example/config' };
    const error = configurationErrorOf(() => create(addresses));

    expect(error.path).toBe('oidc({ discoveryUrl })');
    expect(error.message).toContain('it has no effect together with jwksUri');
  });

  it.each([
    ['audiance', 'Did you mean audience'],
    ['jwksURI', 'Did you mean jwksUri'],
    ['jwks_uri', 'Did you mean jwksUri'],
    ['algorithm', 'Did you mean algorithms'],
    ['clientSecret', 'Known options: issuer, audience, jwksUri, discoveryUrl, introspection, verify, algorithms'],
    ['secret', 'Known options: issuer, audience'],
  ])('%s is none', (name, fix) => {
    const error = configurationErrorOf(() => create({ [name]: 'hush' }));

    expect(error.path).toBe(`oidc({ ${name} })`);
    expect(error.message).toContain('there is no option of this name. ');
    expect(error.message).toContain(fix);
    expect(error.message).not.toContain('hush');
  });

  it.each([undefined, null, 'https://issuer.example', [], 7])('%j is no options', (given) => {
    expect(configurationErrorOf(() => oidc(given as unknown as OidcOptions)).path).toBe('oidc');
  });
});

describe('plain http', () => {
  const http = 'http://issuer.example';

  it.each(['http://localhost:8080', 'http://127.0.0.1', 'http://127.9.9.9:1', 'http://[::1]:3000/realms/a'])(
    'is for this machine: %s',
    (issuer) => {
      expect(create({ issuer }).issuers.map(({ terms }) => terms.issuer)).toEqual([issuer]);
    },
  );

  it.each([
    'http://localhost.example.com',
    'http://127.0.0.1.nip.io',
    'http://10.0.0.1',
    'http://0.0.0.0',
    'http://[::ffff:127.0.0.1]',
    'http://sub.localhost.example',
  ])('is not for %s', (issuer) => {
    expect(configurationErrorOf(() => create({ issuer })).path).toBe('oidc({ issuer })');
  });

  it('is for other machines by the symbol alone', () => {
    const addresses = { issuer: http, discoveryUrl: `${http}/config` };
    const asText = { ...addresses, allowInsecureHttpOffLoopback: true };

    expect(create({ ...addresses, [allowInsecureHttpOffLoopback]: true }).issuers).toHaveLength(1);
    const atAddress = { issuer: http, jwksUri: `${http}/jwks`, [allowInsecureHttpOffLoopback]: true };
    expect(create(atAddress).issuers).toHaveLength(1);
    expect(configurationErrorOf(() => create(addresses)).path).toBe('oidc({ issuer })');
    expect(configurationErrorOf(() => create({ ...addresses, [allowInsecureHttpOffLoopback]: 'true' })).path).toBe(
      'oidc({ issuer })',
    );
    expect(configurationErrorOf(() => create({ ...addresses, [Symbol('allow')]: true })).path).toBe('oidc({ issuer })');
    expect(configurationErrorOf(() => create(asText)).path).toBe('oidc({ allowInsecureHttpOffLoopback })');
  });

  it('is for other machines, and no other scheme is', () => {
    const options = { issuer: 'ftp://issuer.example', [allowInsecureHttpOffLoopback]: true };

    expect(configurationErrorOf(() => create(options)).message).toContain('https is expected');
  });
});
