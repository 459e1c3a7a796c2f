/** What the options of presets demand and allow, as an app's compiler sees it. */
import {
  acceptAnyAudience,
  auth0,
  betterAuth,
  clerk,
  cognito,
  entraId,
  firebase,
  type IdentityProvider,
  keycloak,
  type ProviderName,
  supabase,
} from 'nest-gatehouse';
import { describe, expectTypeOf, it } from 'vitest';

/** Never called: only its types are looked at. */
function presets(): readonly IdentityProvider[] {
  return [
    auth0({ domain: 'tenant.eu.auth0.com', audience: ['a', 'b'], algorithms: ['PS256'], rolesClaim: ['a', 'b'] }),
    keycloak({ serverUrl: 'https://id.example', realm: 'shop', audience: acceptAnyAudience, realmRoles: false }),
    clerk({ frontendApiUrl: 'https://clerk.example', authorizedParties: ['https://app.example'] }),
    clerk({ frontendApiUrl: 'https://clerk.example', audience: 'api' }),
    cognito({ userPoolId: 'eu-central-1_A', clientId: 'c', audience: 'https://api.example' }),
    supabase({ url: 'https://a.supabase.co', jwtSecret: new Uint8Array(32), allowAnonymous: true }),
    firebase({ projectId: 'shop', tenants: 'a', profiles: { get: (user) => ({ displayName: user.id }) } }),
    entraId({ tenantId: ['a'], audience: 'api', userId: 'sub', allowApplications: false }),
    betterAuth({ baseUrl: 'https://app.example', clockToleranceSeconds: 0, maxTokenAgeSeconds: 60 }),
  ];
}

function wrong(): readonly IdentityProvider[] {
  return [
    // @ts-expect-error: the audience is missing
    auth0({ domain: 'tenant.eu.auth0.com' }),
    // @ts-expect-error: Auth0 signs with nothing else that can be verified by a public key
    auth0({ domain: 'tenant.eu.auth0.com', audience: 'a', algorithms: ['HS256'] }),
    // @ts-expect-error: the realm is missing
    keycloak({ serverUrl: 'https://id.example', audience: 'api' }),
    // @ts-expect-error: the client is missing
    cognito({ userPoolId: 'eu-central-1_A' }),
    // @ts-expect-error: Clerk's algorithm is not a choice
    clerk({ frontendApiUrl: 'https://clerk.example', audience: 'api', algorithms: ['RS256'] }),
    // @ts-expect-error: the audience of a project is its own
    firebase({ projectId: 'shop', audience: 'api' }),
    // @ts-expect-error: no other claim names a user
    entraId({ tenantId: 'a', audience: 'api', userId: 'email' }),
    // @ts-expect-error: a secret is a text or bytes
    supabase({ url: 'https://a.supabase.co', jwtSecret: 7 }),
    // @ts-expect-error: an issuer is one name
    betterAuth({ baseUrl: 'https://app.example', issuer: ['a'] }),
  ];
}

describe('the presets', () => {
  it('give what issuers takes', () => {
    expectTypeOf(presets).returns.toExtend<readonly IdentityProvider[]>();
    expectTypeOf(wrong).returns.toExtend<readonly IdentityProvider[]>();
  });

  it('give users of one kind, whichever product signed the token', () => {
    expectTypeOf<ProviderName>().toEqualTypeOf<'stack-auth' | 'propel-auth' | 'oidc' | 'jwt' | 'own' | 'api-key'>();
  });
});
