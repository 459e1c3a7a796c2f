import { describe, expect, it } from 'vitest';
import { clerk } from '../../../src/issuers/clerk.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';
import type { Organization } from '../../../src/user/auth-user.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';

const judge = standIn('RS256');
const good = {
  frontendApiUrl: 'https://clerk.lumenworks.example',
  authorizedParties: 'https://app.lumenworks.example',
};

function create(options: Readonly<Record<string | symbol, unknown>> = {}): IdentityProvider {
  return clerk({ ...good, ...options });
}

const sessionHeader: JsonObject = { cat: 'cl_B7d4PD111AAA', kid: undefined };
const templateHeader: JsonObject = { cat: 'cl_B7d4PD222AAA', kid: undefined };
const machineHeader: JsonObject = { cat: 'cl_B7d4PD333AAA', kid: undefined };

/** A session token of version 2, with an active organization. */
const claims: JsonObject = {
  azp: 'https://app.lumenworks.example',
  exp: issuedAt + 60,
  fea: 'u:themes,o:reports,ou:exports,o:teams',
  fva: [3, -1],
  iat: issuedAt,
  iss: 'https://clerk.lumenworks.example',
  jti: 'e5c1a0b94d7f2836c1d5',
  nbf: issuedAt - 10,
  o: { id: 'org_2mQvXk8RtLp3YzNa', rol: 'admin', slg: 'fjord-labs', per: 'read,manage', fpm: '3,1,2' },
  pla: 'o:pro',
  sid: 'sess_2mQvZa1BcDeFgHiJ',
  sts: 'active',
  sub: 'user_2mQvW0pLkMnBvCxZ',
  v: 2,
};

/** The same of version 1. */
const old: JsonObject = {
  azp: 'https://app.lumenworks.example',
  exp: issuedAt + 60,
  iat: issuedAt,
  iss: 'https://clerk.lumenworks.example',
  nbf: issuedAt - 10,
  org_id: 'org_2mQvXk8RtLp3YzNa',
  org_permissions: ['org:reports:read', 'org:reports:manage', 'org:exports:read', 'org:teams:manage'],
  org_role: 'org:admin',
  org_slug: 'fjord-labs',
  sid: 'sess_2mQvZa1BcDeFgHiJ',
  sub: 'user_2mQvW0pLkMnBvCxZ',
};

const organization: Organization = {
  id: 'org_2mQvXk8RtLp3YzNa',
  name: null,
  slug: 'fjord-labs',
  roles: ['org:admin'],
  permissions: ['org:reports:read', 'org:reports:manage', 'org:exports:read', 'org:teams:manage'],
};

describe('a user of Clerk', () => {
  it.each([
    ['2', claims],
    ['1', old],
  ])('is the same by a token of version %s', async (_, given) => {
    const { user } = await judge(create(), given, sessionHeader);

    expect(user).toMatchObject({
      id: 'user_2mQvW0pLkMnBvCxZ',
      issuer: 'https://clerk.lumenworks.example',
      provider: 'oidc',
      sessionId: 'sess_2mQvZa1BcDeFgHiJ',
      impersonatorId: null,
      roles: [],
      permissions: [],
    });
    expect(user?.organizations).toEqual([organization]);
  });

  it('may be impersonated by another user', async () => {
    const act = { iss: 'https://dashboard.clerk.com', sid: 'sess_2mQw', sub: 'user_2mSupport' };

    expect((await judge(create(), { ...claims, act })).user?.impersonatorId).toBe('user_2mSupport');
    expect((await judge(create(), { ...claims, act: 'x' })).user?.impersonatorId).toBeNull();
  });

  it('has the roles that a customized session token contains', async () => {
    const { user } = await judge(create({ rolesClaim: ['metadata', 'role'] }), {
      ...claims,
      metadata: { role: 'staff' },
    });

    expect(user?.roles).toEqual(['staff']);
  });

  it.each<[string, JsonObject]>([
    ['2, without an active organization', { ...claims, o: undefined }],
    ['2, with the claims of version 1', { ...old, v: 2 }],
    ['2, without an id', { ...claims, o: { rol: 'admin' } }],
    ['2, with a text', { ...claims, o: 'org_1' }],
    ['1, without an active organization', { ...old, org_id: undefined }],
    ['1, with the claims of version 2', { ...claims, v: undefined }],
  ])('has no organization by a token of version %s', async (_, given) => {
    expect((await judge(create(), given)).user?.organizations).toEqual([]);
  });

  it.each<[string, JsonObject, readonly string[]]>([
    [
      'the first bit is the first action',
      { fea: 'o:a,o:b', per: 'read,manage', fpm: '1,2' },
      ['org:a:read', 'org:b:manage'],
    ],
    ['a zero leaves a feature out', { fea: 'o:a,o:b', per: 'read', fpm: '0,1' }, ['org:b:read']],
    ['features of the user are not counted', { fea: 'u:x,o:a', per: 'read', fpm: '1' }, ['org:a:read']],
    [
      'blanks mean nothing',
      { fea: ' o:a , o:b ', per: 'read, manage', fpm: '3, 1' },
      ['org:a:read', 'org:a:manage', 'org:b:read'],
    ],
    ['bits beyond the actions mean nothing', { fea: 'o:a', per: 'read', fpm: '255' }, ['org:a:read']],
    ['a feature without a number has none', { fea: 'o:a,o:b', per: 'read', fpm: '1' }, ['org:a:read']],
    ['what is no number is none', { fea: 'o:a,o:b,o:c', per: 'read', fpm: '-1,0x1,1' }, ['org:c:read']],
    ['no features', { per: 'read', fpm: '1' }, []],
    ['no actions', { fea: 'o:a', fpm: '1' }, []],
    ['no numbers', { fea: 'o:a', per: 'read' }, []],
    ['other types', { fea: ['o:a'], per: ['read'], fpm: [1] }, []],
    ['odd features', { fea: 'a,o:,:a,o', per: 'read', fpm: '1,1,1,1' }, []],
  ])('has permissions by features: %s', async (_, { fea, per, fpm }, permissions) => {
    const { user } = await judge(create(), { ...claims, fea, o: { id: 'org_1', per, fpm } });

    expect(user?.organizations).toEqual([{ id: 'org_1', name: null, slug: null, roles: [], permissions }]);
  });

  it('has permissions beyond the fifty-third bit', async () => {
    const actions = Array.from({ length: 60 }, (_, index) => `a${index}`);
    const o = { id: 'org_1', per: actions.join(','), fpm: String((1n << 59n) + 1n) };
    const { user } = await judge(create(), { ...claims, fea: 'o:f', o });

    expect(user?.organizations[0]?.permissions).toEqual(['org:f:a0', 'org:f:a59']);
  });
});

