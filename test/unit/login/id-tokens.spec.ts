import { beforeAll, describe, expect, it } from 'vitest';
import { openIdProvider, type OpenIdProviderOptions } from '../../../src/login/providers/open-id-provider.js';
import { createSigningKey, type SigningKey } from '../../../src/testing/signing-key.js';
import {
  halfHash,
  login,
  ProviderStand,
  type OpenedLogin,
  openLogin,
  registration,
} from '../../support/provider-stand.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

let stand: ProviderStand;
let stranger: SigningKey;
beforeAll(async () => {
  stand = await ProviderStand.start();
  stranger = await createSigningKey('RS256');
}, 30_000);

const open = (more: Partial<OpenIdProviderOptions> = {}): OpenedLogin =>
  openLogin(openIdProvider({ id: 'corp', issuer: stand.url, ...registration, ...more }), stand);

const answerWith = (body: () => object): void => {
  stand.replies['/token'] = () => ({ body: body() });
};

/** Seconds since 1970, by the clock of the stand. */
const now = (): number => stand.clock.now().getTime() / 1_000;

const unsigned = (): string => {
  const [, payload = ''] = stand.idToken().split('.');
  return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
};

describe('an ID token is refused', () => {
  it.each<[string, () => string, string]>([
    ['without a nonce', () => stand.idToken({ claims: { nonce: undefined } }), 'claim'],
    ['with the nonce of another login', () => stand.idToken({ claims: { nonce: 'another' } }), 'claim'],
    ['with a nonce that is a list', () => stand.idToken({ claims: { nonce: [login.nonce] } }), 'claim'],
    ['for another client', () => stand.idToken({ claims: { aud: 'dog-app' } }), 'audience'],
    ['without an audience', () => stand.idToken({ claims: { aud: undefined } }), 'audience'],
    [
      'with an audience that is not all text',
      () => stand.idToken({ claims: { aud: ['cat-app', 7], azp: 'cat-app' } }),
      'audience',
    ],
    [
      'for several clients, not saying for which',
      () => stand.idToken({ claims: { aud: ['cat-app', 'x'] } }),
      'audience',
    ],
    [
      'for several clients, issued to another',
      () => stand.idToken({ claims: { aud: ['cat-app', 'x'], azp: 'x' } }),
      'audience',
    ],
    ['for this client, issued to another', () => stand.idToken({ claims: { azp: 'dog-app' } }), 'audience'],
    ['of another issuer', () => stand.idToken({ claims: { iss: 'https://evil.example' } }), 'issuer'],
    ['of an issuer that differs by a slash', () => stand.idToken({ claims: { iss: `${stand.url}/` } }), 'issuer'],
    ['without an issuer', () => stand.idToken({ claims: { iss: undefined } }), 'issuer'],
    ['signed by a stranger under a known key id', () => stand.idToken({ by: stranger }), 'signature'],
    ['signed by an unknown key', () => stand.idToken({ by: stranger, header: { kid: 'nobody' } }), 'key'],
    ['that is not signed', unsigned, 'algorithm'],
    ['whose algorithm is HS256', () => stand.idToken({ header: { alg: 'HS256' } }), 'algorithm'],
    ['that has expired', () => stand.idToken({ claims: { exp: now() - 6 } }), 'expired'],
    ['without an expiry', () => stand.idToken({ claims: { exp: undefined } }), 'claim'],
    ['made in the future', () => stand.idToken({ claims: { iat: now() + 60 } }), 'not_yet_valid'],
    ['without the time when it was made', () => stand.idToken({ claims: { iat: undefined } }), 'claim'],
    ['made more than ten minutes ago', () => stand.idToken({ claims: { iat: now() - 606 } }), 'expired'],
    ['without a subject', () => stand.idToken({ claims: { sub: undefined } }), 'claim'],
    ['with a subject that is a number', () => stand.idToken({ claims: { sub: 7 } }), 'claim'],
    [
      'with the hash of another access token',
      () => stand.idToken({ claims: { at_hash: halfHash('another') } }),
      'claim',
    ],
    ['with a hash that is no text', () => stand.idToken({ claims: { at_hash: 7 } }), 'claim'],
    ['that is an access token', () => stand.idToken({ header: { typ: 'at+jwt' } }), 'type'],
    ['that is a logout token', () => stand.idToken({ header: { typ: 'application/logout+jwt' } }), 'type'],
    ['that is no JWT', () => 'opaque', 'malformed'],
  ])('%s', async (_, idToken, reason) => {
    answerWith(() => stand.tokens({}, { id_token: idToken() }));
    const error = await errorOf(open().client.exchange(login));

    expect([error?.code, error?.reason]).toEqual(['LOGIN_REFUSED', null]);
    expect(error?.explanation).toContain(`(${reason})`);
    expect(error?.message).toBe('The login was declined');
  });

  it('whose algorithm is not one of the option', async () => {
    answerWith(() => stand.tokens());

    expect(await outcomeOf(open({ algorithms: ['ES256'] }).client.exchange(login))).toBe('LOGIN_REFUSED');
  });
});

