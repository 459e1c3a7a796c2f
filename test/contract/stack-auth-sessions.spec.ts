/** Sign-in and sessions against what both recorded versions of Stack Auth have answered. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createCapability } from '../../src/upstream/auth-context.js';
import { HttpClient } from '../../src/upstream/http-client.js';
import { ProviderClients } from '../../src/upstream/provider-clients.js';
import { StackAuthSessionApi, stackAuthSessionApi } from '../../src/issuers/stack-auth/stack-auth-session-api.js';
import { errorOf } from '../support/outcome.js';
import { type StackAuthServer, startStackAuthSessions } from '../support/stack-auth-server.js';
import { readRecordedExchange, readRecordedTokens, type StackAuthVersion } from '../vectors/stack-auth/recorded.js';

interface Recorded {
  readonly refresh_token: string;
  readonly user_id: string;
}

describe.each<StackAuthVersion>(['2.8.86', '2.8.37'])('sign-in and sessions of Stack Auth %s', (version) => {
  const tokens = readRecordedTokens(version);
  const exchange = (name: string) => readRecordedExchange(name, version);
  const sent = (name: string) => exchange(name).request;
  const answered = (name: string) => exchange(name).response.body as Recorded;
  const credentials = sent('password-sign-in').body as { email: string; password: string };
  let server: StackAuthServer;

  beforeEach(async () => {
    server = await startStackAuthSessions(version);
  });

  function open(access: 'client' | 'server'): StackAuthSessionApi {
    const clock = { now: () => new Date('2026-11-22T10:39:00Z') };
    const project = {
      baseUrl: server.url,
      projectId: sent('password-sign-in').headers['x-stack-project-id'] ?? '',
      secretServerKey: access === 'server' ? 'ssk_sample_1' : null,
      publishableClientKey: 'pck_sample_1',
      allowAnonymous: false,
      allowRestricted: false,
    };
    const clients = new ProviderClients({ clock });
    const context = { clock, upstream: new HttpClient({}), providerClient: clients.get, report: () => undefined };
    const api = createCapability(stackAuthSessionApi(project), context);
    if (!(api instanceof StackAuthSessionApi)) throw new Error('The capability is missing');
    return api;
  }

  it('signs in and up, and says whose tokens they are', async () => {
    const api = open('client');
    expect(await api.signIn('/auth/password/sign-in', { json: credentials })).toMatchObject({
      accessToken: tokens['password-sign-in'],
      refreshToken: answered('password-sign-in').refresh_token,
      userId: answered('password-sign-in').user_id,
      isNewUser: false,
    });
    const { userId } = await api.signIn('/auth/password/sign-up', { json: credentials });
    expect(userId).toBe(answered('password-sign-up').user_id);
    const guest = await api.signIn('/auth/anonymous/sign-up', {});
    expect(guest.userId).toBe(answered('anonymous-sign-up').user_id);
    const wrong = sent('password-sign-in-wrong-password').body as typeof credentials;
    expect(await errorOf(api.signIn('/auth/password/sign-in', { json: wrong }))).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
  });

  it('refreshes with the same refresh token, for guests as well', async () => {
    const api = open('client');
    for (const name of ['session-refresh', 'session-refresh-anonymous', 'session-refresh-after-expiry']) {
      const refreshToken = sent(name).headers['x-stack-refresh-token'] ?? '';
      expect(await api.refresh(refreshToken)).toMatchObject({ accessToken: tokens[name], refreshToken });
    }
    const byServer = sent('session-refresh-server').headers['x-stack-refresh-token'] ?? '';
    expect((await open('server').refresh(byServer)).accessToken).toBe(tokens['session-refresh-server']);
    for (const name of ['session-refresh-invalid', 'session-refresh-after-sign-out']) {
      const ended = sent(name).headers['x-stack-refresh-token'] ?? '';
      expect(await errorOf(api.refresh(ended)), name).toMatchObject({ code: 'INVALID_TOKEN', reason: 'revoked' });
    }
  });

  it('ends a session, and is content where it has ended', async () => {
    const api = open('client');
    await api.end(tokens['password-sign-in'] ?? '');
    await api.end(tokens['anonymous-sign-up'] ?? '');
    const gone = { status: 200, headers: { 'content-type': 'application/json' }, body: { items: [] } };
    server.replies.set('GET /auth/sessions?user_id=me', gone);
    await api.end(tokens['password-sign-in'] ?? '');
    const expired = tokens['from-session-refresh-while-access-token-expired'] ?? '';
    expect(await errorOf(api.end(expired))).toMatchObject({ code: 'INVALID_TOKEN', reason: 'expired' });
  });

  it('lists and creates sessions', async () => {
    const rows = await open('client').list({ accessToken: tokens['password-sign-up'] ?? '' });
    expect(rows).toHaveLength(2);
    const { user_id: userId } = sent('session-create-server').body as { user_id: string };
    const api = open('server');
    expect(await api.list({ userId: answered('password-sign-up').user_id })).toHaveLength(2);
    expect(await api.create(userId, { expires_in_millis: 3_600_000 })).toMatchObject({ userId });
  });
});
