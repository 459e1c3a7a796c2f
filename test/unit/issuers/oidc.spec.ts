import { beforeEach, describe, expect, it } from 'vitest';
import { oidc, type OidcOptions } from '../../../src/issuers/oidc.js';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import type { TestIssuerOptions } from '../../../src/testing/test-issuer-options.js';
import { acceptAnyAudience } from '../../../src/token/trusted-issuer.js';
import { startDocuments } from '../../support/answering-server.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { outcomeOf } from '../../support/outcome.js';
import { startIssuer } from '../../support/started-issuer.js';

let clock = new ManualClock();

function start(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  return startIssuer({ clock, ...options });
}

beforeEach(() => {
  clock = new ManualClock();
});

type Options = Partial<OidcOptions>;

function trusting(issuer: TestIssuer, options: Options = {}): (token: string | Promise<string>) => Promise<string> {
  const { verifier } = openVerifier(oidc({ issuer: issuer.url, audience: 'api', ...options }), { clock });
  return async (token) => outcomeOf(verifier.verify(await token));
}

describe('the keys of an issuer', () => {
  it('are found by discovery at the first token, and not asked for again', async () => {
    const issuer = await start();
    const judge = trusting(issuer);
    expect(issuer.requests.total).toBe(0);

    expect(await judge(issuer.token({ aud: 'api' }))).toBe('accepted');
    expect(await judge(issuer.token({ aud: 'api', sub: 'bob' }))).toBe('accepted');
    expect(issuer.requests).toEqual({ discovery: 1, jwks: 1, introspection: 0, userinfo: 0, total: 2 });
  });

  it.each(['oidc', 'oauth', 'both'] as const)(
    'are found where there is discovery of the kind %s, with a path',
    async (discovery) => {
      const issuer = await start({ path: '/realms/demo', discovery });

      expect(await trusting(issuer)(issuer.token({ aud: 'api' }))).toBe('accepted');
    },
  );

  it('are not found where there is no discovery, which is an outage', async () => {
    const issuer = await start({ discovery: 'none' });

    expect(await trusting(issuer)(issuer.token({ aud: 'api' }))).toBe('SERVER_ERROR');
    expect(await trusting(issuer, { jwksUri: issuer.jwksUri })(issuer.token({ aud: 'api' }))).toBe('accepted');
  });

  it('are not asked for by discovery where jwksUri says where they are', async () => {
    const issuer = await start();

    expect(await trusting(issuer, { jwksUri: issuer.jwksUri })(issuer.token({ aud: 'api' }))).toBe('accepted');
    expect(issuer.requests).toEqual({ discovery: 0, jwks: 1, introspection: 0, userinfo: 0, total: 1 });
  });

  it('are asked for at discoveryUrl where the app knows the issuer by another host', async () => {
    const issuer = await start();
    // As in a container network: browsers know the issuer by a name that the app cannot reach.
    const outside = 'https://login.example';
    const inside = await startDocuments({
      '/internal/config': { issuer: outside, jwks_uri: issuer.jwksUri },
    });
    const { verifier } = openVerifier(
      oidc({ issuer: outside, audience: 'api', discoveryUrl: `${inside.url}/internal/config` }),
      { clock },
    );

    expect(await outcomeOf(verifier.verify(await issuer.token({ aud: 'api', iss: outside })))).toBe('accepted');
    expect(await outcomeOf(verifier.verify(await issuer.token({ aud: 'api' })))).toBe('INVALID_TOKEN issuer');
    expect(inside.requests.map(({ path }) => path)).toEqual(['/internal/config']);
  });

  it('are not taken from a document that bears another name', async () => {
    const issuer = await start();
    const server = await startDocuments({
      '/config': { issuer: `${issuer.url}/`, jwks_uri: issuer.jwksUri },
    });
    const judge = trusting(issuer, { discoveryUrl: `${server.url}/config` });

    expect(await judge(issuer.token({ aud: 'api' }))).toBe('SERVER_ERROR');
    expect(issuer.requests.jwks).toBe(0);
  });
});

describe('several names of one issuer', () => {
  it('have each their own discovery and keys', async () => {
    const [one, two] = [await start(), await start()];
    const judge = trusting(one, { issuer: [one.url, two.url] });

    expect(await judge(one.token({ aud: 'api' }))).toBe('accepted');
    expect(two.requests.total).toBe(0);
    expect(await judge(two.token({ aud: 'api' }))).toBe('accepted');
    expect(await judge(one.token({ aud: 'api', iss: two.url }))).toBe('INVALID_TOKEN key');
    expect(await judge(one.token({ aud: 'api', iss: `${one.url}/` }))).toBe('INVALID_TOKEN issuer');
  });

  it('share the keys where one place is given for them', async () => {
    const issuer = await start();
    const other = 'https://other.example/';
    const judge = trusting(issuer, { issuer: [issuer.url, other], jwksUri: issuer.jwksUri });

    expect(await judge(issuer.token({ aud: 'api' }))).toBe('accepted');
    expect(await judge(issuer.token({ aud: 'api', iss: other }))).toBe('accepted');
    expect(await judge(issuer.token({ aud: 'api', iss: 'https://other.example' }))).toBe('INVALID_TOKEN issuer');
    expect(issuer.requests.jwks).toBe(1);
  });
});

