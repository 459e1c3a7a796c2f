/** The client of Stack Auth's REST API against the recorded server: what it asks, and what it makes of each answer. */
import { describe, expect, it } from 'vitest';
import { StackAuthApi, type StackAuthProject } from '../../src/issuers/stack-auth/stack-auth-api.js';
import { ProviderClients } from '../../src/upstream/provider-clients.js';
import { UpstreamFailure } from '../../src/upstream/upstream-failure.js';
import { type AnsweringServer, startServer } from '../support/answering-server.js';
import { errorOf, outcomeOf } from '../support/outcome.js';
import { startStackAuth } from '../support/stack-auth-server.js';
import {
  readRecordedExchange,
  readRecordedTokens,
  type RecordedExchange,
  type StackAuthVersion,
} from '../vectors/stack-auth/recorded.js';

const versions = ['2.8.86', '2.8.37'] as const;
const publishable = { publishableClientKey: 'pck_sample_1' };
const secret = { secretServerKey: 'ssk_sample_1' };
const clock = { now: () => new Date() };

function openApi(server: AnsweringServer, project: Partial<StackAuthProject>): StackAuthApi {
  const client = new ProviderClients({ clock, fetch: (url, init) => fetch(url, init) }).get(server.url);
  return new StackAuthApi(client, {
    baseUrl: server.url,
    projectId: 'p1',
    secretServerKey: null,
    publishableClientKey: null,
    allowAnonymous: false,
    allowRestricted: false,
    ...project,
  });
}

describe.each(versions)('the REST API of Stack Auth %s', (version) => {
  const tokens = readRecordedTokens(version);
  const exchange = (name: string): RecordedExchange => readRecordedExchange(name, version);
  const projectId = exchange('users-me-client').request.headers['x-stack-project-id'] ?? '';
  const good = tokens['password-sign-up'] ?? '';

  async function open(project: Partial<StackAuthProject>) {
    const server = await startStackAuth(version);
    return { server, api: openApi(server, { projectId, ...project }) };
  }

  it.each<[string, Partial<StackAuthProject>, string]>([
    ['users-me-client', publishable, 'password-sign-up'],
    ['users-me-client-after-sign-out', publishable, 'password-sign-in'],
    ['users-me-client-anonymous', { ...publishable, allowAnonymous: true }, 'anonymous-sign-up'],
    ['users-me-server', secret, 'password-sign-up'],
    ['users-me-server', { ...secret, ...publishable }, 'password-sign-up'],
    ['users-me-server-anonymous', { ...secret, allowAnonymous: true }, 'anonymous-sign-up'],
  ])('returns the caller as in %s, with %j', async (name, project, token) => {
    const { api, server } = await open(project);

    expect(await api.me(tokens[token] ?? '')).toEqual(exchange(name).response.body);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/v1/users/me']);
    expect(Object.keys(server.requests[0]?.headers ?? {}).filter((header) => header.startsWith('x-'))).toEqual(
      expect.arrayContaining(Object.keys(exchange(name).request.headers)),
    );
  });

  it('returns every user with server access, without a token', async () => {
    const { api, server } = await open(secret);
    for (const name of ['users-read-server', 'users-read-server-anonymous']) {
      const { request, response } = exchange(name);
      expect(await api.user(request.path.split('/').at(-1) ?? '')).toEqual(response.body);
    }
    expect(server.requests.filter(({ headers }) => 'x-stack-access-token' in headers)).toEqual([]);
  });

  it('finds no user where the server finds none', async () => {
    const { api } = await open(secret);
    const unknown = exchange('users-read-server-unknown').request.path.split('/').at(-1) ?? '';

    expect(await api.user(unknown)).toBeNull();
    expect(await api.me(tokens['from-users-me-client-deleted-user'] ?? '')).toBeNull();
    expect(await (await open(publishable)).api.me(tokens['from-users-me-client-deleted-user'] ?? '')).toBeNull();
  });

  it.each(['', 'me', 'anonymousCaller', '../projects/current', `${projectId}/`, `${projectId}?x=1`])(
    'is not called for an invalid id: %j',
    async (userId) => {
      const { api, server } = await open(secret);

      expect(await api.user(userId)).toBeNull();
      expect(server.requests).toEqual([]);
    },
  );

  it.each<[string, Partial<StackAuthProject>, string, string]>([
    ['an expired token', publishable, 'from-session-refresh-while-access-token-expired', 'expired'],
    ['an expired token, as server', secret, 'from-session-refresh-while-access-token-expired', 'expired'],
    [
      'an expired token of an anonymous user',
      { ...publishable, allowAnonymous: true },
      'from-users-me-client-expired-anonymous-token',
      'expired',
    ],
    ['a token of another project', publishable, 'password-sign-up-project-b', 'issuer'],
    ['an anonymous user', publishable, 'anonymous-sign-up', 'issuer'],
    ['an anonymous user, as server', secret, 'anonymous-sign-up', 'issuer'],
    ['a tampered signature', publishable, 'from-users-me-client-tampered-signature', 'signature'],
    ['a tampered payload', publishable, 'from-users-me-client-tampered-payload', 'signature'],
    ['an unknown key', publishable, 'from-users-me-client-unknown-kid', 'signature'],
    ['an unsigned token', publishable, 'from-users-me-client-alg-none', 'algorithm'],
    ['what is no token', publishable, 'not-a-jwt', 'malformed'],
    [
      'what is no token, even where our key is wrong as well',
      { secretServerKey: 'ssk_wrong' },
      'not-a-jwt',
      'malformed',
    ],
  ])('refuses %s', async (_, project, token, reason) => {
    const { api, server } = await open(project);
    const error = await errorOf(api.me(tokens[token] ?? token));

    expect([error?.code, error?.reason]).toEqual(['INVALID_TOKEN', reason]);
    expect(server.requests).toHaveLength(1);
  });

  it.each<[string, Partial<StackAuthProject>, string]>([
    ['secret server key', { secretServerKey: 'ssk_wrong' }, 'stackAuth({ secretServerKey })'],
    ['publishable client key', { publishableClientKey: 'pck_sample_2' }, 'stackAuth({ publishableClientKey })'],
  ])("reports that the app's %s is wrong, and not the token", async (_, project, option) => {
    const { api } = await open(project);
    const error = await errorOf(api.me(good));

    expect(error?.code).toBe('SERVER_ERROR');
    expect(error?.explanation).toContain(option);
    expect(error?.message).toBe('Authentication is not available at the moment');
  });

  it('is called without the publishable client key where the project needs none', async () => {
    const { api } = await open({});
    const error = await errorOf(api.me(good));

    // Before February 2026 every project asked for it.
    if (version === '2.8.37') expect(error?.explanation).toContain('stackAuth({ publishableClientKey })');
    else expect(error).toBeUndefined();
  });
});

