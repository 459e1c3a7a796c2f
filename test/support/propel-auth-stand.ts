import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { propelAuth } from '../../src/issuers/propel-auth/propel-auth.js';
import { ines, jonas } from '../vectors/propel-auth/users.js';
import { json, type Known, type ProfileStand, type StandAnswer } from './profile-stand.js';

export function propelAuthStand(): ProfileStand {
  const shownAs = (raw: typeof jonas | typeof ines, displayName: string | null): Known => ({
    id: raw.user_id,
    raw,
    profile: {
      displayName,
      primaryEmail: raw.email,
      primaryEmailVerified: raw.email_confirmed,
      profileImageUrl: raw.picture_url,
      signedUpAt: new Date(raw.created_at * 1_000),
      lastActiveAt: new Date(raw.last_active_at * 1_000),
      hasPassword: raw.has_password,
      isAnonymous: false,
      oauthProviders: null,
    },
  });
  const users = [jonas, ines];
  const answer = async (request: IncomingMessage): Promise<StandAnswer> => {
    if (request.headers.authorization !== 'Bearer backend-key') return { status: 401, headers: {}, body: '' };
    if (request.headers['x-propelauth-url'] !== 'auth.lumenworks.example')
      return { status: 400, headers: {}, body: '' };
    if (request.url === '/api/backend/v1/user/user_ids') {
      const { user_ids: ids } = JSON.parse(await text(request)) as { user_ids: string[] };
      return { status: 200, headers: json, body: users.filter((user) => ids.includes(user.user_id)) };
    }
    const found = users.find((user) => request.url === `/api/backend/v1/user/${user.user_id}`);
    return found === undefined ? { status: 404, headers: {}, body: '' } : { status: 200, headers: json, body: found };
  };
  return {
    name: 'PropelAuth',
    provide: (apiUrl) => propelAuth({ authUrl: 'https://auth.lumenworks.example:8443', apiKey: 'backend-key', apiUrl }),
    token: 'a.token.of-jonas',
    claims: { user_id: jonas.user_id },
    caller: shownAs(jonas, 'Jonas Okafor'),
    answer,
    gone: { status: 404, headers: { 'content-type': 'text/plain' }, body: 'Not found' },
    idMember: 'user_id',
    impossible: [
      ['email', undefined],
      ['email', 7],
      ['email_confirmed', undefined],
      ['has_password', 'yes'],
      ['username', 7],
      ['first_name', []],
      ['last_name', {}],
      ['picture_url', true],
      ['locked', undefined],
      ['locked', 'false'],
      ['enabled', undefined],
      ['enabled', 1],
      ['created_at', '2026-11-22'],
      ['created_at', undefined],
      ['last_active_at', 1e300],
    ],
    callsToGet: [`GET /api/backend/v1/user/${jonas.user_id}`],
    secrets: ['backend-key', 'a.token.of-jonas'],
    others: {
      known: shownAs(ines, null),
      unknownId: '00000000-0000-4000-8000-000000000000',
      callsToFind: (id) => [`GET /api/backend/v1/user/${id}`],
      callsToGetMany: () => ['POST /api/backend/v1/user/user_ids'],
    },
  };
}
