import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { google } from '../../../src/login/providers/google.js';
import { oauthProvider, type OAuthProviderOptions } from '../../../src/login/providers/oauth-provider.js';
import { openIdProvider } from '../../../src/login/providers/open-id-provider.js';
import { login, ProviderStand, openLogin, registration } from '../../support/provider-stand.js';
import { outcomeOf } from '../../support/outcome.js';

let stand: ProviderStand;
beforeAll(async () => {
  stand = await ProviderStand.start();
}, 30_000);
beforeEach(() => {
  stand.calls.length = 0;
});

const request = { redirectUri: login.redirectUri, state: 's', nonce: 'n', codeVerifier: login.codeVerifier };

describe('google', () => {
  const open = () => openLogin(google({ ...registration, issuer: stand.url }), stand).client;

  it.each<[string, object, boolean]>([
    ['an address of gmail.com', { email: 'Alice@Gmail.com' }, true],
    ['an address of a Workspace domain', { email: 'alice@corp.example', hd: 'corp.example' }, true],
    ['an address of another domain', { email: 'alice@corp.example' }, false],
    ['an address that only resembles gmail.com', { email: 'alice@notgmail.com' }, false],
    ['an address that is not verified', { email: 'alice@gmail.com', email_verified: false }, false],
    ['a domain that is no text', { email: 'alice@corp.example', hd: true }, false],
    ['a verification that is a text', { email: 'alice@gmail.com', email_verified: 'true' }, false],
  ])('vouches, or does not, for %s', async (_, claims, expected) => {
    stand.replies['/token'] = () => ({ body: stand.tokens({ claims: { ...claims } }) });

    expect((await open().exchange(login)).vouchesForEmail).toBe(expected);
  });

  it('reads address, verification and domain from one answer', async () => {
    stand.replies['/token'] = () => ({ body: stand.tokens({ claims: { email: undefined, hd: 'corp.example' } }) });
    stand.replies['/userinfo'] = { body: { sub: 'alice', email: 'eve@elsewhere.example', email_verified: true } };

    expect((await open().exchange(login)).vouchesForEmail).toBe(false);
  });

  it('signs under two names, and answers under both', async () => {
    const { idToken, isIssuer } = google(registration);

    expect(idToken?.issuerOf?.({ iss: 'accounts.google.com' })).toBe('accounts.google.com');
    expect(idToken?.issuerOf?.({ iss: 'https://evil.example' })).toBe('https://accounts.google.com');
    expect(isIssuer?.('https://accounts.google.com')).toBe(true);
    expect(isIssuer?.('https://evil.example')).toBe(false);
  });

  it('refuses ID tokens of other algorithms than RS256', async () => {
    const other = await ProviderStand.start('ES256');

    expect(
      await outcomeOf(openLogin(google({ ...registration, issuer: other.url }), other).client.exchange(login)),
    ).toBe('LOGIN_REFUSED');
  });
});

describe('openIdProvider', () => {
  it.each([
    [true, true, true],
    [true, 'true', false],
    [true, undefined, false],
    [false, true, false],
  ])(
    'with trustEmail: %s vouches for an address with email_verified: %j: %s',
    async (trustEmail, verified, expected) => {
      stand.replies['/token'] = () => ({ body: stand.tokens({ claims: { email_verified: verified } }) });
      const { client } = openLogin(
        openIdProvider({ id: 'corp', issuer: stand.url, clientId: 'cat-app', trustEmail }),
        stand,
      );

      expect((await client.exchange(login)).vouchesForEmail).toBe(expected);
    },
  );
});

describe('oauthProvider', () => {
  const open = (more: Partial<OAuthProviderOptions> = {}) =>
    openLogin(
      oauthProvider({
        id: 'forum',
        authorizationEndpoint: `${stand.url}/authorize`,
        tokenEndpoint: `${stand.url}/token`,
        userinfoEndpoint: `${stand.url}/me`,
        ...registration,
        ...more,
      }),
      stand,
    ).client;
  beforeEach(() => {
    stand.replies['/token'] = { body: { access_token: 'a-token' } };
    stand.replies['/me'] = { body: { id: 7, mail: 'alice@example.com', confirmed: 1 } };
  });

  it('reads the person as the app does', async () => {
    const toIdentity: OAuthProviderOptions['toIdentity'] = ({ id, mail, confirmed }) => ({
      subject: id as number,
      email: mail as string,
      emailVerified: confirmed === 1,
    });
    const { identity, vouchesForEmail } = await open({ toIdentity, trustEmail: true }).exchange(login);

    expect(identity).toMatchObject({
      provider: 'forum',
      subject: '7',
      email: 'alice@example.com',
      emailVerified: true,
    });
    expect(vouchesForEmail).toBe(true);
    expect((await open({ toIdentity }).exchange(login)).vouchesForEmail).toBe(false);
  });

  it('reads the claims of OpenID Connect without a reader', async () => {
    stand.replies['/me'] = { body: { sub: 'alice', name: 'Alice' } };

    expect((await open().exchange(login)).identity).toMatchObject({ subject: 'alice', name: 'Alice', email: null });
  });

  it.each<[string, NonNullable<OAuthProviderOptions['toIdentity']>, string]>([
    [
      'throws',
      () => {
        throw new TypeError('no id');
      },
      'SERVER_ERROR',
    ],
    ['gives nothing', () => undefined as never, 'SERVER_ERROR'],
    ['gives no id', () => ({ subject: undefined as never }), 'LOGIN_REFUSED'],
    ['gives an id that is no whole number', () => ({ subject: 0.5 }), 'LOGIN_REFUSED'],
  ])('signs nobody in where the reader %s', async (_, toIdentity, outcome) => {
    expect(await outcomeOf(open({ toIdentity }).exchange(login))).toBe(outcome);
  });

  it('leaves PKCE out where the app says so', async () => {
    await open({ pkce: false })
      .exchange(login)
      .catch(() => undefined);

    expect(stand.callsTo('/token')[0]?.form).not.toHaveProperty('code_verifier');
    expect(await open({ pkce: false }).authorizationUrl(request)).not.toContain('code_challenge');
  });

  it('demands the issuer that the app has stated, and without one ignores it', async () => {
    const named = open({ issuer: 'https://forum.example' });

    expect(await outcomeOf(named.checkIssuer(null))).toBe('LOGIN_STATE');
    expect(await outcomeOf(named.checkIssuer('https://forum.example'))).toBe('accepted');
    expect(await outcomeOf(open().checkIssuer('https://forum.example'))).toBe('accepted');
  });
});
