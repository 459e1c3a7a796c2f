import { describe, expect, it } from 'vitest';
import { auth0 } from '../../../src/issuers/auth0.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';

const judge = standIn('RS256');
const good = { domain: 'lumenworks.eu.auth0.com', audience: 'https://api.lumenworks.example' };

function create(options: Readonly<Record<string | symbol, unknown>> = {}): IdentityProvider {
  return auth0({ ...good, ...options });
}

/** A user who has signed in to an organization, with the API's roles enabled: Auth0's own token profile. */
const claims: JsonObject = {
  'https://lumenworks.example/roles': ['editor', 'reader'],
  iss: 'https://lumenworks.eu.auth0.com/',
  sub: 'auth0|65b1f0c27d9c3e0f1a2b3c4d',
  aud: ['https://api.lumenworks.example', 'https://lumenworks.eu.auth0.com/userinfo'],
  iat: issuedAt,
  exp: issuedAt + 86_400,
  scope: 'openid profile email read:reports',
  org_id: 'org_4vKqNw2LmXe8RtYb',
  org_name: 'fjord-labs',
  azp: 'f3Rk8sQ2mLp0VxYzN7aBcD4eGhJtWu1K',
  permissions: ['read:reports', 'write:reports'],
};

/** An application in its own name: the profile of RFC 9068. */
const machine: JsonObject = {
  iss: 'https://lumenworks.eu.auth0.com/',
  sub: 'q9Zc5vTn1RkXwLb3@clients',
  aud: 'https://api.lumenworks.example',
  iat: issuedAt,
  exp: issuedAt + 86_400,
  jti: 'Hk2cWm8RzQpX0vLs',
  client_id: 'q9Zc5vTn1RkXwLb3',
  scope: 'read:reports',
  gty: 'client-credentials',
};

/** What the same tenant gives the web app to know its user by. */
const idToken: JsonObject = {
  nickname: 'mira',
  name: 'Mira Solberg',
  email: 'mira@lumenworks.example',
  email_verified: true,
  iss: 'https://lumenworks.eu.auth0.com/',
  sub: 'auth0|65b1f0c27d9c3e0f1a2b3c4d',
  aud: 'f3Rk8sQ2mLp0VxYzN7aBcD4eGhJtWu1K',
  iat: issuedAt,
  exp: issuedAt + 36_000,
  sid: 'bD2vKq8LmXe4RtYw',
};

describe('a user of Auth0', () => {
  it('has what the token says, and the organization that it was given for', async () => {
    const { user } = await judge(create({ rolesClaim: 'https://lumenworks.example/roles' }), claims);

    expect(user).toMatchObject({
      id: 'auth0|65b1f0c27d9c3e0f1a2b3c4d',
      issuer: 'https://lumenworks.eu.auth0.com/',
      provider: 'oidc',
      email: null,
      roles: ['editor', 'reader'],
      scopes: ['openid', 'profile', 'email', 'read:reports'],
      permissions: ['read:reports', 'write:reports'],
    });
    expect(user?.organizations).toEqual([
      {
        id: 'org_4vKqNw2LmXe8RtYb',
        name: null,
        slug: 'fjord-labs',
        roles: ['editor', 'reader'],
        permissions: ['read:reports', 'write:reports'],
      },
    ]);
  });

  it('has no roles without rolesClaim, and no organization that the token does not name', async () => {
    const { user } = await judge(create(), { ...claims, org_id: undefined });

    expect([user?.roles, user?.organizations]).toEqual([[], []]);
  });

  it('may be an application', async () => {
    const { user } = await judge(create({ tokenType: 'at+jwt' }), machine, { typ: 'at+jwt' });

    expect(user).toMatchObject({ id: 'q9Zc5vTn1RkXwLb3@clients', scopes: ['read:reports'], permissions: [] });
  });
});

