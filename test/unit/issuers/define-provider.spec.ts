import { describe, expect, it } from 'vitest';
import { allowInsecureHttpOffLoopback } from '../../../src/configuration/read-address.js';
import { defineProvider, type ProviderForm } from '../../../src/issuers/define-provider.js';
import { isIdentityProvider } from '../../../src/issuers/identity-provider.js';
import { oidc } from '../../../src/issuers/oidc.js';
import { keysAt } from '../../../src/issuers/remote-keys.js';
import { publicKeyAlgorithms } from '../../../src/keys/algorithm.js';
import { claimMapsOf, openIssuers } from '../../../src/open-providers.js';
import { readAuthOptions } from '../../../src/read-auth-options.js';
import { resolveAuthOptions } from '../../../src/resolve-auth-options.js';
import { ProviderClients } from '../../../src/upstream/provider-clients.js';
import { HttpClient } from '../../../src/upstream/http-client.js';
import { mapStandardClaims } from '../../../src/user/claim-map.js';
import { ManualClock } from '../../support/manual-clock.js';
import { configurationErrorOf } from '../../support/outcome.js';

const missing = { missing: { option: 'acmeId({ key })', hint: 'Write key' } };
const ability = { create: () => ({}) as never };
const form: ProviderForm = {
  name: 'acmeId',
  issuers: [{ terms: { issuer: 'acme', audience: ['api'] }, keys: keysAt('https://acme.example/jwks') }],
  claimMap: { provider: 'oidc', map: mapStandardClaims },
};
const [issuer] = form.issuers;

describe('defineProvider', () => {
  it('fills in everything but name, issuers and claimMap', () => {
    expect(defineProvider(form)).toMatchObject({
      name: 'acmeId',
      acceptsTokens: true,
      verification: 'local',
      tokenSources: [{ place: 'Authorization: Bearer' }],
      profiles: { missing: { option: 'acmeId', hint: 'This preset has no profiles' } },
      permissions: { missing: { option: 'acmeId', hint: 'This preset has no permissions' } },
      issuerHints: new Map(),
      issuers: [
        {
          terms: {
            algorithms: new Set(publicKeyAlgorithms),
            tokenType: null,
            clockToleranceSeconds: 5,
            maxTokenAgeSeconds: null,
            subjectClaim: 'sub',
          },
          introspection: { missing: { option: 'acmeId', hint: 'This preset has no introspection' } },
        },
      ],
    });
  });

  it('returns a frozen provider, and a copy of it is none until it was defined again', () => {
    const provider = defineProvider(form);

    expect(Object.isFrozen(provider) && Object.isFrozen(provider.issuers[0]?.terms)).toBe(true);
    expect(isIdentityProvider(provider)).toBe(true);
    expect(isIdentityProvider({ ...provider })).toBe(false);
    expect(isIdentityProvider(defineProvider({ ...provider, name: 'other' }))).toBe(true);
  });

  it('does not change with the collections that it was given', () => {
    const algorithms = new Set(['ES256'] as const);
    const issuerHints = new Map([['old', 'Use the new one']]);
    const terms = { issuer: 'acme', audience: ['api'], algorithms };
    const provider = defineProvider({ ...form, issuers: [{ terms, keys: ability }], issuerHints });
    algorithms.clear();
    issuerHints.clear();

    expect(provider.issuers[0]?.terms.algorithms).toEqual(new Set(['ES256']));
    expect(provider.issuerHints.size).toBe(1);
  });

  it.each([
    ['defineProvider', null, 'an object is expected'],
    ['defineProvider({ name })', { ...form, name: ' ' }, 'a name is expected'],
    ['defineProvider({ name })', { ...form, name: undefined }, 'it is missing'],
    ['defineProvider({ issuers })', { ...form, issuers: {} }, 'a list is expected'],
    ['defineProvider({ claimMap })', { ...form, claimMap: mapStandardClaims }, 'provider and map(claims) is expected'],
    ['defineProvider({ acceptsTokens })', { ...form, acceptsTokens: 'no' }, 'true or false is expected'],
    [
      'defineProvider({ verification })',
      { ...form, verification: 'never' },
      'one of local, online, hybrid is expected',
    ],
    ['defineProvider({ tokenSources })', { ...form, tokenSources: [] }, 'a list of token sources is expected'],
    ['defineProvider({ profiles })', { ...form, profiles: { get: () => null } }, 'create(context)'],
    ['defineProvider({ permissions })', { ...form, permissions: { missing: { option: 'x' } } }, 'create(context)'],
    ['defineProvider({ issuerHints })', { ...form, issuerHints: {} }, 'a Map is expected'],
    ['defineProvider({ openKeys })', { ...form, openKeys: ability }, 'there is no member of this name'],
    ['defineProvider({ issuers[0] })', { ...form, issuers: ['acme'] }, 'an object is expected'],
    [
      'defineProvider({ issuers[0] })({ keys })',
      { ...form, issuers: [{ ...issuer, keys: undefined }] },
      'it is missing',
    ],
    [
      'defineProvider({ issuers[0] })({ keys })',
      { ...form, issuers: [{ ...issuer, keys: missing }] },
      "'local' requires it",
    ],
    [
      'defineProvider({ issuers[0] })({ introspection })',
      { ...form, verification: 'hybrid' },
      "verification: 'hybrid' requires it",
    ],
    ...(
      [
        ['issuer', ''],
        ['audience', 'api'],
        ['audience', []],
        ['algorithms', ['ES256']],
        ['algorithms', new Set(['none'])],
        ['tokenType', 7],
        ['clockToleranceSeconds', -1],
        ['maxTokenAgeSeconds', '60'],
        ['subjectClaim', ''],
        ['findFault', 'never'],
      ] as const
    ).map(
      ([name, value]) =>
        [
          `defineProvider({ issuers[0] })({ terms })({ ${name} })`,
          { ...form, issuers: [{ ...issuer, terms: { ...issuer?.terms, [name]: value } }] },
          'is expected',
        ] as const,
    ),
  ] as const)('refuses a wrong form, and names %s', (path, given, problem) => {
    const error = configurationErrorOf(() => defineProvider(given as never));

    expect(error.path).toBe(path);
    expect(error.message).toContain(problem);
  });

  it('accepts an issuer without keys when every token is asked about', () => {
    const online = { ...form, verification: 'online' as const };
    const provider = defineProvider({
      ...online,
      issuers: [{ terms: { issuer: 'acme', audience: ['api'] }, keys: missing, introspection: ability }],
    });

    expect(openIssuers([provider], context()).get('acme').verification).toBe('online');
  });
});

