import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowInsecureHttpOffLoopback } from '../../../src/configuration/read-address.js';
import { propelAuth } from '../../../src/issuers/propel-auth/propel-auth.js';
import { TestIssuer } from '../../../src/testing/test-issuer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { configurationErrorOf, outcomeOf } from '../../support/outcome.js';

const clock = new ManualClock();
const apiKey = 'backend-integration-key';
let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await TestIssuer.start({ algorithm: 'RS256', clock });
}, 60_000);

afterAll(() => issuer.stop());

function create(options: Record<string | symbol, unknown>): ReturnType<typeof propelAuth> {
  return propelAuth({ authUrl: 'https://auth.example', apiKey, ...options });
}

describe('a token of PropelAuth', () => {
  it.each<[string, object, Readonly<Record<string, unknown>>, string]>([
    ['a good one', {}, {}, 'accepted'],
    ['without an audience, as they all are', { aud: undefined }, {}, 'accepted'],
    ['with somebody else’s audience', { aud: 'other' }, {}, 'accepted'],
    ['with a kid, which means nothing', {}, { kid: 'whatever' }, 'accepted'],
    ['without a kid', {}, { kid: undefined }, 'accepted'],
    ['without sub', { sub: undefined }, {}, 'accepted'],
    ['without user_id', { user_id: undefined }, {}, 'INVALID_TOKEN claim'],
    ['with an empty user_id', { user_id: '' }, {}, 'INVALID_TOKEN claim'],
    ['with a user_id that is no text', { user_id: 7 }, {}, 'INVALID_TOKEN claim'],
    ['without exp', { exp: undefined }, {}, 'INVALID_TOKEN claim'],
    ['that is over', { exp: 1_000 }, {}, 'INVALID_TOKEN expired'],
    ['with a slash behind its issuer', { iss: 'slash' }, {}, 'INVALID_TOKEN issuer'],
    ['with alg RS512', {}, { alg: 'RS512' }, 'INVALID_TOKEN algorithm'],
    ['with alg HS256', {}, { alg: 'HS256' }, 'INVALID_TOKEN algorithm'],
    ['with alg none', {}, { alg: 'none' }, 'INVALID_TOKEN algorithm'],
  ])('%s', async (_, claims, header, expected) => {
    const { verifier } = openVerifier(create({ authUrl: issuer.url, verifierKey: issuer.publicKeyPem }), { clock });
    const iss = 'iss' in claims ? { iss: `${issuer.url}/` } : {};
    const token = await issuer.token({ user_id: 'u1', ...claims, ...iss }, { header });

    expect(await outcomeOf(verifier.verify(token))).toBe(expected);
  });

  it('costs no request at all where verifierKey is given', async () => {
    const before = issuer.requests.total;
    const asked: string[] = [];
    const provider = create({ authUrl: issuer.url, apiUrl: issuer.url, verifierKey: issuer.publicKeyPem });
    const { verifier } = openVerifier(provider, {
      clock,
      fetch: (url, init) => {
        asked.push(url);
        return globalThis.fetch(url, init);
      },
    });
    const forged = await issuer.token({ user_id: 'u1' }, { signWith: 'stranger' });

    expect(await outcomeOf(verifier.verify(await issuer.token({ user_id: 'u1' })))).toBe('accepted');
    expect(await outcomeOf(verifier.verify(forged))).toBe('INVALID_TOKEN signature');
    expect([asked, issuer.requests.total - before]).toEqual([[], 0]);
  }, 60_000);
});

describe('the issuer', () => {
  it.each([
    ['https://auth.example', 'https://auth.example'],
    ['https://auth.example/', 'https://auth.example'],
    ['https://auth.example/en/login?x=1', 'https://auth.example'],
    ['https://auth.example:443', 'https://auth.example'],
    ['https://auth.example:8443/', 'https://auth.example:8443'],
    ['https://AUTH.example', 'https://auth.example'],
    ['http://localhost:3000/', 'http://localhost:3000'],
  ])('of authUrl %s is its origin, %s', (authUrl, expected) => {
    expect(create({ authUrl }).issuers.map(({ terms }) => terms.issuer)).toEqual([expected]);
  });
});

describe('the options', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecPem = ec.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  it.each<[string, unknown, string]>([
    ['authUrl', undefined, 'it is missing. It is on the Backend Integration page'],
    ['authUrl', 'auth.example', 'not an absolute address'],
    ['authUrl', 'http://auth.example', 'http is only allowed on this machine'],
    ['apiKey', undefined, 'it is missing. It is on the Backend Integration page'],
    ['apiKey', '', 'a text that is not empty is expected'],
    ['apiKey', 7, 'a text that is not empty is expected'],
    ['apiUrl', 'http://api.example', 'http is only allowed on this machine'],
    ['verifierKey', '', 'a text that is not empty is expected'],
    ['verifierKey', 'hello', 'it is not a key in PEM form'],
    ['verifierKey', privatePem, 'that is a private key'],
    ['verifierKey', ecPem, 'it is not an RSA key'],
    ['verifierKey', { kty: 'RSA' }, 'a text that is not empty is expected'],
    ['manualTokenVerificationMetadata', {}, 'there is no option of this name'],
    ['apikey', 'x', 'there is no option of this name. Did you mean apiKey'],
    ['audience', 'x', 'there is no option of this name. Known options: authUrl, apiKey, verifierKey, apiUrl'],
  ])('are refused at start: %s (%#)', (name, value, message) => {
    const error = configurationErrorOf(() => create({ [name]: value }));

    expect(error.path).toBe(`propelAuth({ ${name} })`);
    expect(error.message).toContain(`propelAuth({ ${name} }): ${message}`);
  });

  it.each(['secret\nkey', 'secret\r\nx-other: 1', 'secret key', 'secret\u2026', 'secrét', 'secret\0', ' secret'])(
    'are refused where no header can send the key, and it is not repeated: %j',
    (key) => {
      const error = configurationErrorOf(() => create({ apiKey: key }));

      expect(error.path).toBe('propelAuth({ apiKey })');
      expect(error.message).toContain('a key is printable ASCII without spaces');
      expect(error.message).not.toContain('secr');
    },
  );

  it('allow plain http off this machine by the symbol alone', () => {
    const http = { authUrl: 'http://auth.example', apiUrl: 'http://api.example' };

    expect(create({ ...http, [allowInsecureHttpOffLoopback]: true }).issuers).toHaveLength(1);
    expect(configurationErrorOf(() => create(http)).path).toBe('propelAuth({ authUrl })');
  });
});
