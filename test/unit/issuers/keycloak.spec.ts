import { describe, expect, it } from 'vitest';
import { allowInsecureHttpOffLoopback } from '../../../src/configuration/read-address.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import { keycloak } from '../../../src/issuers/keycloak.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';

const judge = standIn('RS256');
const good = { serverUrl: 'https://id.lumenworks.example', realm: 'shop', audience: 'shop-api' };

function create(options: Readonly<Record<string | symbol, unknown>> = {}): IdentityProvider {
  return keycloak({ ...good, ...options });
}

/** An access token of Keycloak 26 for a web app, with an Audience mapper for the API and organizations. */
const claims: JsonObject = {
  exp: issuedAt + 300,
  iat: issuedAt,
  auth_time: issuedAt - 5,
  jti: 'onrtac:5f1f6b0e-6d0a-0c4b-8d51-6a1d0a2b7e34',
  iss: 'https://id.lumenworks.example/realms/shop',
  aud: ['shop-api', 'account'],
  sub: '7c0f9d1e-2b6a-4e57-9d0c-3f8a51b2c6d4',
  typ: 'Bearer',
  azp: 'shop-web',
  sid: '0b3c5d7e-1f2a-4b6c-8d9e-a0f1b2c3d4e5',
  acr: '1',
  'allowed-origins': ['https://shop.lumenworks.example'],
  realm_access: { roles: ['offline_access', 'default-roles-shop', 'staff'] },
  resource_access: {
    'shop-api': { roles: ['orders:write', 'staff'] },
    account: { roles: ['manage-account', 'view-profile'] },
    'other-api': { roles: ['owner'] },
  },
  scope: 'openid profile email organization',
  organization: { 'fjord-labs': { id: '42c3e46f-2477-44d7-a85b-d3b43f6b31fa', tier: ['gold'] }, acme: {} },
  email_verified: true,
  name: 'Mira Solberg',
  preferred_username: 'mira',
  given_name: 'Mira',
  family_name: 'Solberg',
  email: 'mira@lumenworks.example',
};

describe('a user of Keycloak', () => {
  it('has what the token says, with the roles of the realm and of this API', async () => {
    const { user } = await judge(create(), claims);

    expect(user).toMatchObject({
      id: '7c0f9d1e-2b6a-4e57-9d0c-3f8a51b2c6d4',
      issuer: 'https://id.lumenworks.example/realms/shop',
      provider: 'oidc',
      email: 'mira@lumenworks.example',
      emailVerified: true,
      name: 'Mira Solberg',
      sessionId: '0b3c5d7e-1f2a-4b6c-8d9e-a0f1b2c3d4e5',
      scopes: ['openid', 'profile', 'email', 'organization'],
    });
    expect(user?.roles).toEqual(['offline_access', 'default-roles-shop', 'staff', 'orders:write']);
    expect(user?.organizations).toEqual([
      { id: '42c3e46f-2477-44d7-a85b-d3b43f6b31fa', name: null, slug: 'fjord-labs', roles: [], permissions: [] },
      { id: 'acme', name: null, slug: 'acme', roles: [], permissions: [] },
    ]);
  });

  it.each<[string, Readonly<Record<string, unknown>>, readonly string[]]>([
    ['the realm alone', { clientRoles: 'none' }, ['offline_access', 'default-roles-shop', 'staff']],
    ['the API alone', { realmRoles: false }, ['orders:write', 'staff']],
    [
      'other clients',
      { realmRoles: false, clientRoles: ['other-api', 'account'] },
      ['owner', 'manage-account', 'view-profile'],
    ],
    ['no client, when any audience is accepted', { realmRoles: false, audience: acceptAnyAudience }, []],
    [
      'no client, when its name is one that objects inherit',
      { realmRoles: false, clientRoles: ['__proto__', 'constructor'] },
      [],
    ],
    ['a claim of its own', { realmRoles: false, clientRoles: 'none', rolesClaim: ['a', 'b'] }, ['x']],
  ])('has the roles of %s', async (_, options, roles) => {
    const { user } = await judge(create(options), { ...claims, a: { b: ['x'] } });

    expect(user?.roles).toEqual(roles);
  });

  it.each<[string, JsonObject]>([
    ['no roles at all', { realm_access: undefined, resource_access: undefined }],
    ['roles of other shapes', { realm_access: ['staff'], resource_access: { 'shop-api': ['orders:write'] } }],
    [
      'roles that are no lists',
      { realm_access: { roles: 'staff' }, resource_access: { 'shop-api': { roles: { a: 1 } } } },
    ],
    ['null', { realm_access: null, resource_access: null }],
  ])('has no roles by %s', async (_, other) => {
    expect((await judge(create(), { ...claims, ...other })).user?.roles).toEqual([]);
  });

  it.each<[unknown, readonly string[]]>([
    [
      ['fjord-labs', 'acme'],
      ['fjord-labs', 'acme'],
    ],
    ['fjord-labs', ['fjord-labs']],
    // An attribute named id, which is a list, takes the id's place on Keycloak's side.
    [{ 'fjord-labs': { id: ['forged'] }, acme: {} }, ['acme']],
    [{ 'fjord-labs': null }, ['fjord-labs']],
    [undefined, []],
    [7, []],
    [{}, []],
  ])('has by the claim %j the organizations %j', async (organization, ids) => {
    const { user } = await judge(create(), { ...claims, organization });

    expect(user?.organizations.map(({ id }) => id)).toEqual(ids);
    expect(user?.organizations.map(({ slug }) => slug)).toEqual(ids);
  });
});

