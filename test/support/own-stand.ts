import { jwtIssuer } from '../../src/issuers/jwt-issuer.js';
import type { SourcedProfile } from '../../src/profiles/profile-source.js';
import { json, type Known, type ProfileStand } from './profile-stand.js';

/** Accounts of the app itself, behind its own server. */
export function ownStand(): ProfileStand {
  const accounts = ['u1', 'u2'].map((id) => ({ id, displayName: `Account ${id}`, primaryEmail: `${id}@example.com` }));
  const shownAs = (id: string): Known => ({
    id,
    raw: {},
    profile: {
      displayName: `Account ${id}`,
      primaryEmail: `${id}@example.com`,
      primaryEmailVerified: null,
      profileImageUrl: null,
      signedUpAt: null,
      lastActiveAt: null,
      hasPassword: null,
      isAnonymous: null,
      oauthProviders: null,
    },
  });
  const find = (id: string): string => `GET /accounts/${id}`;
  return {
    name: 'a source of the app',
    provide: (url) => {
      const ask = async (id: string): Promise<SourcedProfile | null> => {
        const answer = await fetch(`${url}/accounts/${id}`, { redirect: 'error' });
        if (answer.status === 404) return null;
        if (!answer.headers.get('content-type')?.includes('json')) throw new Error('It answers in text');
        return (await answer.json()) as SourcedProfile;
      };
      return jwtIssuer({
        issuer: 'own',
        audience: 'api',
        secret: 'a-secret-of-at-least-thirty-two-bytes',
        profiles: { get: ({ id }) => ask(id), find: ask },
      });
    },
    token: 'a.token.of-u1',
    claims: { sub: 'u1' },
    caller: shownAs('u1'),
    answer: ({ url }) => {
      const body = accounts.find(({ id }) => url === `/accounts/${id}`);
      return body === undefined ? { status: 404, headers: {}, body: '' } : { status: 200, headers: json, body };
    },
    gone: { status: 404, headers: {}, body: '' },
    idMember: 'id',
    impossible: [
      ['displayName', 7],
      ['primaryEmail', {}],
      ['signedUpAt', 'yesterday'],
      ['hasPassword', 'yes'],
      ['oauthProviders', [{ id: 'github' }]],
      ['raw', 'text'],
    ],
    callsToGet: [find('u1')],
    secrets: ['a.token.of-u1', 'a-secret-of-at-least-thirty-two-bytes'],
    others: {
      known: shownAs('u2'),
      unknownId: 'u3',
      callsToFind: (id) => [find(id)],
      callsToGetMany: (ids) => ids.map(find),
    },
  };
}
