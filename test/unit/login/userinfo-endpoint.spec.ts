import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openIdProvider } from '../../../src/login/providers/open-id-provider.js';
import { login, ProviderStand, openLogin, registration } from '../../support/provider-stand.js';
import { outcomeOf } from '../../support/outcome.js';

let stand: ProviderStand;
beforeAll(async () => {
  stand = await ProviderStand.start('ES256');
}, 30_000);
beforeEach(() => {
  stand.calls.length = 0;
  stand.replies['/.well-known/openid-configuration'] = () => ({ body: stand.metadata() });
  stand.replies['/token'] = () => ({ body: stand.tokens() });
});

const open = () => openLogin(openIdProvider({ id: 'corp', issuer: stand.url, ...registration }), stand);

describe('the userinfo endpoint', () => {
  const without = (name: string) => () => ({ body: stand.tokens({ claims: { [name]: undefined } }) });

  it('is not called for an ID token with address and name', async () => {
    await open().client.exchange(login);

    expect(stand.callsTo('/userinfo')).toEqual([]);
  });

  it('gives what the ID token lacks, and the address with what is said about it', async () => {
    stand.replies['/token'] = without('email');
    const { identity } = await open().client.exchange(login);

    expect(stand.callsTo('/userinfo')[0]?.headers.authorization).toBe(`Bearer ${stand.accessToken}`);
    // The ID token says that some address is verified, and the address comes from the endpoint, which does not say it.
    expect(identity).toMatchObject({ email: 'alice@example.com', emailVerified: false });
  });

  it.each<[string, object, string]>([
    ['is about another person', { body: { sub: 'bob' } }, 'LOGIN_REFUSED'],
    ['is about nobody', { body: { name: 'Alice' } }, 'LOGIN_REFUSED'],
    ['does not accept the token', { status: 401 }, 'LOGIN_REFUSED'],
    ['forbids it', { status: 403 }, 'LOGIN_REFUSED'],
    ['asks for a pause', { status: 403, headers: { 'x-ratelimit-remaining': '0' } }, 'SERVER_ERROR'],
    ['is down', { status: 503 }, 'SERVER_ERROR'],
    ['is a page', { headers: { 'content-type': 'text/html' }, body: '<p>' }, 'SERVER_ERROR'],
    ['is signed', { headers: { 'content-type': 'application/jwt' }, body: 'a.b.c' }, 'SERVER_ERROR'],
    ['is a list', { body: [] }, 'SERVER_ERROR'],
  ])('ends the login where its answer %s', async (_, reply, outcome) => {
    stand.replies['/token'] = without('name');
    stand.replies['/userinfo'] = reply;

    expect(await outcomeOf(open().client.exchange(login))).toBe(outcome);
  });

  it('may be missing', async () => {
    stand.replies['/token'] = without('name');
    stand.replies['/.well-known/openid-configuration'] = () => ({
      body: stand.metadata({ userinfo_endpoint: undefined }),
    });

    expect((await open().client.exchange(login)).identity.name).toBeNull();
  });
});
