/** Teams and permissions of Stack Auth's users: what is asked, and what is made of what the recorded servers answered. */
import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { PermissionSource } from '../../src/access/issuer-permissions.js';
import type { StackAuthProject } from '../../src/issuers/stack-auth/stack-auth-api.js';
import { stackAuthPermissions } from '../../src/issuers/stack-auth/stack-auth-permissions.js';
import { toVerifiedToken } from '../../src/token/verified-token.js';
import { ProviderClients } from '../../src/upstream/provider-clients.js';
import { HttpClient } from '../../src/upstream/http-client.js';
import type { AuthUser } from '../../src/user/auth-user.js';
import { mapStandardClaims } from '../../src/user/claim-map.js';
import { toAuthUser } from '../../src/user/verified-user.js';
import { createdOf } from '../support/created.js';
import { type AnsweringServer, startServer } from '../support/answering-server.js';
import { ManualClock } from '../support/manual-clock.js';
import { errorOf, outcomeOf } from '../support/outcome.js';
import { readRecordedExchange, type StackAuthVersion } from '../vectors/stack-auth/recorded.js';

const versions: readonly StackAuthVersion[] = ['2.8.86', '2.8.37'];
const lists = ['teams-list-client-me', 'team-permissions-client-me', 'project-permissions-client-me'] as const;

interface GrantedAuthorities {
  readonly id: string;
  readonly team_id?: string;
  readonly user_id?: string;
}

const itemsOf = (name: (typeof lists)[number], version: StackAuthVersion = '2.8.86'): readonly GrantedAuthorities[] =>
  (readRecordedExchange(name, version).response.body as { items: GrantedAuthorities[] }).items;

function userOf(id: string): AuthUser {
  const token = toVerifiedToken('https://stack.example', { alg: 'ES256' }, { sub: id, exp: 1_900_000_000 });
  return toAuthUser('aaa.bbb.ccc', token, { provider: 'stack-auth', map: mapStandardClaims });
}

function openSource(server: AnsweringServer, project: Partial<StackAuthProject> = {}): PermissionSource {
  const clock = new ManualClock();
  const { get } = new ProviderClients({ clock, timeoutMs: 1_000, fetch: (url, init) => fetch(url, init) });
  const permissions = stackAuthPermissions({
    baseUrl: server.url,
    projectId: 'p1',
    secretServerKey: null,
    publishableClientKey: 'pck_sample_1',
    allowAnonymous: false,
    allowRestricted: false,
    ...project,
  });
  const context = { clock, upstream: new HttpClient(), providerClient: get, report: () => undefined };
  return createdOf(permissions, context);
}

/** Answers by the path alone: what was recorded was asked with fewer parameters. */
const recorded =
  (version: StackAuthVersion): RequestListener =>
  (request, response) => {
    const [path] = (request.url ?? '').split('?');
    const name = lists.find((list) => readRecordedExchange(list, version).request.path.startsWith(`${path ?? ''}?`));
    if (name === undefined) throw new Error(`There is no recording of ${request.url ?? ''}`);
    const { status, headers, body } = readRecordedExchange(name, version).response;
    response.writeHead(status, headers).end(JSON.stringify(body));
  };

const answering =
  (status: number, body: object, code?: string): RequestListener =>
  (_request, response) => {
    const headers = { 'content-type': 'application/json', ...(code !== undefined && { 'x-stack-known-error': code }) };
    response.writeHead(status, headers).end(JSON.stringify(body));
  };

