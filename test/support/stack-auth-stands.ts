import type { IncomingMessage } from 'node:http';
import { stackAuth } from '../../src/issuers/stack-auth/stack-auth.js';
import { readRecordedExchange, readRecordedTokens, type StackAuthVersion } from '../vectors/stack-auth/recorded.js';
import type { Known, Members, ProfileStand } from './profile-stand.js';
import { findRecorded } from './stack-auth-server.js';

/** A recorded user. */
function recordedUser(exchange: string, version: StackAuthVersion): Known {
  const raw = readRecordedExchange(exchange, version).response.body as Members;
  const lastActive = raw['last_active_at_millis'];
  return {
    id: String(raw['id']),
    raw,
    profile: {
      displayName: raw['display_name'] as string | null,
      primaryEmail: raw['primary_email'] as string | null,
      primaryEmailVerified: raw['primary_email_verified'] === true,
      profileImageUrl: null,
      signedUpAt: new Date(Number(raw['signed_up_at_millis'])),
      lastActiveAt: typeof lastActive === 'number' ? new Date(lastActive) : null,
      hasPassword: raw['has_password'] === true,
      isAnonymous: raw['is_anonymous'] === true,
      oauthProviders: [],
    },
  };
}

function stackStand(version: StackAuthVersion, access: 'client' | 'server') {
  const { request } = readRecordedExchange(`users-me-${access}`, version);
  const token = readRecordedTokens(version)['password-sign-up'] ?? '';
  return {
    name: `Stack Auth ${version}, ${access} access`,
    token,
    caller: recordedUser(`users-me-${access}`, version),
    projectId: request.headers['x-stack-project-id'] ?? '',
    answer: (asked: IncomingMessage) =>
      findRecorded(version, asked)?.response ?? { status: 418, headers: {}, body: '' },
    gone: readRecordedExchange(`users-me-${access}-deleted-user`, version).response,
    idMember: 'id',
    impossible: [
      ['display_name', undefined],
      ['display_name', 7],
      ['primary_email', {}],
      ['primary_email_verified', 'yes'],
      ['profile_image_url', false],
      ['signed_up_at_millis', '2026-11-22'],
      ['signed_up_at_millis', 1e300],
      ['last_active_at_millis', {}],
      ['has_password', null],
      ['is_anonymous', undefined],
      ['is_restricted', 'no'],
      ['oauth_providers', undefined],
      ['oauth_providers', {}],
      ['oauth_providers', [{ id: 'github' }], 'account_id'],
      ['oauth_providers', [{ id: 'github', account_id: '1', email: {} }], 'email'],
      ['oauth_providers', ['github'], 'oauth_providers'],
    ] as const,
    callsToGet: ['GET /api/v1/users/me'],
  };
}

export function stackAsServer(version: StackAuthVersion): ProfileStand {
  const { projectId, ...stand } = stackStand(version, 'server');
  const find = (id: string): string => `GET /api/v1/users/${id}`;
  return {
    ...stand,
    provide: (baseUrl) => stackAuth({ projectId, baseUrl, secretServerKey: 'ssk_sample_1' }),
    secrets: ['ssk_sample_1', stand.token],
    others: {
      known: recordedUser('users-read-server-anonymous', version),
      unknownId: readRecordedExchange('users-read-server-unknown', version).request.path.split('/').at(-1) ?? '',
      callsToFind: (id) => [find(id)],
      callsToGetMany: (ids) => ids.map(find),
    },
  };
}

export function stackAsClient(version: StackAuthVersion): ProfileStand {
  const { projectId, ...stand } = stackStand(version, 'client');
  return {
    ...stand,
    provide: (baseUrl) => stackAuth({ projectId, baseUrl, publishableClientKey: 'pck_sample_1' }),
    secrets: ['pck_sample_1', stand.token],
    others: { option: 'stackAuth({ secretServerKey })' },
  };
}
