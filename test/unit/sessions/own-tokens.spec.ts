import { describe, expect, it } from 'vitest';
import { AuthSettings } from '../../../src/auth-settings.js';
import { ConfigurationError, type RefusalError } from '../../../src/errors/auth-error.js';
import { isModuleIssuer } from '../../../src/issuers/module-issuer.js';
import { OwnKeySource } from '../../../src/issuing/own-key-source.js';
import { fromSessionCookie, ownClaimMap, ownTokens, SessionOwnTokens } from '../../../src/sessions/own-tokens.js';
import { readSessionTerms } from '../../../src/sessions/session-options.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openApp } from '../../support/shared-signing-keys.js';

const clock = new ManualClock();

function open(options: object = {}): SessionOwnTokens {
  const settings = new AuthSettings('https://api.example.com', [], clock);
  const keys = openApp().start();
  const source = new OwnKeySource({ findSigningKeys: () => keys, clock, report: () => undefined });
  const terms = readSessionTerms('S', options, settings);
  return new SessionOwnTokens(terms, source, { stillActive: () => Promise.resolve(null) }, () => Promise.resolve(null));
}

describe('ownTokens()', () => {
  it('is a stand-in without keys and options of the module', () => {
    const issuer = ownTokens();
    expect(isModuleIssuer(issuer)).toBe(true);
    expect(issuer).toEqual({ preset: 'ownTokens', module: 'SessionsModule', allowAnonymous: false });
    expect(ownTokens({ allowAnonymous: true }).allowAnonymous).toBe(true);
    expect(Object.isFrozen(issuer)).toBe(true);
  });

  it.each([{ audience: 'x' }, { allowAnonymous: 'yes' }, 7, null])('refuses %j', (options) => {
    expect(() => ownTokens(options as object)).toThrow(ConfigurationError);
  });

  it('takes tokens of type at+jwt alone, from this issuer for this audience', () => {
    const own = open({ issuer: 'https://id.example.com', audience: ['a', 'b'] });
    expect(own.terms).toMatchObject({ issuer: 'https://id.example.com', audience: ['a', 'b'], tokenType: 'at+jwt' });
    expect([...own.terms.algorithms].sort()).toEqual(['ES256', 'EdDSA', 'RS256']);
  });

  it('reads Bearer, and the cookie where cookies are delivered', () => {
    expect(open().sources).toHaveLength(2);
    expect(open().cookieSource?.parameter).toEqual({ in: 'cookie', name: '__Host-access' });
    expect(open({ delivery: ['body'] }).sources).toHaveLength(1);
    expect(open({ delivery: ['body'] }).cookieSource).toBeNull();
  });

  it('refuses guests unless it is told otherwise, and says how', () => {
    const guest = { sub: 'g1', is_anonymous: true };
    const fault = (allowAnonymous: boolean, claims: object): unknown =>
      open()
        .toProvider(allowAnonymous)
        .issuers[0]?.terms.findFault?.({ ...claims }, null);
    expect(fault(false, guest)).toMatchObject({ code: 'INVALID_TOKEN', reason: 'issuer' });
    expect((fault(false, guest) as RefusalError).explanation).toContain('ownTokens({ allowAnonymous: true })');
    expect(fault(true, guest)).toBeUndefined();
    expect(fault(false, { sub: 'alice' })).toBeUndefined();
    expect(fault(false, { sub: 'alice', is_anonymous: false })).toBeUndefined();
  });

  it('knows that AuthModule trusts it once it was asked', () => {
    const own = open();
    expect(own.isTrusted).toBe(false);
    own.toProvider(false);
    expect(own.isTrusted).toBe(true);
  });
});

it('the users of own tokens have provider own, their session, and are guests where the token says so', () => {
  const claims = { iss: 'i', sub: 'alice', sid: 's1', client_id: 'web', scope: 'read write', roles: ['admin'] };
  expect(ownClaimMap.provider).toBe('own');
  expect(ownClaimMap.map(claims)).toMatchObject({
    id: 'alice',
    sessionId: 's1',
    clientId: 'web',
    scopes: ['read', 'write'],
    roles: ['admin'],
    isAnonymous: false,
  });
  expect(ownClaimMap.map({ ...claims, is_anonymous: true }).isAnonymous).toBe(true);
});

it('fromSessionCookie() is one object', () => {
  expect(fromSessionCookie()).toBe(fromSessionCookie());
});
