import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stackAuth, type StackAuthOptions } from '../../../src/issuers/stack-auth/stack-auth.js';
import { startServer } from '../../support/answering-server.js';
import { openProfiles, userOf } from '../../support/asked-profiles.js';
import { configurationErrorOf, errorOf, outcomeOf } from '../../support/outcome.js';
import { readRecordedExchange, readRecordedTokens } from '../../vectors/stack-auth/recorded.js';

const token = readRecordedTokens()['password-sign-up'] ?? '';
const alice = readRecordedExchange('users-me-server').response.body as Record<string, unknown>;
const id = String(alice['id']);
const variables = ['STACK_PROJECT_ID', 'STACK_SECRET_SERVER_KEY', 'STACK_PUBLISHABLE_CLIENT_KEY'] as const;

beforeEach(() => {
  for (const name of variables) vi.stubEnv(name, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Answers everything with Alice, changed as told. */
async function open(options: Partial<StackAuthOptions> = {}, changes: object = {}) {
  const server = await startServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...alice, ...changes }));
  });
  const provider = stackAuth({ projectId: 'p1', baseUrl: server.url, ...options });
  return { server, caller: userOf(provider, token), ...openProfiles(provider) };
}

/** The `x-stack-` headers of a look-up of the caller, less the token. */
async function headersWith(options: Partial<StackAuthOptions>): Promise<Record<string, unknown>> {
  const { server, profiles, caller } = await open(options);
  await profiles.get(caller);
  const { 'x-stack-access-token': sent, ...headers } = server.requests[0]?.headers ?? {};
  expect(sent).toBe(token);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-')));
}

const asClient = { 'x-stack-access-type': 'client', 'x-stack-project-id': 'p1' };
const asServer = { 'x-stack-access-type': 'server', 'x-stack-project-id': 'p1' };

describe('what is sent to Stack Auth', () => {
  it.each<[Partial<StackAuthOptions>, object]>([
    [{}, asClient],
    [{ publishableClientKey: 'pck_1' }, { ...asClient, 'x-stack-publishable-client-key': 'pck_1' }],
    [{ secretServerKey: 'ssk_1' }, { ...asServer, 'x-stack-secret-server-key': 'ssk_1' }],
    [
      { secretServerKey: 'ssk_1', publishableClientKey: 'pck_1' },
      { ...asServer, 'x-stack-secret-server-key': 'ssk_1' },
    ],
    [{ allowAnonymous: true }, { ...asClient, 'x-stack-allow-anonymous-user': 'true' }],
    [{ allowRestricted: true }, { ...asClient, 'x-stack-allow-restricted-user': 'true' }],
    [
      { allowAnonymous: true, allowRestricted: true },
      { ...asClient, 'x-stack-allow-anonymous-user': 'true', 'x-stack-allow-restricted-user': 'true' },
    ],
  ])('with %j', async (options, headers) => {
    expect(await headersWith(options)).toEqual(headers);
  });

  it('is under the base URL, whatever stands behind its host', async () => {
    const { server, caller } = await open();
    const provider = stackAuth({ projectId: 'p1', baseUrl: `${server.url}/stack/` });
    await openProfiles(provider).profiles.get(userOf(provider, token));

    expect(caller.id).toBe(id);
    expect(server.requests.map(({ path }) => path)).toEqual(['/stack/api/v1/users/me']);
  });
});

