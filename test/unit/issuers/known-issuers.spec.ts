import { describe, expect, it } from 'vitest';
import type { AuthContext } from '../../../src/upstream/auth-context.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import { claimMapsOf } from '../../../src/open-providers.js';
import type { ProfileSource, SourcedProfile } from '../../../src/profiles/profile-source.js';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import { ProviderClients } from '../../../src/upstream/provider-clients.js';
import { createCapability, missingOptionOf } from '../../../src/upstream/auth-context.js';
import { HttpClient } from '../../../src/upstream/http-client.js';
import type { Fetch } from '../../../src/upstream/http-exchange.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { toAuthUser } from '../../../src/user/verified-user.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { configurationErrorOf, errorOf } from '../../support/outcome.js';
import { presets } from '../../support/presets.js';
import { someUser } from '../../support/some-user.js';
import { startIssuer } from '../../support/started-issuer.js';

const clock = new ManualClock();
/** An issuer that is never called. */
const nowhere = { url: 'http://127.0.0.1:9', jwksUri: 'http://127.0.0.1:9/jwks' } as TestIssuer;
const known = Object.keys(presets).filter((name) => !['stackAuth', 'propelAuth', 'oidc', 'jwtIssuer'].includes(name));
const withUserinfo = ['auth0', 'keycloak', 'cognito'];

function create(name: string, at: TestIssuer, options: Readonly<Record<string, unknown>> = {}): IdentityProvider {
  const preset = presets[name];
  if (preset === undefined) throw new Error(`There is no preset ${name}`);
  return preset.create({ ...preset.options(at, at.url), ...options } as never);
}

function open(provider: IdentityProvider, fetch?: Fetch): ProfileSource | undefined {
  const context: AuthContext = {
    clock,
    upstream: new HttpClient({ fetch }),
    providerClient: new ProviderClients({ fetch, clock }).get,
    report: () => undefined,
  };
  return createCapability(provider.profiles, context) ?? undefined;
}

describe('profiles of the users of a known product', () => {
  it.each(known)('of %s come from the app where it has them', async (name) => {
    const profiles = { get: (user: AuthUser): SourcedProfile => ({ displayName: `The profile of ${user.id}` }) };
    const source = open(create(name, nowhere, { profiles }));

    expect(await source?.get(someUser())).toEqual({ displayName: 'The profile of alice' });
  });

  it.each(known)('of %s are given by an option, which messages name', (name) => {
    const { profiles } = create(name, nowhere);
    const withoutFind = open(create(name, nowhere, { profiles: { get: () => null } }));

    if (!withUserinfo.includes(name)) expect(missingOptionOf(profiles)?.option).toBe(`${name}({ profiles })`);
    expect(withoutFind?.findHint?.option).toBe(`${name}({ profiles: { find } })`);
    for (const own of withUserinfo) {
      expect(open(create(own, nowhere))?.findHint?.option).toBe(`${own}({ profiles: { find } })`);
    }
  });

  it.each(known.flatMap((name) => [null, {}, { get: 'x' }, () => null].map((profiles) => [name, profiles] as const)))(
    'of %s are no source: %j',
    (name, profiles) => {
      const error = configurationErrorOf(() => create(name, nowhere, { profiles }));

      expect(error.message).toBe(
        `${name}({ profiles }): a source of profiles is expected. ` +
          'Write { get: (user) => … }, which gives the profile of a user.',
      );
    },
  );

  it('come from the product when it has a userinfo endpoint, and are missing otherwise', () => {
    expect(known.filter((name) => 'create' in create(name, nowhere).profiles)).toEqual(withUserinfo);
  });

  it('are shown by a Keycloak realm, with the same token', async () => {
    const issuer = await startIssuer({ algorithm: 'RS256', path: '/realms/shop', clock });
    issuer.setUserInfo('alice', { name: 'Alice', email: 'alice@lumenworks.example', email_verified: true });
    const provider = create('keycloak', issuer);
    const text = await issuer.token({ sub: 'alice', ...presets['keycloak']?.claims });
    const verified = await openVerifier(provider, { clock }).verifier.verify(text);
    const claimMap = claimMapsOf([provider]).get(verified.issuer);
    const user = claimMap && toAuthUser(text, verified, claimMap);

    expect(user && (await open(provider)?.get(user))).toMatchObject({
      id: 'alice',
      displayName: 'Alice',
      primaryEmail: 'alice@lumenworks.example',
      primaryEmailVerified: true,
    });
  });

  it.each([
    ['auth0', {}, 'https://lumenworks.eu.auth0.com/'],
    ['cognito', {}, 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123/'],
    [
      'keycloak',
      { serverUrl: 'https://id.lumenworks.example', internalUrl: 'https://keycloak.internal' },
      'https://keycloak.internal/realms/shop/',
    ],
  ])('are looked for by the metadata of %s with %j under %s', async (name, options, place) => {
    const asked: string[] = [];
    const provider = create(name, nowhere, options);
    const [issuer] = provider.issuers;
    const source = open(provider, (url) => {
      asked.push(url);
      return Promise.reject(new TypeError('fetch failed'));
    });
    const text = 'a.b.c';
    const verified = { issuer: issuer?.terms.issuer ?? '', header: { alg: 'RS256' }, claims: { sub: 'alice' } };
    const user = toAuthUser(text, { ...verified, expiresAt: new Date(0) }, provider.claimMap);
    await errorOf(async () => source?.get(user)).catch(() => undefined);

    expect(asked[0]).toBe(`${place}.well-known/openid-configuration`);
  });
});

describe('the keys of a known product', () => {
  it.each(['auth0', 'cognito', 'firebase', 'entraId'])('of %s come from a mirror that the app names', async (name) => {
    const issuer = await startIssuer({ algorithm: 'RS256', clock });
    const preset = presets[name];
    const { verifier } = openVerifier(create(name, issuer, { jwksUri: [issuer.jwksUri] }), { clock });
    await verifier.verify(await issuer.token({ iss: preset?.issuer, ...preset?.claims }));

    expect(issuer.requests.jwks).toBe(1);
  });

  it('are one set for all names where one place is given for them', () => {
    const [first, second] = create('cognito', nowhere).issuers;

    expect(first?.keys).toBe(second?.keys);
  });
});