describe('an ID token is accepted', () => {
  it.each<[string, () => string]>([
    ['with what it must have', () => stand.idToken()],
    ['with the hash of the access token', () => stand.idToken({ claims: { at_hash: halfHash(stand.accessToken) } })],
    [
      'for several clients, issued to this one',
      () => stand.idToken({ claims: { aud: ['x', 'cat-app'], azp: 'cat-app' } }),
    ],
    ['without a key id', () => stand.idToken({ header: { kid: undefined } })],
    ['a few seconds after its end', () => stand.idToken({ claims: { exp: now() - 4 } })],
    ['with another type that is usual', () => stand.idToken({ header: { typ: 'JWT' } })],
  ])('%s', async (_, idToken) => {
    answerWith(() => stand.tokens({}, { id_token: idToken() }));

    expect((await open().client.exchange(login)).identity.subject).toBe('alice');
  });

  it('after the provider has replaced its keys during the login', async () => {
    answerWith(() => stand.tokens());
    const { client } = open();
    await client.exchange(login);
    await stand.rotateKeys();

    expect((await client.exchange(login)).identity.subject).toBe('alice');
  });
});

it('a missing ID token is a fault of the provider', async () => {
  answerWith(() => stand.tokens({}, { id_token: undefined }));

  expect(await outcomeOf(open().client.exchange(login))).toBe('SERVER_ERROR');
});

it('keys that cannot be had are an outage', async () => {
  answerWith(() => stand.tokens());
  const { client, events } = open();
  const keys = stand.replies['/keys'];
  stand.replies['/keys'] = { status: 503 };
  const outcome = await outcomeOf(client.exchange(login));
  if (keys !== undefined) stand.replies['/keys'] = keys;

  expect(outcome).toBe('SERVER_ERROR');
  expect(events.map(({ type }) => type)).toContain('outage-began');
});

describe('a logout token', () => {
  it.each<[string, () => string, object]>([
    [
      'of a session',
      () => stand.logoutToken({ claims: { sub: undefined } }),
      { subject: null, sessionId: 'session-1' },
    ],
    ['of a person', () => stand.logoutToken({ claims: { sid: undefined } }), { subject: 'alice', sessionId: null }],
    [
      'of both',
      () => stand.logoutToken({ header: { typ: 'logout+jwt' } }),
      { subject: 'alice', sessionId: 'session-1' },
    ],
    ['without an end', () => stand.logoutToken({ claims: { exp: undefined } }), { expiresAt: null, id: 'logout-1' }],
  ])('%s is accepted', async (_, token, expected) => {
    expect(await open().client.verifyLogout(token())).toMatchObject(expected);
  });

  it('states when it was made and when it ends', async () => {
    const { issuedAt, expiresAt } = await open().client.verifyLogout(stand.logoutToken());

    expect(issuedAt).toEqual(stand.clock.now());
    expect(expiresAt?.getTime()).toBe(stand.clock.now().getTime() + 300_000);
  });

  const event = 'http://schemas.openid.net/event/backchannel-logout';
  it.each<[string, () => string, string]>([
    ['an ID token', () => stand.idToken({ claims: { jti: '1' } }), 'type'],
    ['one with a nonce', () => stand.logoutToken({ claims: { nonce: 'n' } }), 'type'],
    ['one with a nonce that is null', () => stand.logoutToken({ claims: { nonce: null } }), 'type'],
    ['one without events', () => stand.logoutToken({ claims: { events: undefined } }), 'type'],
    ['one with another event', () => stand.logoutToken({ claims: { events: { other: {} } } }), 'type'],
    ['one whose event is a text', () => stand.logoutToken({ claims: { events: { [event]: 'yes' } } }), 'type'],
    ['one whose events are a list', () => stand.logoutToken({ claims: { events: [event] } }), 'type'],
    ['one without an id', () => stand.logoutToken({ claims: { jti: undefined } }), 'claim'],
    ['one of nobody', () => stand.logoutToken({ claims: { sub: undefined, sid: undefined } }), 'claim'],
    ['one whose session is a number', () => stand.logoutToken({ claims: { sid: 7 } }), 'claim'],
    ['one of another issuer', () => stand.logoutToken({ claims: { iss: 'https://evil.example' } }), 'issuer'],
    ['one for another client', () => stand.logoutToken({ claims: { aud: 'dog-app' } }), 'audience'],
    ['an old one', () => stand.logoutToken({ claims: { iat: now() - 606 } }), 'expired'],
    ['an old one without an end', () => stand.logoutToken({ claims: { iat: now() - 606, exp: undefined } }), 'expired'],
    ['one that has ended', () => stand.logoutToken({ claims: { exp: now() - 6 } }), 'expired'],
    ['one from the future', () => stand.logoutToken({ claims: { iat: now() + 60 } }), 'not_yet_valid'],
    ['one without a time', () => stand.logoutToken({ claims: { iat: undefined } }), 'claim'],
    ['one without any time', () => stand.logoutToken({ claims: { iat: undefined, exp: undefined } }), 'claim'],
    ['one of another type', () => stand.logoutToken({ header: { typ: 'at+jwt' } }), 'type'],
    ['one signed by a stranger', () => stand.logoutToken({ by: stranger }), 'signature'],
    ['one whose algorithm is HS256', () => stand.logoutToken({ header: { alg: 'HS256' } }), 'algorithm'],
    ['one that is not signed', unsigned, 'algorithm'],
  ])('%s is refused', async (_, token, reason) => {
    expect(await outcomeOf(open().client.verifyLogout(token()))).toBe(`INVALID_TOKEN ${reason}`);
  });
});
