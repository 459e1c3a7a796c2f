/**
 * The answers of a provider are judged by this package as by two certified clients, openid-client and oauth4webapi; where it is stricter,
 * the table says so.
 */
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openIdProvider } from '../../src/login/providers/open-id-provider.js';
import { createSigningKey, type SigningKey } from '../../src/testing/signing-key.js';
import { halfHash, login, openLogin, ProviderStand, registration } from '../support/provider-stand.js';
import { outcomeOf } from '../support/outcome.js';

const { clientId, clientSecret } = registration;
let stand: ProviderStand;
let stranger: SigningKey;
beforeAll(async () => {
  stand = await ProviderStand.start();
  stranger = await createSigningKey('RS256');
}, 30_000);
beforeEach(() => {
  stand.replies['/.well-known/openid-configuration'] = () => ({ body: stand.metadata() });
});

type Verdict = 'accepted' | 'refused';

const verdictOf = async (attempt: Promise<unknown>): Promise<Verdict> => {
  try {
    await attempt;
    return 'accepted';
  } catch {
    return 'refused';
  }
};

/** The other clients have the clock of the machine, and this option. */
const skew = (): number => Math.round((stand.clock.now().getTime() - Date.now()) / 1_000);
const callback = (more: Readonly<Record<string, string>> = {}): URL =>
  new URL(`${login.redirectUri}?${new URLSearchParams({ code: login.code, state: 's', ...more }).toString()}`);

async function openidClient(): Promise<openid.Configuration> {
  const config = await openid.discovery(
    new URL(stand.url),
    clientId,
    { client_secret: clientSecret, [openid.clockSkew]: skew(), [openid.clockTolerance]: 5 },
    openid.ClientSecretBasic(clientSecret),
    // Deprecated so that nobody uses it but for servers on the own machine.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    { execute: [openid.allowInsecureRequests] },
  );
  openid.enableNonRepudiationChecks(config);
  return config;
}

async function byOpenidClient(url: URL): Promise<Verdict> {
  const checks = {
    pkceCodeVerifier: login.codeVerifier,
    expectedNonce: login.nonce,
    expectedState: 's',
    idTokenExpected: true,
  };
  return verdictOf(openid.authorizationCodeGrant(await openidClient(), url, checks));
}

async function byOauth4webapi(url: URL): Promise<Verdict> {
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(stand.url);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  const client: oauth.Client = { client_id: clientId, [oauth.clockSkew]: skew(), [oauth.clockTolerance]: 5 };
  const exchange = async (): Promise<void> => {
    const parameters = oauth.validateAuthResponse(server, client, url, 's');
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.ClientSecretBasic(clientSecret),
      parameters,
      login.redirectUri,
      login.codeVerifier,
      insecure,
    );
    const checks = { expectedNonce: login.nonce, requireIdToken: true };
    await oauth.processAuthorizationCodeResponse(server, client, response, checks);
    await oauth.validateApplicationLevelSignature(server, response, insecure);
  };
  return verdictOf(exchange());
}

async function byUs(url: URL): Promise<Verdict> {
  const { client } = openLogin(openIdProvider({ id: 'corp', issuer: stand.url, ...registration }), stand);
  const exchange = async (): Promise<void> => {
    await client.checkIssuer(url.searchParams.get('iss'));
    await client.exchange({ ...login, code: url.searchParams.get('code') ?? '' });
  };
  return (await outcomeOf(exchange())) === 'accepted' ? 'accepted' : 'refused';
}

const judge = async (url: URL): Promise<readonly Verdict[]> => [
  await byUs(url),
  await byOpenidClient(url),
  await byOauth4webapi(url),
];

const all = (verdict: Verdict): readonly Verdict[] => [verdict, verdict, verdict];
const onlyWeRefuse: readonly Verdict[] = ['refused', 'accepted', 'accepted'];
const seconds = (): number => stand.clock.now().getTime() / 1_000;

