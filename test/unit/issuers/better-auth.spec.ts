import { describe, expect, it } from 'vitest';
import { betterAuth } from '../../../src/issuers/better-auth.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';

const judge = standIn('EdDSA');
const baseUrl = 'https://app.lumenworks.example';

function create(options: Readonly<Record<string | symbol, unknown>> = {}): IdentityProvider {
  return betterAuth({ baseUrl, ...options });
}

/** The whole record of a user, as the plugin writes it unless told otherwise, with fields of the app's own. */
const claims: JsonObject = {
  iat: issuedAt,
  name: 'Mira Solberg',
  email: 'mira@lumenworks.example',
  emailVerified: true,
  image: null,
  createdAt: '2025-11-02T09:14:03.120Z',
  updatedAt: '2025-12-24T16:40:55.871Z',
  role: 'editor, admin',
  banned: false,
  banReason: null,
  banExpires: null,
  roles: ['root'],
  permissions: ['all'],
  scope: 'all',
  id: 'p0LkMnBvCxZ1aSdFgHjK2qWeRtYu3i4o',
  sub: 'p0LkMnBvCxZ1aSdFgHjK2qWeRtYu3i4o',
  exp: issuedAt + 900,
  iss: baseUrl,
  aud: baseUrl,
};

/** The plugin writes no type. */
const header: JsonObject = { typ: undefined };

describe('a user of Better Auth', () => {
  it('has what their record says, but no rights by fields of the own app', async () => {
    const { user } = await judge(create(), claims, header);

    expect(user).toMatchObject({
      id: 'p0LkMnBvCxZ1aSdFgHjK2qWeRtYu3i4o',
      issuer: baseUrl,
      provider: 'oidc',
      isAnonymous: false,
      email: 'mira@lumenworks.example',
      emailVerified: true,
      name: 'Mira Solberg',
      roles: ['editor', 'admin'],
      scopes: [],
      permissions: [],
    });
  });

  it('has the roles of the field that the app names', async () => {
    expect((await judge(create({ rolesClaim: 'roles' }), claims, header)).user?.roles).toEqual([
      'editor',
      'admin',
      'root',
    ]);
  });

  it.each<[unknown, readonly string[]]>([
    ['user', ['user']],
    ['user,user', ['user']],
    [' , ', []],
    [null, []],
    [['admin'], []],
    [undefined, []],
  ])('has by the role %j the roles %j', async (role, roles) => {
    expect((await judge(create(), { ...claims, role }, header)).user?.roles).toEqual(roles);
  });

  it('may be anonymous', async () => {
    const { user } = await judge(
      create({ allowAnonymous: true }),
      { ...claims, isAnonymous: true, emailVerified: false },
      header,
    );

    expect(user).toMatchObject({ isAnonymous: true, emailVerified: false });
  });
});

/** What the OAuth server of Better Auth signs for a client of others, with the same key. */
const forClient: JsonObject = {
  ...{ name: undefined, email: undefined, role: undefined, roles: undefined, permissions: undefined },
  ...{ client_id: 'c1', azp: 'c1', scope: 'openid cats:read' },
};

describe('a token that Better Auth made for an OAuth client', () => {
  it.each<[string, JsonObject, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['of others', {}, { typ: 'at+jwt' }, {}, 'INVALID_TOKEN claim'],
    ['which says no type', {}, header, {}, 'INVALID_TOKEN claim'],
    ['which names none', { azp: undefined, client_id: undefined }, { typ: 'at+jwt' }, {}, 'INVALID_TOKEN claim'],
    ['in one claim only', { azp: undefined }, header, {}, 'INVALID_TOKEN claim'],
    ['that is let in', {}, { typ: 'at+jwt' }, { clientId: ['c1', 'c2'] }, 'accepted'],
    ['that is not, where others are', {}, { typ: 'at+jwt' }, { clientId: 'c2' }, 'INVALID_TOKEN claim'],
    ['which names two', { azp: 'c2' }, { typ: 'at+jwt' }, { clientId: 'c1' }, 'INVALID_TOKEN claim'],
  ])('%s', async (_, other, ofHeader, options, outcome) => {
    const judged = await judge(create(options), { ...claims, ...forClient, ...other }, ofHeader);

    expect(judged.outcome).toBe(outcome);
  });

  it('has the scopes that were granted to it', async () => {
    const { user } = await judge(create({ clientId: 'c1' }), { ...claims, ...forClient }, header);

    expect(user?.scopes).toEqual(['openid', 'cats:read']);
  });
});