describe('the terms', () => {
  it.each<[string, Options, object, string]>([
    ['one of two audiences', { audience: ['x', 'api'] }, {}, 'accepted'],
    ['another audience', { audience: ['x', 'y'] }, {}, 'INVALID_TOKEN audience'],
    ['no audience in the token', {}, { aud: undefined }, 'INVALID_TOKEN audience'],
    ['any audience', { audience: acceptAnyAudience }, { aud: undefined }, 'accepted'],
    ['any audience, and a list', { audience: acceptAnyAudience }, { aud: ['x'] }, 'accepted'],
    ['algorithms that hold it', { algorithms: ['RS256', 'ES256'] }, {}, 'accepted'],
    ['algorithms that do not hold it', { algorithms: ['RS256', 'PS256', 'ES384'] }, {}, 'INVALID_TOKEN algorithm'],
  ])('%s', async (_, options, claims, expected) => {
    const issuer = await start();

    expect(await trusting(issuer, options)(issuer.token({ aud: 'api', ...claims }))).toBe(expected);
  });

  it('with a wrong algorithm cause no fetch of keys', async () => {
    const issuer = await start();
    await trusting(issuer, { algorithms: ['RS256'] })(issuer.token({ aud: 'api' }));

    expect(issuer.requests.total).toBe(0);
  });

  it.each([
    ['at+jwt', 'at+jwt', 'accepted'],
    ['at+jwt', 'AT+JWT', 'accepted'],
    ['at+jwt', 'application/at+jwt', 'accepted'],
    ['AT+jwt', 'at+jwt', 'accepted'],
    ['application/at+jwt', 'at+jwt', 'accepted'],
    ['Application/AT+JWT', 'at+jwt', 'accepted'],
    ['at+jwt', 'JWT', 'INVALID_TOKEN type'],
    ['at+jwt', undefined, 'INVALID_TOKEN type'],
    ['JWT', 'at+jwt', 'INVALID_TOKEN type'],
    [undefined, 'JWT', 'accepted'],
    [undefined, undefined, 'accepted'],
  ])('tokenType %j, typ %j: %s', async (tokenType, typ, expected) => {
    const issuer = await start();
    const judge = trusting(issuer, tokenType === undefined ? {} : { tokenType });

    expect(await judge(issuer.token({ aud: 'api' }, { header: { typ } }))).toBe(expected);
  });

  it.each([
    [undefined, 304.999, 'accepted'],
    [undefined, 305, 'INVALID_TOKEN expired'],
    [0, 299.999, 'accepted'],
    [0, 300, 'INVALID_TOKEN expired'],
    [0.5, 300.499, 'accepted'],
    [0.5, 300.5, 'INVALID_TOKEN expired'],
    [600, 899.999, 'accepted'],
    [600, 900, 'INVALID_TOKEN expired'],
  ])('clockToleranceSeconds %j, %d s after a token of 300 s: %s', async (tolerance, later, expected) => {
    const issuer = await start();
    const judge = trusting(issuer, tolerance === undefined ? {} : { clockToleranceSeconds: tolerance });
    const [known, unseen] = [await issuer.token({ aud: 'api' }), await issuer.token({ aud: 'api' })];
    // Remembered from its second coming on.
    expect([await judge(known), await judge(known)]).toEqual(['accepted', 'accepted']);
    clock.advanceSeconds(later);

    expect(await judge(known)).toBe(expected);
    expect(await judge(unseen)).toBe(expected);
  });

  it.each([
    [60, 64.999, 'accepted'],
    [60, 65, 'INVALID_TOKEN expired'],
    [3_600, 120, 'accepted'],
  ])('maxTokenAgeSeconds %d, %d s after: %s', async (maxTokenAgeSeconds, later, expected) => {
    const issuer = await start();
    const judge = trusting(issuer, { maxTokenAgeSeconds });
    const token = await issuer.token({ aud: 'api' });
    clock.advanceSeconds(later);

    expect(await judge(token)).toBe(expected);
    expect(await judge(issuer.token({ aud: 'api', iat: undefined }))).toBe('INVALID_TOKEN claim');
  });
});