describe('an ID token', () => {
  it.each<[string, readonly Verdict[], () => string]>([
    ['with what it must have', all('accepted'), () => stand.idToken()],
    [
      'for several clients, issued to this one',
      all('accepted'),
      () => stand.idToken({ claims: { aud: [clientId, 'x'], azp: clientId } }),
    ],
    ['a few seconds after its end', all('accepted'), () => stand.idToken({ claims: { exp: seconds() - 3 } })],
    ['without a nonce', all('refused'), () => stand.idToken({ claims: { nonce: undefined } })],
    ['with another nonce', all('refused'), () => stand.idToken({ claims: { nonce: 'x' } })],
    ['for another client', all('refused'), () => stand.idToken({ claims: { aud: 'x' } })],
    [
      'for several clients, issued to another',
      all('refused'),
      () => stand.idToken({ claims: { aud: [clientId, 'x'], azp: 'x' } }),
    ],
    [
      'for several clients, not saying for which',
      all('refused'),
      () => stand.idToken({ claims: { aud: [clientId, 'x'] } }),
    ],
    ['of another issuer', all('refused'), () => stand.idToken({ claims: { iss: 'https://evil.example' } })],
    ['of an issuer with a slash more', all('refused'), () => stand.idToken({ claims: { iss: `${stand.url}/` } })],
    ['of a stranger', all('refused'), () => stand.idToken({ by: stranger })],
    ['of an unknown key', all('refused'), () => stand.idToken({ by: stranger, header: { kid: 'x' } })],
    ['of HS256', all('refused'), () => stand.idToken({ header: { alg: 'HS256' } })],
    ['of no algorithm', all('refused'), () => stand.idToken({ header: { alg: 'none' } })],
    ['that has expired', all('refused'), () => stand.idToken({ claims: { exp: seconds() - 60 } })],
    ['without an end', all('refused'), () => stand.idToken({ claims: { exp: undefined } })],
    ['without a time', all('refused'), () => stand.idToken({ claims: { iat: undefined } })],
    ['without a subject', all('refused'), () => stand.idToken({ claims: { sub: undefined } })],
    ['that is not valid yet', all('refused'), () => stand.idToken({ claims: { nbf: seconds() + 60 } })],
    ['that is no JWT', all('refused'), () => 'opaque'],
    ['that is old', onlyWeRefuse, () => stand.idToken({ claims: { iat: seconds() - 700 } })],
    [
      'with the hash of another access token',
      onlyWeRefuse,
      () => stand.idToken({ claims: { at_hash: halfHash('x') } }),
    ],
    ['that is an access token by its type', onlyWeRefuse, () => stand.idToken({ header: { typ: 'at+jwt' } })],
  ])('%s is judged %j', async (_, verdicts, idToken) => {
    stand.replies['/token'] = () => ({ body: stand.tokens({}, { id_token: idToken() }) });

    expect(await judge(callback())).toEqual(verdicts);
  });
});

describe('an answer of the token endpoint', () => {
  it.each<[string, readonly Verdict[], () => object]>([
    ['without an access token', all('refused'), () => ({ body: stand.tokens({}, { access_token: undefined }) })],
    ['with a token of another type', all('refused'), () => ({ body: stand.tokens({}, { token_type: 'mac' }) })],
    ['without an ID token', all('refused'), () => ({ body: stand.tokens({}, { id_token: undefined }) })],
    ['with an error', all('refused'), () => ({ status: 400, body: { error: 'invalid_grant' } })],
    ['with a page', all('refused'), () => ({ headers: { 'content-type': 'text/html' }, body: '<p>' })],
    ['with a redirect', all('refused'), () => ({ status: 302, headers: { location: `${stand.url}/elsewhere` } })],
    // RFC 6749 §5.1 demands it; LinkedIn was seen without.
    [
      'without a type',
      ['accepted', 'refused', 'refused'],
      () => ({ body: stand.tokens({}, { token_type: undefined }) }),
    ],
  ])('%s is judged %j', async (_, verdicts, reply) => {
    stand.replies['/token'] = () => reply();

    expect(await judge(callback())).toEqual(verdicts);
  });
});

describe('the issuer of an answer (RFC 9207)', () => {
  it.each<[string, readonly Verdict[], boolean, () => URL]>([
    ['that is announced and there', all('accepted'), true, () => callback({ iss: stand.url })],
    ['that is announced and missing', all('refused'), true, () => callback()],
    ['that is another', all('refused'), true, () => callback({ iss: 'https://evil.example' })],
    ['that is not announced and there', all('accepted'), false, () => callback({ iss: stand.url })],
    ['that is not announced and another', all('refused'), false, () => callback({ iss: 'https://evil.example' })],
  ])('%s is judged %j', async (_, verdicts, isAnnounced, url) => {
    stand.replies['/token'] = () => ({ body: stand.tokens() });
    stand.replies['/.well-known/openid-configuration'] = () => ({
      body: stand.metadata({ authorization_response_iss_parameter_supported: isAnnounced }),
    });

    expect(await judge(url())).toEqual(verdicts);
  });
});

it('the authorization address has the parameters that openid-client writes', async () => {
  const { client } = openLogin(openIdProvider({ id: 'corp', issuer: stand.url, ...registration }), stand);
  const ours = new URL(await client.authorizationUrl({ ...login, state: 's' }));
  const theirs = openid.buildAuthorizationUrl(await openidClient(), {
    redirect_uri: login.redirectUri,
    scope: 'openid email profile',
    state: 's',
    nonce: login.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(login.codeVerifier),
    code_challenge_method: 'S256',
  });
  const sorted = ({ searchParams }: URL) => [...searchParams].sort();

  expect(`${ours.origin}${ours.pathname}`).toBe(`${theirs.origin}${theirs.pathname}`);
  expect(sorted(ours)).toEqual(sorted(theirs));
});
