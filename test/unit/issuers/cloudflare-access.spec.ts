import { describe, expect, it } from 'vitest';
import { cloudflareAccess } from '../../../src/issuers/cloudflare-access.js';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { issuedAt, standIn } from '../../support/stand-in.js';

const judge = standIn('RS256');
const tag = '32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228';
const good = { team: 'lumenworks', audience: tag };

function create(options: Readonly<Record<string, unknown>> = {}): IdentityProvider {
  return cloudflareAccess({ ...good, ...options });
}

/** The token of a user. */
const claims: JsonObject = {
  aud: [tag],
  email: 'mira@lumenworks.example',
  exp: issuedAt + 3_600,
  iat: issuedAt,
  nbf: issuedAt,
  iss: 'https://lumenworks.cloudflareaccess.com',
  type: 'app',
  identity_nonce: '6ei69kawdKzMIAPF',
  sub: '7335d417-61da-459d-899c-0a01c76a2f94',
  country: 'NO',
  custom: { groups: ['staff'] },
};

/** The token of a program. */
const service: JsonObject = {
  aud: tag,
  exp: issuedAt + 3_600,
  iat: issuedAt,
  iss: 'https://lumenworks.cloudflareaccess.com',
  type: 'app',
  common_name: 'e367826f93b8d71185e03fe518aff3b4.access',
  sub: '',
};

describe('a caller of an application behind Cloudflare Access', () => {
  it('is a user, by keys of the team', async () => {
    const { user, fetched } = await judge(create({ rolesClaim: ['custom', 'groups'] }), claims);

    expect(user).toMatchObject({
      id: '7335d417-61da-459d-899c-0a01c76a2f94',
      issuer: 'https://lumenworks.cloudflareaccess.com',
      provider: 'oidc',
      email: 'mira@lumenworks.example',
      roles: ['staff'],
      clientId: null,
    });
    expect(fetched).toEqual(['https://lumenworks.cloudflareaccess.com/cdn-cgi/access/certs']);
  });

  it('is a program, by the client id of its service token', async () => {
    const { user } = await judge(create(), service);

    expect(user).toMatchObject({ id: service['common_name'], clientId: service['common_name'], email: null });
  });

  it('is never a program because a user has a common_name', async () => {
    const { user } = await judge(create(), { ...claims, common_name: 'e367826f.access' });

    expect(user).toMatchObject({ id: claims['sub'], clientId: null });
  });

  it('sends the token in the header that Cloudflare adds', () => {
    expect(create().tokenSources.map(({ place }) => place)).toEqual(['cf-access-jwt-assertion']);
    // Cloudflare makes it of a cookie, so pages of other sites must not use it.
    expect(create().tokenSources[0]?.cookie).toEqual({ checkOrigin: true });
  });
});

describe('a token that is refused', () => {
  it.each<[string, JsonObject, string, Readonly<Record<string, unknown>>?]>([
    ['the session token of the team', { ...claims, type: 'org' }, 'INVALID_TOKEN type'],
    ['a token without a type', { ...claims, type: undefined }, 'INVALID_TOKEN type'],
    ['a token of another application', { ...claims, aud: ['other'] }, 'INVALID_TOKEN audience'],
    ['a token of another team', { ...claims, iss: 'https://other.cloudflareaccess.com' }, 'INVALID_TOKEN issuer'],
    ['a token without a user', { ...claims, sub: '' }, 'INVALID_TOKEN claim'],
    ['a program without a name', { ...service, common_name: '' }, 'INVALID_TOKEN claim'],
    ['a program, where only users are accepted', service, 'INVALID_TOKEN claim', { allowServiceTokens: false }],
  ])('%s', async (_, given, outcome, options = {}) => {
    expect((await judge(create(options), given)).outcome).toBe(outcome);
  });

  it('is not a user, where programs are refused', async () => {
    expect((await judge(create({ allowServiceTokens: false }), claims)).outcome).toBe('accepted');
  });
});

describe('a wrong option', () => {
  it.each([
    ['team', undefined, 'it is missing. Write the name of the team'],
    [
      'team',
      'lumenworks.cloudflareaccess.com',
      'it is not the name of a team. Write the name of the team, as in lumenworks',
    ],
    ['team', 'https://lumenworks', 'it is not the name of a team'],
    ['team', '-a', 'it is not the name of a team'],
    ['audience', undefined, 'it is missing'],
    ['allowServiceTokens', 'no', 'true or false is expected'],
  ])('%s: %j', (option, value, problem) => {
    const error = configurationErrorOf(() => create({ [option]: value }));

    expect(error.path).toBe(`cloudflareAccess({ ${option} })`);
    expect(error.message).toContain(problem);
  });
});
