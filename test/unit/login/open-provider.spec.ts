import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openIdProvider, type OpenIdProviderOptions } from '../../../src/login/providers/open-id-provider.js';
import { login, ProviderStand, type OpenedLogin, openLogin, registration } from '../../support/provider-stand.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

let stand: ProviderStand;
beforeAll(async () => {
  stand = await ProviderStand.start('ES256');
}, 30_000);
beforeEach(() => {
  stand.calls.length = 0;
  stand.replies['/.well-known/openid-configuration'] = () => ({ body: stand.metadata() });
  stand.replies['/token'] = () => ({ body: stand.tokens() });
});

const open = (more: Partial<OpenIdProviderOptions> = {}): OpenedLogin =>
  openLogin(openIdProvider({ id: 'corp', issuer: stand.url, ...registration, ...more }), stand);
const openPublic = (): OpenedLogin =>
  openLogin(openIdProvider({ id: 'corp', issuer: stand.url, clientId: 'cat-app' }), stand);
const json = { 'content-type': 'application/json' };

describe('the authorization address', () => {
  const request = {
    redirectUri: login.redirectUri,
    state: 's',
    nonce: 'n',
    codeVerifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  };
  const parametersOf = async (more: Partial<OpenIdProviderOptions> = {}): Promise<object> =>
    Object.fromEntries(new URL(await open(more).client.authorizationUrl(request)).searchParams);

  it('has everything that binds the answer to the login', async () => {
    expect(await parametersOf()).toEqual({
      response_type: 'code',
      client_id: 'cat-app',
      redirect_uri: login.redirectUri,
      scope: 'openid email profile',
      state: 's',
      nonce: 'n',
      // RFC 7636, appendix B.
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
  });

  it('has the parameters and the response mode of the app', async () => {
    expect(
      await parametersOf({
        authorizationParameters: { prompt: 'login' },
        responseMode: 'form_post',
        scopes: ['email'],
      }),
    ).toMatchObject({ prompt: 'login', response_mode: 'form_post', scope: 'openid email' });
  });

  it('keeps parameters of the endpoint, other than those of the protocol', async () => {
    stand.replies['/.well-known/openid-configuration'] = () => ({
      body: stand.metadata({ authorization_endpoint: `${stand.url}/authorize?realm=a&state=x` }),
    });

    expect(await parametersOf()).toMatchObject({ realm: 'a', state: 's' });
  });

  it('is missing while the metadata cannot be had', async () => {
    stand.replies['/.well-known/openid-configuration'] = { status: 500 };
    const { client, events } = open();

    expect(await outcomeOf(client.authorizationUrl(request))).toBe('SERVER_ERROR');
    expect(events).toMatchObject([{ type: 'outage-began', what: 'sign-ins by corp' }]);
  });

  it('is never one of plain http on another machine', async () => {
    stand.replies['/.well-known/openid-configuration'] = () => ({
      body: stand.metadata({ authorization_endpoint: 'http://login.example/authorize' }),
    });

    expect(await outcomeOf(open().client.authorizationUrl(request))).toBe('SERVER_ERROR');
  });
});

describe('the exchange of a code', () => {
  const tokenCall = () => stand.callsTo('/token')[0];

  it('sends the code, the callback and the verifier in a form, and the secret in a header', async () => {
    await open().client.exchange(login);
    const credentials = Buffer.from('cat-app:a%3Asecret%2Fwith+%2Bsigns%26').toString('base64');

    expect(tokenCall()).toMatchObject({
      method: 'POST',
      path: '/token',
      form: {
        grant_type: 'authorization_code',
        code: 'the-code',
        redirect_uri: login.redirectUri,
        code_verifier: login.codeVerifier,
      },
      headers: { authorization: `Basic ${credentials}`, accept: 'application/json' },
    });
    expect(tokenCall()?.form).not.toHaveProperty('client_secret');
  });

  it.each([
    ['what the metadata states', {}, ['client_secret_post']],
    ['what the app states', { clientAuthentication: 'client_secret_post' } as const, ['client_secret_basic']],
  ])('sends the secret in the form by %s', async (_, more, supported) => {
    stand.replies['/.well-known/openid-configuration'] = () => ({
      body: stand.metadata({ token_endpoint_auth_methods_supported: supported }),
    });
    await open(more).client.exchange(login);

    expect(tokenCall()?.form).toMatchObject({ client_id: 'cat-app', client_secret: registration.clientSecret });
    expect(tokenCall()?.headers.authorization).toBeUndefined();
  });

  it('asks for the secret at each login', async () => {
    let made = 0;
    const { client } = open({
      clientSecret: async () => `secret-${(made += 1)}`,
      clientAuthentication: 'client_secret_post',
    });
    await client.exchange(login);
    await client.exchange(login);

    expect(stand.callsTo('/token').map(({ form }) => form['client_secret'])).toEqual(['secret-1', 'secret-2']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no key file');
      },
    ],
    ['gives none', () => ''],
  ])('is an outage where the function %s', async (_, clientSecret) => {
    expect(await outcomeOf(open({ clientSecret }).client.exchange(login))).toBe('SERVER_ERROR');
    expect(stand.callsTo('/token')).toEqual([]);
  });

  it('of a public client names it in the form', async () => {
    await openPublic().client.exchange(login);

    expect(tokenCall()?.form).toMatchObject({ client_id: 'cat-app' });
    expect(tokenCall()?.headers.authorization).toBeUndefined();
  });

  it.each<[string, object]>([
    ['a limit of calls', { status: 429, headers: { ...json, 'retry-after': '0' } }],
    ['a failure of the server', { status: 500 }],
    ['a redirect', { status: 307, headers: { location: '/elsewhere' } }],
    ['a page of a proxy', { headers: { 'content-type': 'text/html' }, body: '<p>Sign in to the network</p>' }],
    ['broken JSON', { body: '{' }],
  ])('is sent once for %s, and is an outage', async (_, reply) => {
    stand.replies['/token'] = reply;

    expect(await outcomeOf(open().client.exchange(login))).toBe('SERVER_ERROR');
    expect(stand.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('of a wrong secret is reported once, with the option to change and without the secret', async () => {
    stand.replies['/token'] = {
      status: 401,
      body: { error: 'invalid_client', error_description: 'a:secret/with +signs&' },
    };
    const { client, events } = open();
    const error = await errorOf(client.exchange(login));
    await errorOf(client.exchange(login));

    expect(error).toMatchObject({ code: 'SERVER_ERROR', message: 'Authentication is not available at the moment' });
    expect(events).toHaveLength(1);
    expect(JSON.stringify(events)).toContain('clientId or clientSecret is wrong');
    expect(JSON.stringify(events)).not.toContain('with +signs');
  });

  it('of a refused code is no outage', async () => {
    stand.replies['/token'] = { status: 400, body: { error: 'invalid_grant' } };
    const { client, events } = open();

    expect(await outcomeOf(client.exchange(login))).toBe('LOGIN_REFUSED');
    expect(events).toEqual([]);
  });

  it('is answered in a form by some', async () => {
    const form = new URLSearchParams(stand.tokens() as Record<string, string>).toString();
    stand.replies['/token'] = {
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: form,
    };

    expect((await open().client.exchange(login)).tokens).toMatchObject({ accessToken: stand.accessToken });
  });

  it('gives the identity, the session of the provider and the tokens', async () => {
    const claims = { sid: 'session-1', given_name: 'Alice', picture: 'https://img.example/a.png' };
    stand.replies['/token'] = () => ({ body: stand.tokens({ claims }, { refresh_token: 'r', scope: 'openid' }) });

    expect(await open().client.exchange(login)).toMatchObject({
      identity: {
        provider: 'corp',
        subject: 'alice',
        email: 'alice@example.com',
        emailVerified: true,
        name: 'Alice Example',
        givenName: 'Alice',
        familyName: null,
        pictureUrl: 'https://img.example/a.png',
        raw: { sub: 'alice', iss: stand.url },
      },
      vouchesForEmail: false,
      sessionId: 'session-1',
      tokens: { accessToken: stand.accessToken, refreshToken: 'r', scopes: ['openid'] },
    });
  });
});

describe('the issuer of an answer', () => {
  const announce = (): void => {
    stand.replies['/.well-known/openid-configuration'] = () => ({
      body: stand.metadata({ authorization_response_iss_parameter_supported: true }),
    });
  };

  it('may be absent where the metadata do not announce it', async () => {
    expect(await outcomeOf(open().client.checkIssuer(null))).toBe('accepted');
  });

  it('is demanded where they do', async () => {
    announce();

    expect(await outcomeOf(open().client.checkIssuer(null))).toBe('LOGIN_STATE');
    expect(await outcomeOf(open().client.checkIssuer(stand.url))).toBe('accepted');
  });

  it.each(['https://evil.example', '', 'the same with a slash'])(
    'is compared as text in any case: %j',
    async (given) => {
      const issuer = given === 'the same with a slash' ? `${stand.url}/` : given;

      expect(await outcomeOf(open().client.checkIssuer(issuer))).toBe('LOGIN_STATE');
    },
  );
});

describe('new tokens', () => {
  it('are requested by the refresh token, which stays where none is returned', async () => {
    stand.replies['/token'] = { body: { access_token: 'new', token_type: 'bearer', expires_in: 60 } };

    expect(await open().client.refresh('old-refresh')).toEqual({
      accessToken: 'new',
      refreshToken: 'old-refresh',
      expiresAt: new Date(stand.clock.now().getTime() + 60_000),
      scopes: ['openid', 'email', 'profile'],
    });
    expect(stand.callsTo('/token')[0]?.form).toEqual({ grant_type: 'refresh_token', refresh_token: 'old-refresh' });
  });

  it('are refused where the person has withdrawn the grant', async () => {
    stand.replies['/token'] = { status: 400, body: { error: 'invalid_grant' } };

    expect(await outcomeOf(open().client.refresh('old-refresh'))).toBe('LOGIN_REFUSED');
  });
});