describe.each(versions)('the response of Stack Auth %s', (version) => {
  const [team] = itemsOf('teams-list-client-me', version);
  const held = itemsOf('team-permissions-client-me', version);
  const teamId = team?.id ?? '';
  const user = userOf(held[0]?.user_id ?? '');

  it("about a user's teams", async () => {
    const server = await startServer(recorded(version));
    const organizations = await openSource(server).organizationsOf(user);
    expect(organizations).toEqual([{ id: teamId, name: 'Rig Team', slug: null, roles: [], permissions: [] }]);
    expect(server.requests.map(({ path }) => path)).toEqual(['/api/v1/teams?user_id=me']);
  });

  it('about permissions in a team', async () => {
    const server = await startServer(recorded(version));
    const permissions = await openSource(server).permissionsIn(user, teamId);
    expect(permissions).toEqual(held.map(({ id }) => id));
    expect(permissions).toContain('$delete_team');
    // Without "recursive" only those would be listed that were granted by name.
    expect(server.requests.map(({ path }) => path)).toEqual([
      `/api/v1/team-permissions?user_id=me&recursive=true&team_id=${teamId}`,
    ]);
  });

  it('about permissions in the whole project', async () => {
    const server = await startServer(recorded(version));
    expect(await openSource(server).permissionsOf(user)).toEqual([]);
    expect(server.requests.map(({ path }) => path)).toEqual(['/api/v1/project-permissions?user_id=me&recursive=true']);
  });

  it('is requested with the headers of the recorded calls', async () => {
    const server = await startServer(recorded(version));
    await openSource(server).organizationsOf(user);
    const { headers } = readRecordedExchange('teams-list-client-me', version).request;
    expect(server.requests[0]?.headers).toMatchObject({
      ...headers,
      'x-stack-project-id': 'p1',
      'x-stack-access-token': 'aaa.bbb.ccc',
    });
  });
});

describe('with server access', () => {
  it("is requested with the user's own token as well", async () => {
    const server = await startServer(recorded('2.8.86'));
    const project = { secretServerKey: 'ssk_sample_1', allowAnonymous: true };
    await openSource(server, project).permissionsOf(userOf('u1'));
    expect(server.requests[0]?.headers).toMatchObject({
      'x-stack-access-type': 'server',
      'x-stack-secret-server-key': 'ssk_sample_1',
      'x-stack-access-token': 'aaa.bbb.ccc',
      'x-stack-allow-anonymous-user': 'true',
    });
  });
});

describe('permissions', () => {
  const item = (parts: object): object => ({ id: 'cats:read', user_id: 'u1', team_id: 't1', ...parts });

  it('of another team, or of the project, do not count for this team', async () => {
    const items = [item({}), item({ id: 'b', team_id: 't2' }), { id: 'c', user_id: 'u1' }];
    const source = openSource(await startServer(answering(200, { items })));
    expect(await source.permissionsIn(userOf('u1'), 't1')).toEqual(['cats:read']);
    expect(await source.permissionsOf(userOf('u1'))).toEqual(['c']);
  });

  it.each([
    ['are another user’s', 200, { items: [item({ user_id: 'u2' })] }, undefined, 'SERVER_ERROR'],
    ['have no id', 200, { items: [item({ id: '' })] }, undefined, 'SERVER_ERROR'],
    ['are no list', 200, { items: { id: 'cats:read' } }, undefined, 'SERVER_ERROR'],
    ['are a bare list', 200, [item({})], undefined, 'SERVER_ERROR'],
    ['come in parts', 200, { items: [], pagination: { next_cursor: 'x' } }, undefined, 'SERVER_ERROR'],
    ['are on a last part', 200, { items: [], pagination: { next_cursor: null } }, undefined, 'accepted'],
    ['are of a deleted user', 400, { code: 'x' }, 'CANNOT_GET_OWN_USER_WITHOUT_USER', 'INVALID_TOKEN revoked'],
    ['are asked for with a token that is over', 401, {}, 'ACCESS_TOKEN_EXPIRED', 'INVALID_TOKEN expired'],
    ['are asked for with a wrong key', 401, {}, 'INVALID_PUBLISHABLE_CLIENT_KEY', 'SERVER_ERROR'],
    ['are asked for without the key that is wanted', 401, {}, 'CLIENT_AUTHENTICATION_REQUIRED', 'SERVER_ERROR'],
    ['cannot be found', 404, {}, undefined, 'SERVER_ERROR'],
  ] as const)('%s', async (_what, status, body, code, outcome) => {
    const source = openSource(await startServer(answering(status, body, code)));
    expect(await outcomeOf(source.permissionsIn(userOf('u1'), 't1'))).toBe(outcome);
  });

  it('are explained in the log when a response is invalid, without its content', async () => {
    const source = openSource(await startServer(answering(200, { items: [item({ user_id: 'secret' })] })));
    const error = await errorOf(source.permissionsIn(userOf('u1'), 't1'));
    expect(error?.explanation).toBe(
      'The answer of Stack Auth about permissions is about another user than the one asked for',
    );
  });
});