describe('the keys of a Stack Auth project', () => {
  it('come from the environment where they are left out, less the blanks around them', async () => {
    vi.stubEnv('STACK_PUBLISHABLE_CLIENT_KEY', ' pck_env\n');
    expect(await headersWith({})).toEqual({ ...asClient, 'x-stack-publishable-client-key': 'pck_env' });
    vi.stubEnv('STACK_SECRET_SERVER_KEY', '\tssk_env ');
    expect(await headersWith({})).toEqual({ ...asServer, 'x-stack-secret-server-key': 'ssk_env' });
  });

  it('are what is written, where something is', async () => {
    vi.stubEnv('STACK_SECRET_SERVER_KEY', 'ssk_env');
    expect(await headersWith({ secretServerKey: 'ssk_1' })).toMatchObject({ 'x-stack-secret-server-key': 'ssk_1' });
  });

  it('are absent where the environment has nothing in them', async () => {
    vi.stubEnv('STACK_SECRET_SERVER_KEY', '');
    vi.stubEnv('STACK_PUBLISHABLE_CLIENT_KEY', '  ');
    expect(await headersWith({})).toEqual(asClient);
  });

  it('are read once, when the preset is made', async () => {
    const { profiles, caller, server } = await open();
    vi.stubEnv('STACK_SECRET_SERVER_KEY', 'ssk_late');
    await profiles.get(caller);

    expect(server.requests[0]?.headers['x-stack-access-type']).toBe('client');
  });

  it.each([
    ['secretServerKey', 'STACK_SECRET_SERVER_KEY'],
    ['publishableClientKey', 'STACK_PUBLISHABLE_CLIENT_KEY'],
  ])('that no header can send stop the app at its start: %s', (option, variable) => {
    const broken = 'key\nx-stack-access-type: admin';
    const written = configurationErrorOf(() => stackAuth({ projectId: 'p1', [option]: broken }));
    vi.stubEnv(variable, broken);
    const found = configurationErrorOf(() => stackAuth({ projectId: 'p1' }));

    for (const { path, message } of [written, found]) {
      expect(path).toBe(`stackAuth({ ${option} })`);
      expect(message).not.toContain('admin');
    }
  });

  it.each(['secretServerKey', 'publishableClientKey'])('are not written empty: %s', (option) => {
    expect(configurationErrorOf(() => stackAuth({ projectId: 'p1', [option]: ' ' })).path).toBe(
      `stackAuth({ ${option} })`,
    );
  });
});

describe('a user whose state at Stack Auth has changed since the token was signed', () => {
  const server = { secretServerKey: 'ssk_1' };
  const restricted = { is_restricted: true, restricted_reason: { type: 'restricted_by_administrator' } };
  const anonymous = { is_anonymous: true, is_restricted: true };

  it.each<[string, object, Partial<StackAuthOptions>, string]>([
    ['restricted', restricted, {}, 'INVALID_TOKEN revoked'],
    ['restricted', restricted, { allowAnonymous: true }, 'INVALID_TOKEN revoked'],
    ['restricted', restricted, { allowRestricted: true }, 'accepted'],
    ['anonymous', anonymous, {}, 'INVALID_TOKEN revoked'],
    ['anonymous', anonymous, { allowRestricted: true }, 'INVALID_TOKEN revoked'],
    ['anonymous', anonymous, { allowAnonymous: true }, 'accepted'],
    ['as ever, at a server that knows no restricted users', { is_restricted: undefined }, {}, 'accepted'],
  ])('%s %j, with %j: %s', async (_, changes, options, outcome) => {
    const { profiles, caller } = await open({ ...server, ...options }, changes);

    expect(await outcomeOf(profiles.get(caller))).toBe(outcome);
    expect(await profiles.find(id)).toMatchObject({ id, displayName: 'Alice Example' });
  });

  it('is distinguished in the log', async () => {
    const { profiles, caller } = await open({}, restricted);
    expect((await errorOf(profiles.get(caller)))?.explanation).toContain('stackAuth({ allowRestricted: true })');
  });
});

describe('a profile of Stack Auth', () => {
  it('names the accounts that the user signs in with', async () => {
    const accounts = [
      { id: 'github', account_id: '90817263', email: 'mira@lumenworks.example' },
      { id: 'apple', account_id: 'x', email: null, brand_new: 1 },
      { id: 'x', account_id: 'y' },
    ];
    const { profiles, caller } = await open({}, { oauth_providers: accounts });
    const { oauthProviders, raw } = await profiles.get(caller);

    expect(oauthProviders).toEqual([
      { id: 'github', accountId: '90817263', email: 'mira@lumenworks.example' },
      { id: 'apple', accountId: 'x', email: null },
      { id: 'x', accountId: 'y', email: null },
    ]);
    expect(raw['oauth_providers']).toEqual(accounts);
  });

  it('is found by an id in either case, and goes by the one that was asked for', async () => {
    const { profiles } = await open({ secretServerKey: 'ssk_1' });
    expect((await profiles.find(id.toUpperCase()))?.id).toBe(id.toUpperCase());
  });

  it.each(['', 'me', 'nobody', `${id}/x`])(
    'finds no user for a text that is no id, without a call: %j',
    async (userId) => {
      const { profiles, server } = await open({ secretServerKey: 'ssk_1' });

      expect(await profiles.find(userId)).toBeNull();
      expect(server.requests).toEqual([]);
    },
  );
});
