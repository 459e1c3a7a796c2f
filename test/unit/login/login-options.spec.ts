import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isLoginProvider } from '../../../src/login/login-provider.js';
import { github } from '../../../src/login/providers/github.js';
import { google } from '../../../src/login/providers/google.js';
import { oauthProvider } from '../../../src/login/providers/oauth-provider.js';
import { openIdProvider } from '../../../src/login/providers/open-id-provider.js';
import { configurationErrorOf } from '../../support/outcome.js';

const registration = { clientId: 'c', clientSecret: 'top-secret' };
const corp = { id: 'corp', issuer: 'https://id.corp.example', clientId: 'c' };
const forum = {
  id: 'forum',
  authorizationEndpoint: 'https://forum.example/authorize',
  tokenEndpoint: 'https://forum.example/token',
  userinfoEndpoint: 'https://forum.example/me',
  clientId: 'c',
};
/** Options as JavaScript passes them. */
const loose = (preset: (options: never) => unknown, options: object) => () => preset(options as never);

describe('a login provider', () => {
  it.each([
    ['google', google(registration)],
    ['github', github(registration)],
    ['openIdProvider', openIdProvider({ ...corp, clientSecret: 'top-secret' })],
    ['oauthProvider', oauthProvider({ ...forum, clientSecret: 'top-secret' })],
  ])('of %s is frozen and branded, and does not show its secret', (preset, provider) => {
    expect(isLoginProvider(provider)).toBe(true);
    expect(provider.preset).toBe(preset);
    expect(inspect(provider, { depth: 9, showHidden: true })).not.toContain('top-secret');
    expect(Object.isFrozen(provider.authorizationParameters)).toBe(true);
    expect(isLoginProvider({ ...provider })).toBe(false);
  });

  it('has the name of its preset, or the one that the app gives', () => {
    expect(google(registration).id).toBe('google');
    expect(google({ ...registration, id: 'google-staff' }).id).toBe('google-staff');
  });

  it('of a known product asks for further scopes, and any other for what the app states', () => {
    expect(google({ ...registration, scopes: ['calendar', 'email'] }).scopes).toEqual([
      'openid',
      'email',
      'profile',
      'calendar',
    ]);
    expect(openIdProvider({ ...corp, scopes: ['email'] }).scopes).toEqual(['openid', 'email']);
    expect(openIdProvider(corp).scopes).toEqual(['openid', 'email', 'profile']);
    expect(oauthProvider(forum).scopes).toEqual([]);
  });
});

describe('a wrong option', () => {
  it.each<[string, () => unknown, string]>([
    ['no client', loose(google, { clientSecret: 's' }), 'google({ clientId })'],
    ['no secret', loose(github, { clientId: 'c' }), 'github({ clientSecret })'],
    ['an empty secret', loose(google, { ...registration, clientSecret: ' ' }), 'google({ clientSecret })'],
    ['a secret that is a number', loose(google, { ...registration, clientSecret: 7 }), 'google({ clientSecret })'],
    ['an unknown name', loose(google, { ...registration, tenant: 'x' }), 'google({ tenant })'],
    ['a name with a slash', loose(google, { ...registration, id: 'a/b' }), 'google({ id })'],
    ['a long name', loose(google, { ...registration, id: 'a'.repeat(65) }), 'google({ id })'],
    ['no name', loose(openIdProvider, { ...corp, id: undefined }), 'openIdProvider({ id })'],
    ['scopes as text', loose(google, { ...registration, scopes: 'a b' }), 'google({ scopes })'],
    ['a scope with a blank', loose(google, { ...registration, scopes: ['a b'] }), 'google({ scopes })'],
    ...['state', 'nonce', 'redirect_uri', 'client_id', 'code_challenge', 'code_challenge_method', 'response_type'].map(
      (name): [string, () => unknown, string] => [
        `the parameter ${name}`,
        loose(google, { ...registration, authorizationParameters: { [name]: 'x' } }),
        'google({ authorizationParameters })',
      ],
    ),
    [
      'a parameter that is a number',
      loose(google, { ...registration, authorizationParameters: { a: 7 } }),
      'google({ authorizationParameters })',
    ],
    [
      'parameters as a list',
      loose(google, { ...registration, authorizationParameters: ['a'] }),
      'google({ authorizationParameters })',
    ],
    [
      'an issuer of plain http',
      loose(openIdProvider, { ...corp, issuer: 'http://id.corp.example' }),
      'openIdProvider({ issuer })',
    ],
    ['no issuer', loose(openIdProvider, { ...corp, issuer: undefined }), 'openIdProvider({ issuer })'],
    [
      'metadata of plain http',
      loose(openIdProvider, { ...corp, discoveryUrl: 'http://x.example' }),
      'openIdProvider({ discoveryUrl })',
    ],
    ['trust as text', loose(openIdProvider, { ...corp, trustEmail: 'yes' }), 'openIdProvider({ trustEmail })'],
    [
      'an unknown response mode',
      loose(openIdProvider, { ...corp, responseMode: 'fragment' }),
      'openIdProvider({ responseMode })',
    ],
    [
      'an unknown algorithm',
      loose(openIdProvider, { ...corp, algorithms: ['HS256'] }),
      'openIdProvider({ algorithms })',
    ],
    [
      'a secret that is not used',
      loose(openIdProvider, { ...corp, clientSecret: 's', clientAuthentication: 'none' }),
      'openIdProvider({ clientAuthentication })',
    ],
    [
      'a secret that is missing',
      loose(openIdProvider, { ...corp, clientAuthentication: 'client_secret_basic' }),
      'openIdProvider({ clientAuthentication })',
    ],
    [
      'an unknown authentication',
      loose(openIdProvider, { ...corp, clientAuthentication: 'basic' }),
      'openIdProvider({ clientAuthentication })',
    ],
    [
      'no token endpoint',
      loose(oauthProvider, { ...forum, tokenEndpoint: undefined }),
      'oauthProvider({ tokenEndpoint })',
    ],
    [
      'an endpoint of plain http',
      loose(oauthProvider, { ...forum, userinfoEndpoint: 'http://forum.example/me' }),
      'oauthProvider({ userinfoEndpoint })',
    ],
    ['pkce as text', loose(oauthProvider, { ...forum, pkce: 'S256' }), 'oauthProvider({ pkce })'],
    ['a reader that is none', loose(oauthProvider, { ...forum, toIdentity: 'id' }), 'oauthProvider({ toIdentity })'],
    [
      'an address of GitHub with a path',
      loose(github, { ...registration, baseUrl: 'https://git.example/x' }),
      'github({ baseUrl })',
    ],
    ['no options', loose(google, []), 'google'],
  ])('is named: %s', (_, make, path) => {
    expect(configurationErrorOf(make).path).toBe(path);
  });
});
