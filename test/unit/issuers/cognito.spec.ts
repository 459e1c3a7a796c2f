import { describe, expect, it } from 'vitest';
import { cognito } from '../../../src/issuers/cognito.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';

const judge = standIn('RS256');
const good = { userPoolId: 'eu-central-1_AbCdEf123', clientId: '4k2vq8mlp0xyzn7abcd3egh1jt' };

function create(options: Readonly<Record<string | symbol, unknown>> = {}): IdentityProvider {
  return cognito({ ...good, ...options });
}

const claims: JsonObject = {
  sub: '3394c8f2-70a1-70d5-2b6e-0c1f8a9d4e57',
  'cognito:groups': ['editors', 'eu-central-1_AbCdEf123_Google'],
  iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123',
  version: 2,
  client_id: '4k2vq8mlp0xyzn7abcd3egh1jt',
  origin_jti: '7d0b1c2e-9f3a-4c58-8e6d-1a2b3c4d5e6f',
  event_id: '0a1b2c3d-4e5f-4061-8273-94a5b6c7d8e9',
  token_use: 'access',
  scope: 'openid email reports/read',
  auth_time: issuedAt - 4,
  exp: issuedAt + 3_600,
  iat: issuedAt,
  jti: '5e4d3c2b-1a0f-4e9d-8c7b-6a5948372615',
  username: '3394c8f2-70a1-70d5-2b6e-0c1f8a9d4e57',
};

const idToken: JsonObject = {
  at_hash: 'Zk3Rm1Qv8sLp0xTy',
  sub: '3394c8f2-70a1-70d5-2b6e-0c1f8a9d4e57',
  'cognito:groups': ['editors'],
  email_verified: true,
  iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123',
  'cognito:username': '3394c8f2-70a1-70d5-2b6e-0c1f8a9d4e57',
  origin_jti: '7d0b1c2e-9f3a-4c58-8e6d-1a2b3c4d5e6f',
  aud: '4k2vq8mlp0xyzn7abcd3egh1jt',
  token_use: 'id',
  auth_time: issuedAt - 4,
  exp: issuedAt + 3_600,
  iat: issuedAt,
  email: 'mira@lumenworks.example',
};

describe('a user of Cognito', () => {
  it('has what the access token says, with groups as roles', async () => {
    const { user } = await judge(create(), claims);

    expect(user).toMatchObject({
      id: '3394c8f2-70a1-70d5-2b6e-0c1f8a9d4e57',
      issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123',
      provider: 'oidc',
      email: null,
      emailVerified: null,
      name: null,
      sessionId: '7d0b1c2e-9f3a-4c58-8e6d-1a2b3c4d5e6f',
      roles: ['editors', 'eu-central-1_AbCdEf123_Google'],
      scopes: ['openid', 'email', 'reports/read'],
      organizations: [],
    });
  });

  it('may be an application', async () => {
    const machine = {
      ...claims,
      sub: good.clientId,
      username: undefined,
      'cognito:groups': undefined,
      scope: 'reports/read',
    };

    expect((await judge(create(), machine)).user).toMatchObject({
      id: good.clientId,
      roles: [],
      scopes: ['reports/read'],
    });
  });
});

describe('a token of Cognito', () => {
  it.each<[string, JsonObject, Readonly<Record<string, unknown>>, string]>([
    ['of this client', claims, {}, 'accepted'],
    ['of one of two clients', claims, { clientId: ['another', good.clientId] }, 'accepted'],
    ['of another client', { ...claims, client_id: 'another' }, {}, 'INVALID_TOKEN claim'],
    ['of no client', { ...claims, client_id: undefined }, {}, 'INVALID_TOKEN claim'],
    ['of a list of clients', { ...claims, client_id: [good.clientId] }, {}, 'INVALID_TOKEN claim'],
    ['which is an ID token', idToken, {}, 'INVALID_TOKEN type'],
    ['which is an ID token, with a client', { ...idToken, client_id: good.clientId }, {}, 'INVALID_TOKEN type'],
    ['of no use', { ...claims, token_use: undefined }, {}, 'INVALID_TOKEN type'],
    ['bound to this API', { ...claims, aud: 'https://api.example' }, { audience: 'https://api.example' }, 'accepted'],
    [
      'bound to another',
      { ...claims, aud: 'https://x.example' },
      { audience: 'https://api.example' },
      'INVALID_TOKEN audience',
    ],
    ['not bound, where that is asked for', claims, { audience: 'https://api.example' }, 'INVALID_TOKEN audience'],
    ['of another pool', { ...claims, iss: `${String(claims['iss'])}4` }, {}, 'INVALID_TOKEN issuer'],
  ])('%s', async (_, given, options, outcome) => {
    expect((await judge(create(options), given)).outcome).toBe(outcome);
  });

  it.each([
    ['eu-central-1_AbCdEf123', 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123'],
    ['eu-central-1_AbCdEf123', 'https://issuer-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123'],
    ['us-gov-west-1_x1Y2z3', 'https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_x1Y2z3'],
    ['cn-north-1_x1Y2z3', 'https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_x1Y2z3'],
  ])('of the pool %s is verified with the keys of its issuer %s', async (userPoolId, iss) => {
    expect(await judge(create({ userPoolId }), { ...claims, iss })).toMatchObject({
      outcome: 'accepted',
      fetched: [`${iss}/.well-known/jwks.json`],
    });
  });
});

describe('the options of cognito', () => {
  it.each<[string, unknown, string]>([
    ['userPoolId', undefined, 'it is missing. Write the id of the user pool, as in eu-central-1_AbCdEf123'],
    ['userPoolId', 'AbCdEf123', 'it is not the id of a user pool'],
    ['userPoolId', 'eu-central-1_', 'it is not the id of a user pool'],
    ['userPoolId', 'evil.example/eu-central-1_AbC', 'it is not the id of a user pool'],
    ['userPoolId', 'eu-central-1_AbC/../x', 'it is not the id of a user pool'],
    ['clientId', undefined, "it is missing. Write the ids of the pool's app clients"],
    ['clientId', null, 'a text or a list of texts is expected'],
    ['audience', '', 'a text or a list of texts is expected'],
    ['tokenUse', 'id', 'there is no option of this name'],
  ])('refuse %s: %j', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`cognito({ ${name} })`);
    expect(error.message).toContain(`cognito({ ${name} }): ${message}`);
  });
});