describe('restricted users at the REST API of Stack Auth', () => {
  const token = readRecordedTokens()['password-sign-up-restricted'] ?? '';
  const { request, response } = readRecordedExchange('users-me-client-restricted');
  const project = { projectId: request.headers['x-stack-project-id'] ?? '', publishableClientKey: 'pck_sample_3' };

  it('are accepted where they are allowed', async () => {
    const api = openApi(await startStackAuth('2.8.86'), { ...project, allowRestricted: true });
    expect(await api.me(token)).toEqual(response.body);
  });

  it('are refused otherwise, without a call', async () => {
    const error = await errorOf(openApi(await startStackAuth('2.8.86'), project).me(token));
    expect([error?.code, error?.reason]).toEqual(['INVALID_TOKEN', 'issuer']);
    expect(error?.explanation).toContain('stackAuth({ allowRestricted: true })');
  });
});

describe('a response of the REST API of Stack Auth', () => {
  const token = readRecordedTokens()['password-sign-up'] ?? '';

  /** What comes of `users/me` when the server answers like this, whatever it was asked. */
  async function meet(answer: { status: number; headers?: Record<string, string>; body?: unknown }) {
    const server = await startServer((_, response) => {
      const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {});
      response.writeHead(answer.status, answer.headers).end(body);
    });
    return { server, api: openApi(server, secret) };
  }

  const recorded = (name: string, version?: StackAuthVersion) => meet(readRecordedExchange(name, version).response);
  const json = { 'content-type': 'application/json' };

  it.each([
    ['users-me-no-access-type', 'baseUrl'],
    ['users-me-key-without-access-type', 'baseUrl'],
    ['users-me-invalid-access-type', 'baseUrl'],
    ['users-me-no-project-id', 'baseUrl'],
    ['users-list-server-bad-query', 'baseUrl'],
    ['users-me-unknown-project', 'projectId'],
    ['users-list-client-denied', 'secretServerKey'],
    ['users-me-server-no-secret-key', 'secretServerKey'],
  ])("about the app's credentials is an error of the app, and names the option: %s", async (name, option) => {
    for (const version of versions) {
      const { api } = await recorded(name, version);
      for (const asked of [api.me(token), api.user('e33e436a-bea5-4b61-b8d8-710811cdb6f7')]) {
        const error = await errorOf(asked);
        expect([error?.code, error?.explanation]).toEqual([
          'SERVER_ERROR',
          expect.stringContaining(`stackAuth({ ${option} })`),
        ]);
      }
    }
  });

  it.each(['unknown-route', 'users-me-method-not-allowed', 'jwks-unknown-project'])(
    'without a code does not refuse the caller: %s',
    async (name) => {
      const { api } = await recorded(name);
      expect(await outcomeOf(api.me(token))).toBe('SERVER_ERROR');
      expect(await outcomeOf(api.user('e33e436a-bea5-4b61-b8d8-710811cdb6f7'))).toBe('SERVER_ERROR');
    },
  );

  it.each([401, 403])('of a proxy does not refuse the caller either: %d', async (status) => {
    const { api } = await meet({ status, headers: { 'content-type': 'text/html' }, body: '<h1>Sign in</h1>' });
    expect(await outcomeOf(api.me(token))).toBe('SERVER_ERROR');
  });

  it('counts with its real status, where that was hidden', async () => {
    const { api } = await recorded('users-me-override-error-status');
    expect(await api.me(token)).toBeNull();
    const busy = await meet({ status: 200, headers: { ...json, 'x-stack-actual-status': '429' } });
    await expect(busy.api.me(token)).rejects.toMatchObject({ problem: 'rate-limited', status: 429 });
    const broken = await meet({ status: 200, headers: { ...json, 'x-hexclave-actual-status': '500' } });
    await expect(broken.api.me(token)).rejects.toBeInstanceOf(UpstreamFailure);
    const lost = await meet({ status: 200, headers: { ...json, 'x-stack-actual-status': '404' } });
    expect(await outcomeOf(lost.api.me(token))).toBe('SERVER_ERROR');
  });

  it.each(['x-stack-known-error', 'x-hexclave-known-error'])(
    'counts by its code, under either name: %s',
    async (name) => {
      const { api } = await meet({ status: 401, headers: { ...json, [name]: 'ACCESS_TOKEN_EXPIRED' } });
      expect(await outcomeOf(api.me(token))).toBe('INVALID_TOKEN expired');
    },
  );

  it.each<[string, number, string]>([
    ['USER_AUTHENTICATION_REQUIRED', 401, 'INVALID_TOKEN revoked'],
    ['NEVER_SEEN_BEFORE', 401, 'INVALID_TOKEN revoked'],
    ['NEVER_SEEN_BEFORE', 403, 'INVALID_TOKEN revoked'],
    ['NEVER_SEEN_BEFORE', 404, 'accepted'],
    ['NEVER_SEEN_BEFORE', 400, 'SERVER_ERROR'],
    ['NEVER_SEEN_BEFORE', 409, 'SERVER_ERROR'],
    ['constructor', 400, 'SERVER_ERROR'],
    ['PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT', 401, 'SERVER_ERROR'],
    ['BRANCH_DOES_NOT_EXIST', 400, 'SERVER_ERROR'],
  ])('with the code %s and status %d results in: %s', async (code, status, outcome) => {
    const { api } = await meet({ status, headers: { ...json, 'x-stack-known-error': code } });
    expect(await outcomeOf(api.me(token))).toBe(outcome);
  });

  it('that refuses a token where none was sent is an error of the app', async () => {
    const { api } = await meet({ status: 401, headers: { ...json, 'x-stack-known-error': 'ACCESS_TOKEN_EXPIRED' } });
    expect(await outcomeOf(api.user('e33e436a-bea5-4b61-b8d8-710811cdb6f7'))).toBe('SERVER_ERROR');
  });

  it.each(['rate-limited-with-retry-after', 'rate-limited-without-retry-after'])(
    'that limits the rate is a failure: %s',
    async (name) => {
      const { status, headers, body } = readRecordedExchange(name).response;
      const { api } = await meet({ status, headers: { ...headers, 'retry-after': '60' }, body });
      await expect(api.me(token)).rejects.toMatchObject({ problem: 'rate-limited', retryAfterSeconds: 60 });
    },
  );

  it('is never repeated in the log, and neither is a key or the token', async () => {
    const hostile = { code: 'NEVER_SEEN_BEFORE', error: 'text of the provider' };
    for (const [status, code] of [
      [401, 'INVALID_SECRET_SERVER_KEY'],
      [401, 'NEVER_SEEN_BEFORE'],
      [400, 'line break\tand more'],
      [401, 'UNPARSABLE_ACCESS_TOKEN'],
    ] as const) {
      const { api } = await meet({ status, headers: { ...json, 'x-stack-known-error': code }, body: hostile });
      const error = await errorOf(api.me(token));
      const said = `${String(error?.message)} ${String(error?.explanation)} ${String(error?.stack)}`;

      expect(said).not.toContain('text of the provider');
      expect(said).not.toContain('ssk_sample_1');
      expect(said).not.toContain(token);
      expect(said).not.toContain('\t');
    }
  });

  it('is not requested for a token that no header can contain', async () => {
    const { api, server } = await meet({ status: 200 });

    expect(await outcomeOf(api.me('a b'))).toBe('INVALID_TOKEN malformed');
    expect(await outcomeOf(api.me('a\r\nx-stack-secret-server-key: x'))).toBe('INVALID_TOKEN malformed');
    expect(server.requests).toEqual([]);
  });
});
