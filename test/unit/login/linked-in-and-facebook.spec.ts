import { createHmac } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { facebook } from '../../../src/login/providers/facebook.js';
import { linkedIn } from '../../../src/login/providers/linked-in.js';
import { login, type LoginReply, openLogin, ProviderStand, registration } from '../../support/provider-stand.js';
import { configurationErrorOf, outcomeOf } from '../../support/outcome.js';

let stand: ProviderStand;
beforeAll(async () => {
  stand = await ProviderStand.start();
}, 30_000);
beforeEach(() => {
  stand.calls.length = 0;
});

const request = { redirectUri: login.redirectUri, state: 's', nonce: 'n', codeVerifier: login.codeVerifier };

describe('linkedIn', () => {
  const open = () => openLogin(linkedIn({ ...registration, issuer: stand.url }), stand).client;
  /** LinkedIn puts no nonce into its ID tokens, and refuses a verifier from an app with a secret. */
  const answer = (claims: object = {}): void => {
    stand.replies['/token'] = ({ form }) => {
      if ('code_verifier' in form) return { status: 400, body: { error: 'invalid_request' } };
      return { body: stand.tokens({ claims: { nonce: undefined, ...claims } }, { token_type: undefined }) };
    };
  };
  beforeEach(() => answer());

  it('sends neither PKCE nor a nonce', async () => {
    const { searchParams } = new URL(await open().authorizationUrl(request));

    expect([...searchParams.keys()].sort()).toEqual(['client_id', 'redirect_uri', 'response_type', 'scope', 'state']);
  });

  it('sends id and secret in the form', async () => {
    expect((await open().exchange(login)).identity).toMatchObject({ provider: 'linkedin', subject: 'alice' });
    expect(stand.callsTo('/token')[0]).toMatchObject({
      form: { client_id: 'cat-app', client_secret: registration.clientSecret },
    });
    expect(stand.callsTo('/token')[0]?.headers.authorization).toBeUndefined();
  });

  it('refuses the nonce of another login nevertheless', async () => {
    answer({ nonce: 'another' });

    expect(await outcomeOf(open().exchange(login))).toBe('LOGIN_REFUSED');
  });

  it.each([
    [true, true],
    ['true', true],
    ['yes', false],
    [1, false],
    [undefined, false],
  ])('reads email_verified %j as %s', async (value, expected) => {
    answer({ email_verified: value });
    const { identity, vouchesForEmail } = await open().exchange(login);

    expect([identity.emailVerified, vouchesForEmail]).toEqual([expected, expected]);
  });
});

describe('facebook', () => {
  const open = () => openLogin(facebook({ ...registration, dialogUrl: stand.url, graphUrl: stand.url }), stand).client;
  const me = {
    id: '10158',
    name: 'Alice Example',
    first_name: 'Alice',
    last_name: 'Example',
    email: 'alice@example.com',
    picture: { data: { url: 'https://img.example/a.jpg', is_silhouette: false } },
  };
  const answer = (replies: { token?: LoginReply; me?: LoginReply } = {}): void => {
    stand.replies['/v24.0/oauth/access_token'] = replies.token ?? {
      body: { access_token: 'EAA-token', token_type: 'bearer', expires_in: 5_183_944 },
    };
    stand.replies['/v24.0/me'] = replies.me ?? { body: me };
  };
  beforeEach(() => answer());

  it('sends the browser to the dialog of a version', async () => {
    const url = new URL(
      await openLogin(facebook({ ...registration, apiVersion: 'v25.0' }), stand).client.authorizationUrl(request),
    );

    expect(`${url.origin}${url.pathname}`).toBe('https://www.facebook.com/v25.0/dialog/oauth');
    expect(url.searchParams.get('scope')).toBe('email public_profile');
    expect(url.searchParams.has('nonce')).toBe(false);
  });

  it('asks for the fields, and proves that it has the secret', async () => {
    await open().exchange(login);
    const [call] = stand.callsTo('/v24.0/me');
    const { searchParams } = new URL(call?.path ?? '', stand.url);

    expect(call?.headers.authorization).toBe('Bearer EAA-token');
    expect(searchParams.get('fields')).toBe('id,name,first_name,last_name,email,picture.type(large)');
    expect(searchParams.get('appsecret_proof')).toBe(
      createHmac('sha256', registration.clientSecret).update('EAA-token').digest('hex'),
    );
    expect(stand.calls.map(({ path }) => path).join()).not.toContain(encodeURIComponent(registration.clientSecret));
  });

  it('gives the person, and never vouches for the address', async () => {
    expect(await open().exchange(login)).toMatchObject({
      identity: {
        provider: 'facebook',
        subject: '10158',
        email: 'alice@example.com',
        emailVerified: false,
        name: 'Alice Example',
        givenName: 'Alice',
        familyName: 'Example',
        pictureUrl: 'https://img.example/a.jpg',
      },
      vouchesForEmail: false,
    });
  });

  it.each<[string, object, object]>([
    ['without an address', { email: undefined }, { email: null }],
    [
      'with a silhouette',
      { picture: { data: { url: 'https://img.example/a.jpg', is_silhouette: true } } },
      { pictureUrl: null },
    ],
    ['with a picture of another shape', { picture: 'https://img.example/a.jpg' }, { pictureUrl: null }],
  ])('signs in a person %s', async (_, more, expected) => {
    answer({ me: { body: { ...me, ...more } } });

    expect((await open().exchange(login)).identity).toMatchObject({ subject: '10158', ...expected });
  });

  it.each<[string, Parameters<typeof answer>[0], string]>([
    [
      'a code that was used',
      { token: { status: 400, body: { error: { code: 100, error_subcode: 36_009 } } } },
      'LOGIN_REFUSED',
    ],
    [
      'a wrong secret',
      { token: { status: 400, body: { error: { code: 1, type: 'OAuthException' } } } },
      'SERVER_ERROR',
    ],
    [
      'an old form',
      {
        token: {
          headers: { 'content-type': 'text/plain; charset=UTF-8' },
          body: 'access_token=EAA-token&expires=5183944',
        },
      },
      'accepted',
    ],
    ['a person without an id', { me: { body: { name: 'Alice' } } }, 'LOGIN_REFUSED'],
    ['a person whose id is a number', { me: { body: { id: 10_158 } } }, 'LOGIN_REFUSED'],
  ])('judges %s', async (_, replies, outcome) => {
    answer(replies);

    expect(await outcomeOf(open().exchange(login))).toBe(outcome);
  });

  it.each([
    [{ apiVersion: '24' }, 'facebook({ apiVersion })'],
    [{ graphUrl: 'https://graph.example/v1' }, 'facebook({ graphUrl })'],
    [{ dialogUrl: 'http://www.facebook.example' }, 'facebook({ dialogUrl })'],
  ])('refuses the options %j', (more, path) => {
    expect(configurationErrorOf(() => facebook({ ...registration, ...more })).path).toBe(path);
  });
});
