import { describe, expect, it } from 'vitest';
import { entraId } from '../../../src/issuers/entra-id.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';

const judge = standIn('RS256');
const tenant = '5d0c1b2e-3f4a-4b6c-8d7e-9f0a1b2c3d4e';
const other = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490';
const api = '2d4d11a2-f814-46a7-890a-274a72a7309e';
const good = { tenantId: tenant, audience: [api, `api://${api}`] };

function create(options: Readonly<Record<string | symbol, unknown>> = {}): IdentityProvider {
  return entraId({ ...good, ...options });
}

/** A user, by a token of version 2. */
const claims: JsonObject = {
  aud: api,
  iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
  iat: issuedAt,
  nbf: issuedAt,
  exp: issuedAt + 4_500,
  aio: 'AVQAq/8TAAAAk2vq',
  azp: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
  azpacr: '0',
  name: 'Mira Solberg',
  oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
  preferred_username: 'mira@lumenworks.example',
  rh: '0.AXEA',
  roles: ['Reports.Editor'],
  scp: 'Reports.Read Reports.Write',
  sid: '00123b8c-2f1a-4c0e-9a7b-3d5e6f708192',
  sub: 'HKZpfaHyWadeOouYlitjrI-KffTmQ2v8X5rrV3xDqfK',
  tid: tenant,
  uti: 'fqiBqXLPj0eQa82S-IYFAA',
  ver: '2.0',
};

/** The same user, by a token of version 1. */
const old: JsonObject = {
  aud: `api://${api}`,
  iss: `https://sts.windows.net/${tenant}/`,
  iat: issuedAt,
  nbf: issuedAt,
  exp: issuedAt + 4_500,
  acr: '1',
  amr: ['pwd'],
  appid: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
  appidacr: '0',
  family_name: 'Solberg',
  given_name: 'Mira',
  ipaddr: '203.0.113.7',
  name: 'Mira Solberg',
  oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
  scp: 'Reports.Read Reports.Write',
  sub: 'l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA',
  tid: tenant,
  unique_name: 'mira@lumenworks.example',
  upn: 'mira@lumenworks.example',
  ver: '1.0',
};

/** An application in its own name, with a role that an administrator gave it. */
const application: JsonObject = {
  aud: api,
  iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
  iat: issuedAt,
  nbf: issuedAt,
  exp: issuedAt + 3_900,
  azp: '75dbe77f-10a3-4e59-85fd-8c127544f17c',
  azpacr: '1',
  oid: '02223b6b-aa1d-42d4-9ec0-1b2bb9194438',
  roles: ['Reports.Import'],
  sub: '02223b6b-aa1d-42d4-9ec0-1b2bb9194438',
  tid: tenant,
  uti: 'p0eQa82S',
  ver: '2.0',
};

const idToken: JsonObject = {
  ...claims,
  aud: api,
  azp: undefined,
  azpacr: undefined,
  scp: undefined,
  nonce: '678910',
};

describe('a user of Entra ID', () => {
  it('has what the token says', async () => {
    const { user } = await judge(create(), claims);

    expect(user).toMatchObject({
      id: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
      issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
      provider: 'oidc',
      email: null,
      name: 'Mira Solberg',
      sessionId: '00123b8c-2f1a-4c0e-9a7b-3d5e6f708192',
      roles: ['Reports.Editor'],
      scopes: ['Reports.Read', 'Reports.Write'],
    });
  });

  it('is the same by both versions, unless the app chose the id that differs', async () => {
    const ids = async (userId: 'oid' | 'sub'): Promise<unknown[]> => {
      const judged = await Promise.all([claims, old].map((given) => judge(create({ userId }), given)));
      return judged.map(({ user }) => user?.id);
    };

    expect(await ids('oid')).toEqual([claims['oid'], claims['oid']]);
    expect(await ids('sub')).toEqual([claims['sub'], old['sub']]);
  });

  it('may be an application', async () => {
    const { user } = await judge(create(), application);

    expect(user).toMatchObject({ id: application['oid'], name: null, roles: ['Reports.Import'], scopes: [] });
  });
});