describe('a token of Auth0', () => {
  const parties = { authorizedParties: ['f3Rk8sQ2mLp0VxYzN7aBcD4eGhJtWu1K'] };

  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['for this API', claims, {}, 'accepted'],
    ['of an application', machine, {}, 'accepted'],
    ['which is an ID token', idToken, {}, 'INVALID_TOKEN audience'],
    ['for another API', { ...claims, aud: 'https://other.example' }, {}, 'INVALID_TOKEN audience'],
    ['of another tenant', { ...claims, iss: 'https://other.eu.auth0.com/' }, {}, 'INVALID_TOKEN issuer'],
    ['whose issuer lacks the slash', { ...claims, iss: 'https://lumenworks.eu.auth0.com' }, {}, 'INVALID_TOKEN issuer'],
    ['of a client on the list', claims, parties, 'accepted'],
    ['of a client that is not', { ...claims, azp: 'another' }, parties, 'INVALID_TOKEN claim'],
    ['of a client that is not, by RFC 9068', machine, parties, 'INVALID_TOKEN claim'],
    ['of two clients, of which one is', { ...claims, client_id: 'another' }, parties, 'INVALID_TOKEN claim'],
    ['of no client', { ...claims, azp: undefined }, parties, 'INVALID_TOKEN claim'],
    ['of the wrong type', claims, { tokenType: 'at+jwt' }, 'INVALID_TOKEN type'],
    ['of an algorithm that is not wanted', claims, { algorithms: ['PS256'] }, 'INVALID_TOKEN algorithm'],
    ['of the custom domain', { ...claims, iss: 'https://login.lumenworks.example/' }, {}, 'INVALID_TOKEN issuer'],
    [
      'of the custom domain, beside the other',
      { ...claims, iss: 'https://login.lumenworks.example/' },
      { domain: [good.domain, 'login.lumenworks.example'] },
      'accepted',
    ],
  ])('%s', async (_, given, options, outcome) => {
    expect((await judge(create(options), given)).outcome).toBe(outcome);
  });

  it('is verified with the keys of its own domain', async () => {
    const provider = create({ domain: [good.domain, 'login.lumenworks.example'] });

    expect((await judge(provider, claims)).fetched).toEqual(['https://lumenworks.eu.auth0.com/.well-known/jwks.json']);
    expect((await judge(provider, { ...claims, iss: 'https://login.lumenworks.example/' })).fetched).toEqual([
      'https://login.lumenworks.example/.well-known/jwks.json',
    ]);
  });
});

describe('the options of auth0', () => {
  it.each<[string, unknown, string]>([
    ['domain', undefined, 'it is missing. Write the host alone, as in your-tenant.eu.auth0.com'],
    ['domain', 'https://lumenworks.eu.auth0.com', 'it is not a host name in lower case. Write the host alone'],
    ['domain', 'lumenworks.eu.auth0.com/', 'it is not a host name'],
    ['domain', 'Lumenworks.eu.auth0.com', 'it is not a host name in lower case'],
    ['domain', 'lumenworks', 'it is not a host name'],
    ['domain', ['lumenworks.eu.auth0.com', ''], 'a text or a list of texts is expected'],
    ['audience', undefined, 'it is missing. Write the audience of this API'],
    ['audience', 'https://lumenworks.eu.auth0.com/userinfo', 'the tokens for all APIs of the tenant have it'],
    ['authorizedParties', [], 'a text or a list of texts is expected. Write the id of the client'],
    ['algorithms', ['HS256'], 'a list of signature algorithms is expected. Out of RS256, PS256; left out, all of them'],
    ['tokenType', '', 'a text that is not empty is expected'],
    ['rolesClaim', [], 'a text or a list of texts is expected. Write the name of the claim'],
    ['jwksUri', 'http://lumenworks.eu.auth0.com/jwks', 'http is only allowed on this machine'],
    ['clientSecret', 'hush', 'there is no option of this name. Known options: domain, audience'],
    ['issuer', 'x', 'there is no option of this name'],
  ])('refuse %s: %j', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`auth0({ ${name} })`);
    expect(error.message).toContain(`auth0({ ${name} }): ${message}`);
    expect(error.message).not.toContain('hush');
  });
});
