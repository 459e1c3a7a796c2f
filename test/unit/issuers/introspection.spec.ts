import { describe, expect, it } from 'vitest';
import type { AuthUnavailableError } from '../../../src/errors/auth-error.js';
import { oidc, type OidcOptions } from '../../../src/issuers/oidc.js';
import type { TestIssuerOptions } from '../../../src/testing/test-issuer-options.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { configurationErrorOf, errorOf, outcomeOf } from '../../support/outcome.js';
import { startIssuer } from '../../support/started-issuer.js';

async function setUp(options: Partial<OidcOptions> = {}, plan: TestIssuerOptions = {}, timeoutMs = 5_000) {
  const clock = new ManualClock();
  const issuer = await startIssuer({ clock, ...plan });
  const introspection = issuer.introspectionClient;
  const provider = oidc({ issuer: issuer.url, audience: 'api', introspection, ...options });
  const opened = openVerifier(provider, { clock, timeoutMs });
  const judge = (token: string): Promise<string> => outcomeOf(opened.verifier.verify(token));
  return { ...opened, clock, issuer, judge };
}

const alice = { sub: 'alice', aud: 'api' };

describe('an issuer with introspection', () => {
  it('is asked about each token at the endpoint that its metadata names', async () => {
    const { issuer, verifier } = await setUp();
    const token = await issuer.token({ ...alice, scope: 'read', client_id: 'page' });
    const verified = await verifier.verify(token);
    await verifier.verify(token);

    expect(verified.claims).toMatchObject({ sub: 'alice', scope: 'read', client_id: 'page', token_type: 'Bearer' });
    expect(verified.claims).not.toHaveProperty('active');
    expect(issuer.requests).toMatchObject({ discovery: 1, introspection: 2, jwks: 0 });
  });

  it('is asked where the option says, and its metadata are left alone', async () => {
    const issuer = await startIssuer({ discovery: 'none' });
    const introspection = { ...issuer.introspectionClient, endpoint: `${issuer.url}/introspect` };
    const { verifier } = openVerifier(oidc({ issuer: issuer.url, audience: 'api', introspection }));

    expect(await outcomeOf(verifier.verify(await issuer.token(alice)))).toBe('accepted');
    expect(issuer.requests).toMatchObject({ introspection: 1, total: 1 });
  });

  it('knows this API by credentials of any characters', async () => {
    const introspectionClient = { clientId: 'the api: ü', clientSecret: "100% +&=/?*'(): ~" };
    const { issuer, judge } = await setUp({ introspection: introspectionClient }, { introspectionClient });

    expect(await judge(await issuer.token(alice))).toBe('accepted');
  });

  it.each(['online', 'hybrid'] as const)('takes tokens back, with verify %s', async (verify) => {
    const { issuer, judge } = await setUp({ verify });
    const token = await issuer.token(alice);
    expect(await judge(token)).toBe('accepted');
    issuer.revoke(token);

    expect(await judge(token)).toBe('INVALID_TOKEN revoked');
  });

  it('tells what opaque tokens say', async () => {
    const { issuer, judge, verifier, clock } = await setUp();
    const token = issuer.opaqueToken({ ...alice, scope: 'read' }, { expiresIn: '1m' });
    const { claims, expiresAt } = await verifier.verify(token);

    expect(claims).toMatchObject({ iss: issuer.url, sub: 'alice', scope: 'read' });
    expect(expiresAt.getTime()).toBe(clock.now().getTime() + 60_000);
    expect(await judge(issuer.opaqueToken({ sub: 'alice', aud: 'other' }))).toBe('INVALID_TOKEN audience');
    expect(await judge(issuer.opaqueToken({ sub: 'alice' }))).toBe('INVALID_TOKEN audience');
    expect(await judge('never-given-out')).toBe('INVALID_TOKEN revoked');
    clock.advanceSeconds(60);
    expect(await judge(token)).toBe('INVALID_TOKEN revoked');
  });

  it('is asked about opaque tokens only, where JWTs are judged by their signature', async () => {
    const { issuer, judge, verifier } = await setUp({ verify: 'local' });
    const token = await issuer.token(alice);
    issuer.revoke(token);

    expect(await judge(token)).toBe('accepted');
    expect(issuer.requests.introspection).toBe(0);
    expect(await judge(issuer.opaqueToken(alice))).toBe('accepted');
    expect(await outcomeOf(verifier.verifyOnline(token))).toBe('INVALID_TOKEN revoked');
    expect(issuer.requests.introspection).toBe(2);
  });

  it('is not asked about opaque tokens where it says so', async () => {
    const { issuer, judge } = await setUp({
      introspection: { clientId: 'test-api', clientSecret: 'test-secret', opaqueTokens: false },
    });

    expect(await judge(issuer.opaqueToken(alice))).toBe('INVALID_TOKEN malformed');
    expect(await judge(await issuer.token(alice))).toBe('accepted');
    expect(issuer.requests.introspection).toBe(1);
  });

  it.each(['online', 'hybrid'] as const)(
    'is asked at most twice about a token by a thousand who come at once, with verify %s',
    async (verify) => {
      const { issuer, judge } = await setUp({ verify });
      const tokens = [await issuer.token(alice), await issuer.token({ ...alice, sub: 'bob' })];
      const outcomes = await Promise.all(Array.from({ length: 1_000 }, (_, at) => judge(tokens[at % 2] ?? '')));

      expect(new Set(outcomes)).toEqual(new Set(['accepted']));
      // Who comes when a call has begun waits for the next one, together with all others.
      expect(issuer.requests.introspection).toBeLessThanOrEqual(4);
    },
  );
});