function context() {
  const clock = new ManualClock();
  return {
    clock,
    upstream: new HttpClient(),
    providerClient: new ProviderClients({ clock }).get,
    report: () => undefined,
  };
}

describe('an issuer that is described twice', () => {
  const accepting = oidc({ issuer: 'https://acme.example', audience: 'api' });
  const other = defineProvider({ ...accepting, acceptsTokens: false, issuerHints: new Map([['x', 'y']]) });
  const resolve = (...issuers: unknown[]) => resolveAuthOptions(readAuthOptions('AuthModule.forRoot', { issuers }));

  it('is refused when both descriptions accept its tokens', () => {
    expect(configurationErrorOf(() => resolve(accepting, accepting)).message).toContain(
      'the issuer https://acme.example is described twice. Describe it once',
    );
  });

  it('is accepted when only one of them does, and that one decides', () => {
    const { providers, sources } = resolve(other, accepting);
    const registry = openIssuers(providers, context());

    expect(providers).toEqual([other, accepting]);
    expect(sources).toHaveLength(1);
    expect(registry.all().map(({ terms }) => terms)).toEqual([accepting.issuers[0]?.terms]);
    expect(claimMapsOf(providers).get('https://acme.example')).toBe(accepting.claimMap);
  });

  it('is refused when none accepts tokens', () => {
    expect(configurationErrorOf(() => resolve(other)).message).toContain('none of them accepts tokens');
  });
});

describe('keysAt', () => {
  it.each([
    ['plain http to another machine', 'http://192.0.2.2/jwks'],
    ['a password in it', 'https://user:pw@acme.example/jwks'],
    ['no address', 'nonsense'],
    ['nothing', undefined],
    ['an empty list', []],
    ['a list with a wrong address', ['https://acme.example/jwks', 'ftp://acme.example/jwks']],
  ])('refuses %s at once', (_, address) => {
    expect(() => keysAt(address as string)).toThrow(/^keysAt\(address\): /);
  });

  it('accepts plain http to another machine where the app says so', () => {
    expect(keysAt('http://192.0.2.2/jwks', { [allowInsecureHttpOffLoopback]: true })).toHaveProperty('create');
  });
});
