/** Profiles by the userinfo endpoint of a certified OpenID provider. */
import { beforeAll, describe, expect, it } from 'vitest';
import { oidc } from '../../src/issuers/oidc.js';
import { aboutPerson, type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.js';
import { openProfiles, userOf } from '../support/asked-profiles.js';
import { errorOf, outcomeOf } from '../support/outcome.js';
import { signIn } from '../support/sign-in.js';

const catsApi = 'https://cats.example/api';

let op: OpenIdProvider;

beforeAll(async () => {
  op = await startOpenIdProvider([catsApi]);
});

function open() {
  const provider = oidc({ issuer: op.issuer, audience: catsApi });
  const { profiles } = openProfiles(provider);
  /** The profile of who signed in, by a token that the provider can read alone. */
  const get = (token: string, sub: string) => profiles.get(userOf(provider, token, { sub }));
  return { get };
}

describe('the profile of a user of an OpenID provider', () => {
  it('has the claims that the user has granted to the app', async () => {
    const { get } = open();
    const { accessToken } = await signIn(op, 'alice', null, 'openid profile email');

    expect(await get(accessToken, 'alice')).toMatchObject({
      id: 'alice',
      displayName: 'Alice Example',
      primaryEmail: 'alice@example.com',
      primaryEmailVerified: true,
      profileImageUrl: 'https://img.example/alice.png',
      raw: { sub: 'alice', ...aboutPerson('alice') },
    });
  });

  it('has only the id when the user has granted no more', async () => {
    const { get } = open();
    const { accessToken } = await signIn(op, 'alice', null, 'openid');

    expect(await get(accessToken, 'alice')).toMatchObject({
      id: 'alice',
      displayName: null,
      primaryEmail: null,
      primaryEmailVerified: null,
      raw: { sub: 'alice' },
    });
  });

  it('is not that of another user', async () => {
    const { get } = open();
    const { accessToken } = await signIn(op, 'bob', null, 'openid profile');

    expect(await outcomeOf(get(accessToken, 'alice'))).toBe('SERVER_ERROR');
    expect(await get(accessToken, 'bob')).toMatchObject({ displayName: 'Bob Example' });
  });

  it('is refused with a token without the scope openid, with an explanation', async () => {
    const { get } = open();
    const { accessToken } = await signIn(op, 'alice', null, 'profile');
    const error = await errorOf(get(accessToken, 'alice'));

    expect(error).toMatchObject({ code: 'INSUFFICIENT_SCOPE', requiredScopes: ['openid'] });
  });

  it('is refused with a revoked token', async () => {
    const { get } = open();
    const { accessToken } = await signIn(op, 'alice', null, 'openid profile');
    expect(await outcomeOf(get(accessToken, 'alice'))).toBe('accepted');
    const body = new URLSearchParams({ token: accessToken, client_id: op.client.clientId });
    expect((await fetch(`${op.issuer}/token/revocation`, { method: 'POST', body })).status).toBe(200);

    expect(await outcomeOf(get(accessToken, 'alice'))).toBe('INVALID_TOKEN revoked');
  });

  it('is refused with a token for only one API, and the log states this possible cause', async () => {
    const { get } = open();
    const { accessToken } = await signIn(op, 'alice', catsApi);
    const error = await errorOf(get(accessToken, 'alice'));

    expect([error?.code, error?.reason]).toEqual(['INVALID_TOKEN', 'revoked']);
    expect(error?.explanation).toContain('not made for one API alone');
    expect(error?.explanation).not.toContain(accessToken);
  });
});
