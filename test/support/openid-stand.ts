import { oidc } from '../../src/issuers/oidc.js';
import { json, type ProfileStand } from './profile-stand.js';

export function openIdStand(): ProfileStand {
  const raw = {
    sub: 'alice',
    name: 'Alice Example',
    given_name: 'Alice',
    family_name: 'Example',
    preferred_username: 'alice.e',
    picture: 'https://img.example/alice.png',
    email: 'alice@example.com',
    email_verified: true,
    updated_at: 1_790_000_000,
  };
  const token = 'a.token.of-alice';
  const refused = { 'www-authenticate': 'Bearer realm="x", error="invalid_token", error_description="revoked"' };
  const gone = { status: 401, headers: { ...refused, 'content-type': 'text/plain' }, body: 'Unauthorized' };
  return {
    name: 'OpenID Connect',
    provide: (issuer) => oidc({ issuer, audience: 'api' }),
    token,
    claims: { sub: 'alice' },
    caller: {
      id: 'alice',
      raw,
      profile: {
        displayName: 'Alice Example',
        primaryEmail: 'alice@example.com',
        primaryEmailVerified: true,
        profileImageUrl: 'https://img.example/alice.png',
        signedUpAt: null,
        lastActiveAt: null,
        hasPassword: null,
        isAnonymous: null,
        oauthProviders: null,
      },
    },
    answer: ({ url, headers }) => {
      const issuer = `http://${String(headers.host)}`;
      if (url === '/.well-known/openid-configuration') {
        const body = { issuer, jwks_uri: `${issuer}/keys`, userinfo_endpoint: `${issuer}/userinfo` };
        return { status: 200, headers: json, body };
      }
      return headers.authorization === `Bearer ${token}` ? { status: 200, headers: json, body: raw } : gone;
    },
    gone,
    idMember: 'sub',
    impossible: [
      ['sub', undefined],
      ['sub', ''],
      ['name', 7],
      ['given_name', {}],
      ['family_name', []],
      ['preferred_username', 7],
      ['picture', true],
      ['email', {}],
      ['email_verified', 'maybe'],
    ],
    callsToGet: ['GET /.well-known/openid-configuration', 'GET /userinfo'],
    secrets: [token],
    others: { option: 'oidc' },
  };
}