describe('a token of Keycloak', () => {
  const parties = { authorizedParties: ['shop-web', 'shop-app'] };

  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['for this API', {}, {}, 'accepted'],
    ['for the account console alone', { aud: 'account' }, {}, 'INVALID_TOKEN audience'],
    ['without an audience', { aud: undefined }, {}, 'INVALID_TOKEN audience'],
    ['which is an ID token', { typ: 'ID', aud: 'shop-web' }, {}, 'INVALID_TOKEN audience'],
    ['which is an ID token for this API', { typ: 'ID' }, {}, 'INVALID_TOKEN type'],
    ['which is a refresh token', { typ: 'Refresh' }, {}, 'INVALID_TOKEN type'],
    ['which is an offline token', { typ: 'Offline' }, {}, 'INVALID_TOKEN type'],
    ['which is a logout token', { typ: 'Logout' }, {}, 'INVALID_TOKEN type'],
    ['that is bound to a key', { typ: 'DPoP' }, {}, 'INVALID_TOKEN type'],
    ['without a type', { typ: undefined }, {}, 'INVALID_TOKEN type'],
    ['with a list for a type', { typ: ['Bearer'] }, {}, 'INVALID_TOKEN type'],
    ['whose type is in small letters', { typ: 'bearer' }, {}, 'accepted'],
    ['of another realm', { iss: 'https://id.lumenworks.example/realms/other' }, {}, 'INVALID_TOKEN issuer'],
    ['of a client on the list', {}, parties, 'accepted'],
    ['of a client that is not', { azp: 'other-web' }, parties, 'INVALID_TOKEN claim'],
    ['of no client', { azp: undefined }, parties, 'INVALID_TOKEN claim'],
    ['of an algorithm that is not wanted', {}, { algorithms: ['ES256'] }, 'INVALID_TOKEN algorithm'],
    ['without a subject', { sub: undefined }, {}, 'INVALID_TOKEN claim'],
  ])('%s', async (_, other, options, outcome) => {
    expect((await judge(create(options), { ...claims, ...other })).outcome).toBe(outcome);
  });

  it('is logged with the expected type', async () => {
    const { explanation } = await judge(create(), { ...claims, typ: 'Refresh' });

    expect(explanation).toBe(
      'Expected an access token, whose "typ" claim is "Bearer"; the token says "Refresh". ' +
        'It may be an ID or a refresh token',
    );
  });
});

