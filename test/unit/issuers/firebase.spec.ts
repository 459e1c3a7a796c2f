import { describe, expect, it } from 'vitest';
import { firebase } from '../../../src/issuers/firebase.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';

const judge = standIn('RS256');

function create(options: Readonly<Record<string | symbol, unknown>> = {}): IdentityProvider {
  return firebase({ projectId: 'shop-4f1c2', ...options });
}

/** With custom claims, which only the project's own servers can set. */
const claims: JsonObject = {
  name: 'Mira Solberg',
  picture: 'https://lh3.googleusercontent.com/a/mira',
  roles: ['editor'],
  level: 'staff',
  iss: 'https://securetoken.google.com/shop-4f1c2',
  aud: 'shop-4f1c2',
  auth_time: issuedAt - 600,
  user_id: 'Kq2vXm8RtLpYzNa3bC4dEf5gHi6j',
  sub: 'Kq2vXm8RtLpYzNa3bC4dEf5gHi6j',
  iat: issuedAt,
  exp: issuedAt + 3_600,
  email: 'mira@lumenworks.example',
  email_verified: true,
  firebase: {
    identities: { 'google.com': ['104820938475610293847'], email: ['mira@lumenworks.example'] },
    sign_in_provider: 'google.com',
  },
};

const anonymous: JsonObject = {
  provider_id: 'anonymous',
  iss: 'https://securetoken.google.com/shop-4f1c2',
  aud: 'shop-4f1c2',
  auth_time: issuedAt - 600,
  user_id: 'Zx1',
  sub: 'Zx1',
  iat: issuedAt,
  exp: issuedAt + 3_600,
  firebase: { identities: {}, sign_in_provider: 'anonymous' },
};

function ofTenant(tenant: unknown): JsonObject {
  return { ...claims, firebase: { identities: {}, sign_in_provider: 'password', tenant } };
}

describe('a user of Firebase', () => {
  it('has what the ID token says', async () => {
    const { user } = await judge(create({ rolesClaim: 'level' }), claims);

    expect(user).toMatchObject({
      id: 'Kq2vXm8RtLpYzNa3bC4dEf5gHi6j',
      issuer: 'https://securetoken.google.com/shop-4f1c2',
      provider: 'oidc',
      isAnonymous: false,
      email: 'mira@lumenworks.example',
      emailVerified: true,
      name: 'Mira Solberg',
      roles: ['editor', 'staff'],
      organizations: [],
    });
  });

  it('may be anonymous', async () => {
    const { user } = await judge(create({ allowAnonymous: true }), anonymous);

    expect(user).toMatchObject({ id: 'Zx1', isAnonymous: true, email: null });
  });
});

describe('a token of Firebase', () => {
  const tenants = { tenants: ['fjord-labs-9x1', 'acme-2k4'] };

  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['of a user', claims, {}, 'accepted'],
    ['of an anonymous user', anonymous, {}, 'INVALID_TOKEN claim'],
    ['of another project', { ...claims, iss: 'https://securetoken.google.com/other' }, {}, 'INVALID_TOKEN issuer'],
    ['for another project', { ...claims, aud: 'other' }, {}, 'INVALID_TOKEN audience'],
    ['for a project beside another', { ...claims, aud: ['other', 'shop-4f1c2'] }, {}, 'accepted'],
    ['of a tenant that the options do not name', ofTenant('fjord-labs-9x1'), {}, 'INVALID_TOKEN claim'],
    ['of a tenant that is null', ofTenant(null), {}, 'INVALID_TOKEN claim'],
    ['of a tenant on the list', ofTenant('acme-2k4'), tenants, 'accepted'],
    ['of a tenant that is not', ofTenant('other'), tenants, 'INVALID_TOKEN claim'],
    ['of no tenant, where some are listed', claims, tenants, 'INVALID_TOKEN claim'],
    [
      'without what Firebase says of it, where tenants are listed',
      { ...claims, firebase: undefined },
      tenants,
      'INVALID_TOKEN claim',
    ],
    ['without a user', { ...claims, sub: '' }, {}, 'INVALID_TOKEN claim'],
    [
      'which is a custom token',
      {
        iss: 'firebase-adminsdk-x1@shop-4f1c2.iam.gserviceaccount.com',
        sub: 'firebase-adminsdk-x1@shop-4f1c2.iam.gserviceaccount.com',
        aud: 'https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit',
        iat: issuedAt,
        exp: issuedAt + 3_600,
        uid: 'Kq2',
      },
      {},
      'INVALID_TOKEN issuer',
    ],
  ])('%s', async (_, given, options, outcome) => {
    expect((await judge(create(options), given)).outcome).toBe(outcome);
  });

  it("is verified with Google's keys for ID tokens", async () => {
    expect((await judge(create(), claims)).fetched).toEqual([
      'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
    ]);
  });

  it('that is a session cookie is refused with what to send instead', async () => {
    const { outcome, explanation } = await judge(create(), {
      ...claims,
      iss: 'https://session.firebase.google.com/shop-4f1c2',
    });

    expect(outcome).toBe('INVALID_TOKEN issuer');
    expect(explanation).toContain("Send the user's ID token, as getIdToken() gives it");
  });

  it('of another tenant is logged with both tenants', async () => {
    expect((await judge(create(tenants), ofTenant('x\ny'))).explanation).toBe(
      'Expected a user of the tenant "fjord-labs-9x1" or "acme-2k4", the token names "x\\u000ay". ' +
        'To accept others, change firebase({ tenants })',
    );
    expect((await judge(create(), ofTenant('x'))).explanation).toContain(
      'Expected a user of no tenant, the token names "x"',
    );
  });
});

describe('the options of firebase', () => {
  it.each<[string, unknown, string]>([
    ['projectId', undefined, "it is missing. Write the project's id, as in shop-4f1c2"],
    ['projectId', '104820938475', 'it is not the id of a project'],
    ['projectId', 'Lumenworks Shop', 'it is not the id of a project'],
    ['projectId', 'https://securetoken.google.com/shop', 'it is not the id of a project'],
    ['tenants', [], 'a text or a list of texts is expected'],
    ['allowAnonymous', 0, 'true or false is expected'],
    ['audience', 'x', 'there is no option of this name'],
    ['serviceAccount', {}, 'there is no option of this name'],
  ])('refuse %s: %j', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`firebase({ ${name} })`);
    expect(error.message).toContain(`firebase({ ${name} }): ${message}`);
  });
});
