import { describe, expect, it } from 'vitest';
import { propelAuth } from '../../../src/issuers/propel-auth/propel-auth.js';
import { stackAuth, type StackAuthOptions } from '../../../src/issuers/stack-auth/stack-auth.js';
import { startServer } from '../../support/answering-server.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { configurationErrorOf, errorOf } from '../../support/outcome.js';
import { recordedOrigin, recordedTokens, startStackAuth } from '../../support/stack-auth-server.js';
import { readRecordedExchange, type RecordedExchange } from '../../vectors/stack-auth/recorded.js';

const token = recordedTokens('2.8.86').find(({ name }) => name === 'password-sign-up');
const projectId = String(token?.claims['project_id']);

/** What comes of Alice's token where `users/me` answers like this recorded exchange. */
async function judge(exchange: RecordedExchange | string, options: Partial<StackAuthOptions> = { verify: 'online' }) {
  const { response } = typeof exchange === 'string' ? readRecordedExchange(exchange) : exchange;
  const keys = await startStackAuth('2.8.86');
  const api = await startServer((_, answer) => {
    answer
      .writeHead(response.status, response.headers)
      .end(typeof response.body === 'string' ? response.body : JSON.stringify(response.body));
  });
  const provider = stackAuth({ projectId, baseUrl: recordedOrigin, ...options });
  const { verifier } = openVerifier(provider, {
    clock: { now: () => token?.at ?? new Date(0) },
    fetch: (url, init) => fetch(url.replace(recordedOrigin, url.includes('jwks.json') ? keys.url : api.url), init),
  });
  const error = await errorOf(verifier.verify(token?.text ?? ''));
  const outcome = error === undefined ? 'accepted' : [error.code, error.reason].filter(Boolean).join(' ');
  return { outcome, explanation: error?.explanation ?? '', api, keys, verifier };
}

const alice = readRecordedExchange('users-me-client');
const changed = (changes: object): RecordedExchange => ({
  ...alice,
  response: { ...alice.response, body: { ...(alice.response.body as object), ...changes } },
});

describe('Stack Auth that is asked about a token', () => {
  it('is asked with the token itself, and for no keys, with verify online', async () => {
    const { outcome, api, keys } = await judge('users-me-client');

    expect(outcome).toBe('accepted');
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/v1/users/me']);
    expect(api.requests[0]?.headers['x-stack-access-token']).toBe(token?.text);
    expect(keys.requests).toHaveLength(0);
  });

  it('is asked after the signature has been checked, with verify hybrid', async () => {
    const { outcome, api, keys, verifier } = await judge('users-me-client', { verify: 'hybrid' });
    expect([outcome, keys.requests.length, api.requests.length]).toEqual(['accepted', 1, 1]);
    const [header, payload] = (token?.text ?? '').split('.');

    expect((await errorOf(verifier.verify(`${header ?? ''}.${payload ?? ''}.${'A'.repeat(86)}`)))?.reason).toBe(
      'signature',
    );
    expect(api.requests).toHaveLength(1);
  });

  it('is not asked by default, save where a route wants it', async () => {
    const { outcome, api, verifier } = await judge('users-me-client-deleted-user', {});
    expect([outcome, api.requests.length]).toEqual(['accepted', 0]);

    expect((await errorOf(async () => verifier.verifyOnline(token?.text ?? '')))?.reason).toBe('revoked');
    expect(api.requests).toHaveLength(1);
  });

  it.each([
    ['users-me-client-deleted-user', 'INVALID_TOKEN revoked'],
    ['users-me-server-deleted-user', 'INVALID_TOKEN revoked'],
    ['users-me-client-expired-token', 'INVALID_TOKEN expired'],
    ['users-me-client-tampered-signature', 'INVALID_TOKEN signature'],
    ['users-me-client-wrong-project-token', 'INVALID_TOKEN issuer'],
    ['users-me-client-anonymous-not-allowed', 'INVALID_TOKEN issuer'],
    ['users-me-client-restricted-not-allowed', 'INVALID_TOKEN issuer'],
    ['users-me-server-wrong-secret-key', 'SERVER_ERROR'],
    ['users-me-client-wrong-publishable-key', 'SERVER_ERROR'],
    ['users-me-unknown-project', 'SERVER_ERROR'],
    ['users-me-no-access-type', 'SERVER_ERROR'],
  ])('is understood by its code: %s is %s', async (name, outcome) => {
    expect((await judge(name)).outcome).toBe(outcome);
  });

  it('has to speak of the user of the token, and not to have restricted them since', async () => {
    expect((await judge(changed({ id: '00000000-0000-4000-8000-000000000000' }))).outcome).toBe('INVALID_TOKEN claim');
    expect((await judge(changed({ is_restricted: true }))).outcome).toBe('INVALID_TOKEN revoked');
    expect((await judge(changed({ id: undefined }))).outcome).toBe('SERVER_ERROR');
  });
});

describe('the option verify', () => {
  it('is one of the ways that a provider has', () => {
    const stack = (verify: string) => () => stackAuth({ projectId: 'p', verify: verify as 'local' });
    const propel = (verify: string) => () =>
      propelAuth({ authUrl: 'https://auth.example.com', apiKey: 'k', verify: verify as 'local' });

    expect(stack('online')().verification).toBe('online');
    expect(propel('hybrid')().verification).toBe('hybrid');
    expect(configurationErrorOf(stack('remote')).path).toBe('stackAuth({ verify })');
    // It knows users, and says nothing of tokens: a forged one would pass.
    expect(configurationErrorOf(propel('online')).path).toBe('propelAuth({ verify })');
  });
});
