/** The API keys that Stack Auth issues, by the answers of the real server: who the caller is, refusals, outages, and what is asked. */
import { RevocationService, stackAuth } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { type ProviderKeyApp, startProviderKeyApp } from '../support/provider-key-app.js';
import {
  recordedUserOf,
  stackAnswer,
  stackConfirms,
  stackKey,
  type StackKeyServer,
  startStackKeyServer,
} from '../support/provider-key-servers.js';
import { unavailable, verdictOf } from '../support/verdicts.js';
import { readRecordedExchange } from '../vectors/stack-auth/recorded.js';

const user = recordedUserOf();
const userId = String(user['id']);
const check = 'POST /api/v1/user-api-keys/check';
const teamCheck = 'POST /api/v1/team-api-keys/check';
const read = `GET /api/v1/users/${userId}`;

const refused = (reason: string): object => ({ status: 401, code: 'INVALID_TOKEN', reason });

describe.each(platforms)('API keys of Stack Auth on $name', (platform) => {
  async function start(options = {}): Promise<ProviderKeyApp & { server: StackKeyServer }> {
    const server = await startStackKeyServer();
    const { projectId, url: baseUrl } = server;
    const provider = stackAuth({ projectId, baseUrl, secretServerKey: 'ssk_sample_1', apiKeys: true });
    return { ...(await startProviderKeyApp(platform, provider, options)), server };
  }
  const confirm = ({ server, clock }: { server: StackKeyServer } & ProviderKeyApp, members = {}): string => {
    const key = stackKey();
    server.keys.set(key, stackConfirms(clock.now(), members));
    return key;
  };

  it('makes the caller the user as they are now, in both places, and asks once in 30 seconds', async () => {
    const stand = await start();
    const { app, clock, server } = stand;
    const key = confirm(stand);
    const { status, json, text } = await app.call('/caller', { token: key });
    expect(status).toBe(200);
    const id = (stackAnswer('server').body as { id: string }).id;
    expect(json).toEqual({
      id: userId,
      issuer: `${server.url}/api/v1/projects/${server.projectId}`,
      provider: 'api-key',
      isAnonymous: false,
      email: user['primary_email'],
      emailVerified: user['primary_email_verified'],
      name: user['display_name'],
      sessionId: null,
      clientId: id,
      impersonatorId: null,
      roles: [],
      scopes: [],
      permissions: [],
      organizations: [],
      claims: { type: 'user', description: 'rig key', is_public: false },
      credential: { kind: 'api-key', id, scheme: 'Bearer' },
      expiresAt: new Date(clock.now().getTime() + 86_400_000).toISOString(),
    });
    expect(text).not.toContain(key);
    expect(server.calls).toEqual([check, read]);
    expect(server.lastHeaders).toMatchObject({
      'x-stack-access-type': 'server',
      'x-stack-secret-server-key': 'ssk_sample_1',
    });
    clock.advanceSeconds(29);
    expect((await app.call('/caller', { headers: [['x-api-key', key]] })).status).toBe(200);
    expect(server.calls).toHaveLength(2);
    clock.advanceSeconds(1);
    expect(await stand.status(key)).toBe(200);
    expect(server.calls).toHaveLength(4);
  });

  it('shares one flight between 50 requests, and asks for each one under @VerifyOnline()', async () => {
    const stand = await start();
    const key = confirm(stand);
    const statuses = await Promise.all(Array.from({ length: 50 }, () => stand.status(key)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(stand.server.calls).toEqual([check, read]);
    expect([await stand.status(key, '/online'), await stand.status(key, '/online')]).toEqual([200, 200]);
    expect(stand.server.calls).toHaveLength(6);
    expect(await stand.status(key, '/people')).toBe(401);
  });

  it.each([
    ['unknown', 'key'],
    ['as-team', 'key'],
    ['revoked', 'revoked'],
  ] as const)('answers 401 for %s, reason %s, and asks again after 5 seconds', async (name, reason) => {
    const stand = await start();
    const { app, clock, server } = stand;
    const key = stackKey();
    server.keys.set(key, stackAnswer(name));
    for (let at = 0; at < 3; at += 1) {
      const answer = await app.call('/caller', { token: key });
      expect(verdictOf(answer)).toMatchObject(refused(reason));
      expect(answer.headers['www-authenticate']).toContain('Bearer error="invalid_token"');
    }
    expect(server.calls).toEqual([check]);
    clock.advanceSeconds(5);
    server.keys.set(key, stackConfirms(clock.now()));
    expect(await stand.status(key)).toBe(200);
  });

  it('answers 401 for a key that has expired, by the server or by the clock', async () => {
    const stand = await start();
    const { app, clock, server } = stand;
    const { headers } = stackAnswer('revoked');
    const body = { code: 'API_KEY_EXPIRED', error: 'API key has expired.' };
    const key = stackKey();
    server.keys.set(key, { status: 401, headers: { ...headers, 'x-stack-known-error': 'API_KEY_EXPIRED' }, body });
    expect(verdictOf(await app.call('/caller', { token: key }))).toMatchObject(refused('expired'));
    const short = confirm(stand, { expires_at_millis: clock.now().getTime() + 10_000 });
    expect(await stand.status(short)).toBe(200);
    clock.advanceSeconds(10);
    expect(verdictOf(await app.call('/caller', { token: short }))).toMatchObject(refused('expired'));
  });

  it('refuses the keys of users who were deleted, are anonymous or restricted', async () => {
    const stand = await start();
    const { app, server } = stand;
    for (const members of [{ is_anonymous: true, is_restricted: true }, { is_restricted: true }]) {
      server.users.set(userId, {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: { ...user, ...members },
      });
      expect(verdictOf(await app.call('/caller', { token: confirm(stand) }))).toMatchObject(refused('revoked'));
    }
    server.users.delete(userId);
    expect(verdictOf(await app.call('/caller', { token: confirm(stand) }))).toMatchObject(refused('revoked'));
  });

  it('answers 503 where Stack Auth names a user by what is no id', async () => {
    const stand = await start();
    const key = stackKey();
    stand.server.keys.set(key, stackConfirms(stand.clock.now(), { user_id: 'me' }));
    expect(verdictOf(await stand.app.call('/caller', { token: key }))).toEqual(unavailable);
    expect(stand.server.calls).toEqual([check]);
  });

  it('accepts the key of a team as the team, which is its own only organization', async () => {
    const stand = await start();
    const { app, clock, server } = stand;
    const key = stackKey('team');
    const team = { type: 'team', team_id: 'team-7', user_id: null };
    server.keys.set(key, stackConfirms(clock.now(), team));
    const { json } = await app.call('/caller', { token: key });
    expect(json).toMatchObject({
      id: 'team-7',
      email: null,
      organizations: [{ id: 'team-7' }],
      claims: { type: 'team' },
    });
    expect(await stand.status(key, '/orgs/team-7')).toBe(200);
    expect(await stand.status(key, '/orgs/team-1')).toBe(403);
    expect(await stand.status(key, '/orgs/team-7/reports')).toBe(403);
    expect(server.calls).toEqual([teamCheck]);
  });

  it('looks up teams, permissions and profile of the user with the key of the app', async () => {
    const stand = await start();
    const key = confirm(stand);
    expect(await stand.status(key, '/orgs/team-1')).toBe(200);
    expect(await stand.status(key, '/orgs/team-2')).toBe(403);
    expect(await stand.status(key, '/orgs/team-1/reports')).toBe(200);
    const { json } = await stand.app.call('/profile', { token: key });
    expect(json).toEqual({ id: userId, name: user['display_name'] });
    expect(stand.server.calls).toContain(`GET /api/v1/teams?user_id=${userId}`);
    expect(stand.server.calls).toContain(
      `GET /api/v1/team-permissions?user_id=${userId}&recursive=true&team_id=team-1`,
    );
  });

  it('answers 503 and never 401 for trouble of the provider or of the configuration; known keys pass for 30 seconds', async () => {
    const stand = await start();
    const { app, clock, server, log } = stand;
    const known = confirm(stand);
    expect(await stand.status(known)).toBe(200);
    const text = { 'content-type': 'text/plain' };
    const faults = [
      { status: 500, headers: text, body: 'Something went wrong' },
      { status: 400, headers: text, body: 'API keys are not enabled for this project' },
      { status: 404, headers: text, body: 'Project not found' },
      { status: 403, headers: text, body: 'blocked by a firewall' },
      { status: 200, headers: { 'content-type': 'application/json' }, body: { id: 'x', type: 'user' } },
      { status: 200, headers: { 'content-type': 'application/json' }, body: { type: 'team', id: 'x', team_id: 't' } },
      stackAnswer('client-denied'),
      readRecordedExchange('users-me-server-wrong-secret-key').response,
      readRecordedExchange('users-me-unknown-project').response,
      'reset',
    ] as const;
    for (const fault of faults) {
      server.fault = fault;
      expect(verdictOf(await app.call('/caller', { token: confirm(stand) }))).toEqual(unavailable);
      expect(await stand.status(known)).toBe(200);
    }
    const answer = await app.call('/maybe', { token: confirm(stand) });
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    clock.advanceSeconds(30);
    expect(await stand.status(known)).toBe(503);
    server.fault = null;
    clock.advanceSeconds(11);
    expect(await stand.status(known)).toBe(200);
    expect(log.lines.map(({ text: line }) => line).join('\n')).not.toContain(known);
  });

  it.each(['rate-limited-with-retry-after', 'rate-limited-without-retry-after'])(
    'answers 503 to unknown keys after %s, and goes on to confirm the known ones',
    async (name) => {
      const stand = await start();
      const { app, clock, server } = stand;
      const known = confirm(stand);
      expect(await stand.status(known)).toBe(200);
      server.fault = readRecordedExchange(name).response;
      const answer = await app.call('/caller', { token: stackKey() });
      expect(verdictOf(answer)).toEqual(unavailable);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(4);
      server.fault = null;
      clock.advanceSeconds(0.5);
      // The confirmation is too old, so the server is asked, although unknown keys pause.
      expect(await stand.status(known, '/online')).toBe(200);
    },
  );

  it('asks nobody about a key of a wrong form, and does not pass on what is no key of Stack Auth', async () => {
    const stand = await start();
    const good = confirm(stand);
    const mistyped = `${good.slice(0, 20)}${good.charAt(20) === 'a' ? 'b' : 'a'}${good.slice(21)}`;
    for (const text of [mistyped, 'sk_live_51H8', 'pk_test_abcdef', 'sk_', `sk_${'x'.repeat(300)}`, 'sk_a.b']) {
      expect(verdictOf(await stand.app.call('/caller', { token: text }))).toMatchObject(refused('key'));
    }
    expect(verdictOf(await stand.app.call('/caller', { token: 'no-token' }))).toMatchObject({ status: 401 });
    expect(verdictOf(await stand.app.call('/caller', { token: 'grt_x' }))).toMatchObject(refused('type'));
    expect(stand.server.calls).toEqual([]);
    // Keys that were issued before the form changed are asked about.
    const older = `sk_${'a'.repeat(52)}${'0'.repeat(32)}user1574ck4u7habc123`;
    stand.server.keys.set(older, stackConfirms(stand.clock.now()));
    expect(await stand.status(older)).toBe(200);
  });

  it('asks again about a key whose user or whose id was revoked here', async () => {
    const stand = await start({ revocation: true });
    const { app, clock, server } = stand;
    const key = confirm(stand);
    const issuer = `${server.url}/api/v1/projects/${server.projectId}`;
    const { json } = await app.call('/caller', { token: key });
    const { clientId } = json as { clientId: string };
    const revocation = app.nest.get(RevocationService);
    for (const revoke of [
      () => revocation.revokeUser({ issuer, userId }),
      () => revocation.revokeClient({ issuer, clientId }),
    ]) {
      server.calls.length = 0;
      clock.advanceSeconds(2);
      expect([await stand.status(key), server.calls]).toEqual([200, []]);
      await revoke();
      expect([await stand.status(key), server.calls]).toEqual([200, [check, read]]);
    }
  });

  it('answers 429 from the 31st refused key of a network on, and accepts good keys of it', async () => {
    const stand = await start();
    for (let at = 0; at < 30; at += 1) expect(await stand.status(stackKey())).toBe(401);
    const answer = await stand.app.call('/caller', { token: stackKey() });
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '300']);
    expect(await stand.status(confirm(stand))).toBe(200);
  });
});