describe('the kind of a token', () => {
  it.each([
    [{ token_type: 'Bearer' }, 'accepted'],
    [{ token_type: 'bearer' }, 'accepted'],
    [{ token_type: 'access_token' }, 'accepted'],
    [{ token_type: undefined }, 'accepted'],
    [{ token_use: 'access' }, 'accepted'],
    [{ token_type: 'DPoP' }, 'INVALID_TOKEN type'],
    // RFC 9449 §6.2: it is active, and nothing here shows the proof of its key.
    [{ token_type: 'DPoP', cnf: { jkt: 'a thumbprint' } }, 'INVALID_TOKEN proof'],
    [{ token_type: 'refresh_token' }, 'INVALID_TOKEN type'],
    [{ token_use: 'refresh_token' }, 'INVALID_TOKEN type'],
    [{ typ: 'Refresh' }, 'INVALID_TOKEN type'],
    [{ typ: 'Offline' }, 'INVALID_TOKEN type'],
    [{ typ: 'ID' }, 'INVALID_TOKEN type'],
    [{ token_use: 'id_token' }, 'INVALID_TOKEN type'],
    [{ typ: 'Identity' }, 'accepted'],
  ])('as the issuer tells it: %j is %s', async (claims, outcome) => {
    const { issuer, judge } = await setUp();

    expect(await judge(issuer.opaqueToken({ ...alice, ...claims }))).toBe(outcome);
    expect(await judge(await issuer.token({ ...alice, ...claims }))).toBe(outcome);
  });

  it('must be stated when any audience is accepted, because only it distinguishes a refresh token', async () => {
    const { issuer, judge } = await setUp({ audience: acceptAnyAudience });

    expect(await judge(issuer.opaqueToken({ sub: 'alice' }))).toBe('accepted');
    expect(await judge(issuer.opaqueToken({ sub: 'alice', token_type: undefined }))).toBe('INVALID_TOKEN type');
    expect(await judge(await issuer.token({ sub: 'alice', token_type: undefined }))).toBe('accepted');
  });
});