describe('a token of Better Auth', () => {
  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['of this app', {}, {}, 'accepted'],
    ['of an anonymous user', { isAnonymous: true }, {}, 'INVALID_TOKEN claim'],
    ['of a user who is not anonymous', { isAnonymous: false }, {}, 'accepted'],
    ['for another audience', { aud: 'https://other.example' }, {}, 'INVALID_TOKEN audience'],
    ['which is the cached session', { aud: 'better-auth:session-cache' }, {}, 'INVALID_TOKEN audience'],
    ['for the audience that was set', { aud: 'api' }, { audience: 'api' }, 'accepted'],
    ['for whatever audience', { aud: undefined }, { audience: acceptAnyAudience }, 'accepted'],
    ['of the issuer that was set', { iss: 'lumenworks' }, { issuer: 'lumenworks' }, 'accepted'],
    ['of the address, where an issuer was set', {}, { issuer: 'lumenworks' }, 'INVALID_TOKEN issuer'],
    ['of another address', { iss: `${baseUrl}/api/auth` }, {}, 'INVALID_TOKEN issuer'],
    ['of an algorithm that is not wanted', {}, { algorithms: ['ES256', 'RS256'] }, 'INVALID_TOKEN algorithm'],
    ['of an algorithm that is', {}, { algorithms: ['ES256', 'EdDSA'] }, 'accepted'],
  ])('%s', async (_, other, options, outcome) => {
    expect((await judge(create(options), { ...claims, ...other }, header)).outcome).toBe(outcome);
  });

  it.each([
    [undefined, `${baseUrl}/api/auth/jwks`],
    ['/auth', `${baseUrl}/auth/jwks`],
    ['/auth/', `${baseUrl}/auth/jwks`],
    ['/', `${baseUrl}/jwks`],
  ])('with the basePath %s is verified with the keys at %s', async (basePath, address) => {
    expect((await judge(create({ basePath }), claims, header)).fetched).toEqual([address]);
  });
});

describe('the options of betterAuth', () => {
  it.each<[string, unknown, string]>([
    ['baseUrl', undefined, 'it is missing. Write the baseURL of Better Auth'],
    ['baseUrl', 'app.lumenworks.example', 'not an absolute address'],
    ['baseUrl', `${baseUrl}/api/auth`, `it is not an origin. Write ${baseUrl}, and the rest as basePath`],
    ['basePath', 'api/auth', "it is not a path. It starts with a slash: '/api/auth'"],
    ['basePath', '/api auth', 'it is not a path'],
    ['basePath', '/api?x', 'it is not a path'],
    ['issuer', '', 'a text that is not empty is expected'],
    ['audience', [], 'a text or a list of texts is expected'],
    [
      'algorithms',
      ['HS256'],
      'a list of signature algorithms is expected. Out of EdDSA, ES256, ES512, PS256, RS256; left out, EdDSA',
    ],
    ['allowAnonymous', 'no', 'true or false is expected'],
    ['clientId', [], 'a text or a list of texts is expected'],
    ['secret', 'hush', 'there is no option of this name'],
  ])('refuse %s: %j', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`betterAuth({ ${name} })`);
    expect(error.message).toContain(`betterAuth({ ${name} }): ${message}`);
  });
});