describe('a server with two addresses', () => {
  const inside = { internalUrl: 'https://keycloak.internal:8443' };
  const certificates = '/realms/shop/protocol/openid-connect/certs';

  it('is asked for keys at the inner one, while tokens bear the outer one', async () => {
    const provider = create(inside);

    expect(await judge(provider, claims)).toMatchObject({
      outcome: 'accepted',
      fetched: [`https://keycloak.internal:8443${certificates}`],
    });
    expect((await judge(create(), claims)).fetched).toEqual([`https://id.lumenworks.example${certificates}`]);
  });

  it('has tokens of the inner one refused, with what to change in Keycloak', async () => {
    const given = { ...claims, iss: 'https://keycloak.internal:8443/realms/shop' };
    const { outcome, explanation, fetched } = await judge(create(inside), given);

    expect([outcome, fetched]).toEqual(['INVALID_TOKEN issuer', []]);
    expect(explanation).toContain('It was issued through the internal address, and only');
    expect(explanation).toContain("Set Keycloak's hostname to the external address");
  });

  it('may be of plain http inside by the symbol alone', () => {
    const plain = { internalUrl: 'http://keycloak:8080' };

    expect(configurationErrorOf(() => create(plain)).path).toBe('keycloak({ internalUrl })');
    expect(create({ ...plain, [allowInsecureHttpOffLoopback]: true }).issuers).toHaveLength(1);
  });

  it.each([
    ['https://id.lumenworks.example/', 'shop', 'https://id.lumenworks.example/realms/shop'],
    ['https://id.lumenworks.example/auth', 'shop', 'https://id.lumenworks.example/auth/realms/shop'],
    ['https://id.lumenworks.example/auth//', 'shop', 'https://id.lumenworks.example/auth/realms/shop'],
    ['http://localhost:8080', 'my realm', 'http://localhost:8080/realms/my%20realm'],
  ])('%s and the realm %s: %s', (serverUrl, realm, issuer) => {
    expect(create({ serverUrl, realm }).issuers.map(({ terms }) => terms.issuer)).toEqual([issuer]);
  });
});

describe('the options of keycloak', () => {
  it.each<[string, unknown, string]>([
    ['serverUrl', undefined, 'it is missing. Write the address of the server'],
    ['serverUrl', 'id.lumenworks.example', 'not an absolute address'],
    ['serverUrl', 'http://id.lumenworks.example', 'http is only allowed on this machine'],
    [
      'serverUrl',
      'https://id.lumenworks.example/auth/realms/shop',
      'it has a path that does not belong to it. Write it without the realm: https://id.lumenworks.example/auth',
    ],
    [
      'internalUrl',
      'https://keycloak/realms/shop',
      'it has a path that does not belong to it. Write it without the realm: https://keycloak.',
    ],
    [
      'internalUrl',
      'https://keycloak/?a=b',
      'it has a path that does not belong to it. Write it without the realm: https://keycloak.',
    ],
    ['realm', undefined, 'it is missing. It is in the address of the admin console'],
    ['realm', '', 'a text that is not empty is expected'],
    ['audience', undefined, 'it is missing. Write the audience of this API'],
    ['audience', 'account', "the tokens of every client have 'account'. Make a client for this API"],
    ['audience', ['shop-api', 'account'], "the tokens of every client have 'account'"],
    ['realmRoles', 'yes', 'true or false is expected. Left out, it is true'],
    ['clientRoles', [], 'a text or a list of texts is expected'],
    ['algorithms', ['HS512'], 'a list of signature algorithms is expected'],
    ['clientId', 'shop-api', 'there is no option of this name'],
  ])('refuse %s: %j', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`keycloak({ ${name} })`);
    expect(error.message).toContain(`keycloak({ ${name} }): ${message}`);
  });
});

describe('what is known about the tokens of Keycloak', () => {
  it('is stated where "sub" is missing, which is in a client scope since version 25', async () => {
    const { outcome, explanation } = await judge(create(), { ...claims, sub: undefined });

    expect(outcome).toBe('INVALID_TOKEN claim');
    expect(explanation).toContain('the client scope "basic" adds "sub"');
  });

  it('is stated where the audience is missing, which a mapper adds', async () => {
    const { outcome, explanation } = await judge(create(), { ...claims, aud: 'account' });

    expect(outcome).toBe('INVALID_TOKEN audience');
    expect(explanation).toContain('Audience mapper');
  });
});