describe('a token of Clerk', () => {
  const api = { authorizedParties: undefined, audience: 'reports-api' };
  const both = { audience: 'reports-api' };

  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['of this app', {}, {}, 'accepted'],
    ['of another app', { azp: 'https://other.lumenworks.example' }, {}, 'INVALID_TOKEN claim'],
    ['of no app', { azp: undefined }, {}, 'INVALID_TOKEN claim'],
    ['of no app, with an empty text', { azp: '' }, {}, 'INVALID_TOKEN claim'],
    ['without the audience that is asked for', {}, api, 'INVALID_TOKEN audience'],
    ['for another audience', { aud: 'other' }, api, 'INVALID_TOKEN audience'],
    ['for this audience, of whatever app', { aud: 'reports-api', azp: undefined }, api, 'accepted'],
    [
      'for this audience, of another app',
      { aud: 'reports-api', azp: 'https://other.example' },
      both,
      'INVALID_TOKEN claim',
    ],
    ['for this audience, of this app', { aud: ['reports-api'] }, both, 'accepted'],
    ['of whatever app and audience', { azp: undefined }, { ...api, audience: acceptAnyAudience }, 'accepted'],
    ['of another instance', { iss: 'https://other.clerk.accounts.dev' }, {}, 'INVALID_TOKEN issuer'],
    ['whose session is pending', { sts: 'pending' }, {}, 'INVALID_TOKEN claim'],
    ['whose session is pending, where that is allowed', { sts: 'pending' }, { allowPendingSessions: true }, 'accepted'],
    ['whose session says nothing', { sts: undefined }, {}, 'accepted'],
    ['of a machine', { sub: 'mch_2mQv', aud: ['reports-api'] }, both, 'INVALID_TOKEN type'],
  ])('%s', async (_, other, options, outcome) => {
    expect((await judge(create(options), { ...claims, ...other })).outcome).toBe(outcome);
  });

  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['of a session', sessionHeader, {}, 'accepted'],
    ['of no category', {}, {}, 'accepted'],
    ['of an instance without categories', { cat: 'cl_I7d4PD111III' }, {}, 'accepted'],
    ['of a template for others', templateHeader, {}, 'INVALID_TOKEN type'],
    ['of a template for this API', templateHeader, both, 'accepted'],
    ['of a machine', machineHeader, both, 'INVALID_TOKEN type'],
    ['for OAuth', { typ: 'at+jwt' }, both, 'INVALID_TOKEN type'],
    ['of no type', { typ: undefined }, {}, 'INVALID_TOKEN type'],
  ])('whose header is that %s', async (_, header, options, outcome) => {
    expect((await judge(create(options), { ...claims, aud: 'reports-api' }, header)).outcome).toBe(outcome);
  });

  it('is verified with the keys of its instance', async () => {
    expect((await judge(create(), claims)).fetched).toEqual(['https://clerk.lumenworks.example/.well-known/jwks.json']);
  });

  it('is logged with the expected party', async () => {
    const { explanation } = await judge(create(), { ...claims, azp: 'https://evil.example\n' });

    expect(explanation).toBe(
      'Expected as "azp": "https://app.lumenworks.example"; the token says "https://evil.example\\u000a" ("azp"). ' +
        'If this client may call the app, add it to the configuration',
    );
  });
});

describe('the options of clerk', () => {
  it.each<[string, unknown, string]>([
    ['frontendApiUrl', undefined, 'it is missing. It is in the dashboard under API keys'],
    ['frontendApiUrl', 'clerk.lumenworks.example', 'not an absolute address'],
    [
      'frontendApiUrl',
      'https://clerk.lumenworks.example/v1',
      'it is not an origin. Write https://clerk.lumenworks.example',
    ],
    ['authorizedParties', undefined, "it is missing. Write the origins of your web apps, or the 'audience'"],
    ['authorizedParties', [], 'a text or a list of texts is expected'],
    ['audience', '', 'a text or a list of texts is expected'],
    ['allowPendingSessions', 1, 'true or false is expected. Left out, it is false'],
    ['secretKey', 'hush', 'there is no option of this name'],
    ['algorithms', ['RS256'], 'there is no option of this name'],
  ])('refuse %s: %j', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`clerk({ ${name} })`);
    expect(error.message).toContain(`clerk({ ${name} }): ${message}`);
  });

  it('take the address with a slash', () => {
    const { issuers } = create({ frontendApiUrl: 'https://clerk.lumenworks.example/' });

    expect(issuers.map(({ terms }) => terms.issuer)).toEqual(['https://clerk.lumenworks.example']);
  });
});