describe('a token of Entra ID', () => {
  const users = { allowApplications: false };
  const parties = { authorizedParties: claims['azp'] };

  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['of version 2', claims, {}, 'accepted'],
    ['of version 1', old, {}, 'accepted'],
    ['for another API', { ...claims, aud: '00000003-0000-0000-c000-000000000000' }, {}, 'INVALID_TOKEN audience'],
    ['which is an ID token', idToken, {}, 'INVALID_TOKEN type'],
    ['with neither scope nor role', { ...application, roles: undefined }, {}, 'INVALID_TOKEN claim'],
    ['with an empty list of roles', { ...application, roles: [] }, {}, 'INVALID_TOKEN claim'],
    ['with a scope alone', { ...claims, roles: undefined }, {}, 'accepted'],
    ['of an application', application, {}, 'accepted'],
    ['of an application, where users are asked for', application, users, 'INVALID_TOKEN claim'],
    ['of an application that says so', { ...application, idtyp: 'app', scp: 'x' }, users, 'INVALID_TOKEN claim'],
    ['of a user, where users are asked for', claims, users, 'accepted'],
    ['of a user that says so', { ...claims, idtyp: 'user' }, users, 'accepted'],
    ['of a client on the list', claims, parties, 'accepted'],
    ['of a client on the list, by version 1', old, parties, 'accepted'],
    ['of another client', application, parties, 'INVALID_TOKEN claim'],
    ['of another client, by version 1', { ...old, appid: 'x' }, parties, 'INVALID_TOKEN claim'],
    ['of another client, which hides in the other claim', { ...old, azp: 'x' }, parties, 'INVALID_TOKEN claim'],
    ['without an object id', { ...claims, oid: undefined }, {}, 'INVALID_TOKEN claim'],
    [
      'without an object id, where the other is asked for',
      { ...claims, oid: undefined },
      { userId: 'sub' },
      'accepted',
    ],
    [
      'of another tenant',
      { ...claims, iss: `https://login.microsoftonline.com/${other}/v2.0` },
      {},
      'INVALID_TOKEN issuer',
    ],
    ['of a tenant that it does not name', { ...claims, tid: other }, {}, 'INVALID_TOKEN claim'],
    ['of no named tenant', { ...claims, tid: undefined }, {}, 'accepted'],
    ['of a tenant that is a number', { ...claims, tid: 5 }, {}, 'INVALID_TOKEN claim'],
    [
      'of the placeholder',
      { ...claims, iss: 'https://login.microsoftonline.com/{tenantid}/v2.0' },
      {},
      'INVALID_TOKEN issuer',
    ],
  ])('%s', async (_, given, options, outcome) => {
    expect((await judge(create(options), given)).outcome).toBe(outcome);
  });

  it('of each listed tenant passes, with the keys of its own', async () => {
    const provider = create({ tenantId: [tenant, other.toUpperCase()] });
    const iss = `https://login.microsoftonline.com/${other}/v2.0`;

    expect((await judge(provider, claims)).outcome).toBe('accepted');
    expect(await judge(provider, { ...claims, iss, tid: other })).toMatchObject({
      outcome: 'accepted',
      fetched: [`https://login.microsoftonline.com/${other}/discovery/v2.0/keys`],
    });
    expect((await judge(provider, { ...claims, iss })).outcome).toBe('INVALID_TOKEN claim');
  });

  it.each([
    [undefined, ['https://login.microsoftonline.com/T/v2.0', 'https://sts.windows.net/T/']],
    ['https://login.microsoftonline.us', ['https://login.microsoftonline.us/T/v2.0', 'https://sts.windows.net/T/']],
    [
      'https://login.partner.microsoftonline.cn/',
      ['https://login.partner.microsoftonline.cn/T/v2.0', 'https://sts.chinacloudapi.cn/T/'],
    ],
    [`https://${tenant}.ciamlogin.com`, [`https://${tenant}.ciamlogin.com/T/v2.0`]],
  ])('at the authority %s is issued by %j, whose keys are one set', (authority, issuers) => {
    const provided = create({ authority }).issuers;

    expect(provided.map(({ terms }) => terms.issuer)).toEqual(
      issuers.map((name) => name.replace('/T/', `/${tenant}/`)),
    );
    expect(new Set(provided.map(({ keys }) => keys)).size).toBe(1);
  });
});

describe('the options of entraId', () => {
  it.each<[string, unknown, string]>([
    ['tenantId', undefined, 'it is missing. Write the directory (tenant) id, a GUID'],
    ['tenantId', 'common', 'it stands for every account, and not for a tenant'],
    ['tenantId', [tenant, 'organizations'], 'it stands for every account, and not for a tenant'],
    ['tenantId', 'lumenworks.onmicrosoft.com', 'it is not the id of a tenant. Write the directory (tenant) id, a GUID'],
    ['tenantId', `${tenant}/v2.0`, 'it is not the id of a tenant'],
    ['tenantId', [], 'a text or a list of texts is expected'],
    ['audience', undefined, 'it is missing. Write the audience of this API'],
    ['userId', 'email', "one of 'oid', 'sub' is expected. Left out, it is 'oid'"],
    ['allowApplications', 'no', 'true or false is expected. Left out, it is true'],
    ['authority', 'http://login.microsoftonline.com', 'http is only allowed on this machine'],
    [
      'authority',
      `https://login.microsoftonline.com/${tenant}`,
      'it is not an origin. Write https://login.microsoftonline.com',
    ],
    ['clientId', api, 'there is no option of this name'],
  ])('refuse %s: %j', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`entraId({ ${name} })`);
    expect(error.message).toContain(`entraId({ ${name} }): ${message}`);
  });
});

describe('a token for Microsoft Graph', () => {
  it('is explained where its signature does not match: Entra ID signs it over another header', () => {
    const explain = create().issuers[0]?.terms.explain;
    const header = { alg: 'RS256', typ: 'JWT' };
    const graphHeader = { ...header, nonce: 'f6dX0aBq' } as typeof header;

    expect(explain?.('signature', old, graphHeader)).toContain('It is a token for an API of Microsoft');
    expect(explain?.('signature', old, header)).toBeUndefined();
    expect(explain?.('audience', old, graphHeader)).toBeUndefined();
  });
});