describe('an issuer that cannot be asked', () => {
  it.each(['503', 'hang', 'reset', 'garbage', 'html', 'empty', 'redirect', 'drip', 'oversize'] as const)(
    'is not the fault of who calls, and is reported when it begins and when it ends: %s',
    async (fault) => {
      const { issuer, judge, verifier, events } = await setUp({}, {}, 1_000);
      const token = await issuer.token(alice);
      expect(await judge(token)).toBe('accepted');
      issuer.fail(fault, { only: 'introspection' });
      const error = await errorOf(verifier.verify(token));

      expect(error).toMatchObject({ code: 'SERVER_ERROR' });
      expect((error as AuthUnavailableError).retryAfterSeconds).toBeGreaterThanOrEqual(5);
      issuer.recover();
      expect(await judge(token)).toBe('accepted');
      expect(events).toEqual([
        expect.objectContaining({ type: 'outage-began', what: `an answer about tokens from ${issuer.url}` }),
        expect.objectContaining({ type: 'outage-ended' }),
      ]);
      expect(JSON.stringify([error?.explanation, events])).not.toMatch(/test-secret|dGVzdC|eyJ/);
    },
  );

  it('is asked at its new place when it has moved', async () => {
    const { issuer, judge } = await setUp();
    const token = await issuer.token(alice);
    issuer.fail('503', { only: 'discovery' });
    expect(await judge(token)).toBe('SERVER_ERROR');
    issuer.recover();
    expect(await judge(token)).toBe('accepted');
    expect(issuer.requests.introspection).toBe(1);
  });

  it('does not keep apart who comes with a token that is over', async () => {
    const { issuer, judge } = await setUp();
    issuer.fail('503');

    expect(await judge(await issuer.token(alice, { expiresIn: '-1m' }))).toBe('INVALID_TOKEN expired');
  });
});

describe('the options of introspection', () => {
  const issuer = 'https://issuer.example';
  const credentials = { clientId: 'api', clientSecret: 'secret' };
  const oidcWith = (options: object) => () => oidc({ issuer, audience: 'api', ...options });

  it.each([
    [{ introspection: {} }, 'oidc({ introspection })({ clientId })'],
    [{ introspection: { clientId: 'api' } }, 'oidc({ introspection })({ clientSecret })'],
    [{ introspection: { ...credentials, clientSecret: ' ' } }, 'oidc({ introspection })({ clientSecret })'],
    [{ introspection: { ...credentials, endpoint: 'http://a.example/x' } }, 'oidc({ introspection })({ endpoint })'],
    [{ introspection: { ...credentials, opaqueTokens: 'no' } }, 'oidc({ introspection })({ opaqueTokens })'],
    [{ introspection: { ...credentials, secret: 'x' } }, 'oidc({ introspection })({ secret })'],
    [{ introspection: true }, 'oidc({ introspection })'],
    [{ introspection: credentials, verify: 'remote' }, 'oidc({ verify })'],
    [{ verify: 'online' }, 'oidc({ verify })'],
    [{ verify: 'hybrid' }, 'oidc({ verify })'],
  ])('are checked at start: %j', (options, path) => {
    const error = configurationErrorOf(oidcWith(options));

    expect(error.path).toBe(path);
    expect(error.message).not.toContain('secret:');
  });

  it('say how tokens are judged', () => {
    expect(oidcWith({})().verification).toBe('local');
    expect(oidcWith({ verify: 'local' })().verification).toBe('local');
    expect(oidcWith({ introspection: credentials })().verification).toBe('online');
    for (const verify of ['local', 'online', 'hybrid']) {
      expect(oidcWith({ introspection: credentials, verify })().verification).toBe(verify);
    }
  });

  it('have all names of an issuer asked as one where there is one place to ask', () => {
    const names = { issuer: [issuer, 'https://alias.example'] };
    const statusSourcesOf = (options: object): number =>
      new Set(oidcWith({ ...names, ...options })().issuers.map(({ introspection }) => introspection)).size;

    expect(statusSourcesOf({ introspection: { ...credentials, endpoint: `${issuer}/ask` } })).toBe(1);
    expect(statusSourcesOf({ introspection: credentials, discoveryUrl: `${issuer}/metadata` })).toBe(1);
    expect(statusSourcesOf({ introspection: credentials })).toBe(2);
  });
});
