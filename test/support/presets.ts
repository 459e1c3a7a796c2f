/** Every preset with an issuer on this machine that takes the provider's place, for what all presets have in common. */
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import { auth0 } from '../../src/issuers/auth0.js';
import { betterAuth } from '../../src/issuers/better-auth.js';
import { clerk } from '../../src/issuers/clerk.js';
import { cloudflareAccess } from '../../src/issuers/cloudflare-access.js';
import { cognito } from '../../src/issuers/cognito.js';
import { entraId } from '../../src/issuers/entra-id.js';
import { firebase } from '../../src/issuers/firebase.js';
import { jwtIssuer } from '../../src/issuers/jwt-issuer.js';
import { keycloak } from '../../src/issuers/keycloak.js';
import { oidc } from '../../src/issuers/oidc.js';
import { propelAuth } from '../../src/issuers/propel-auth/propel-auth.js';
import { stackAuth } from '../../src/issuers/stack-auth/stack-auth.js';
import { supabase } from '../../src/issuers/supabase.js';
import type { TestIssuer } from '../../src/testing/test-issuer.js';
import type { ProviderName } from '../../src/user/auth-user.js';

/** The options of a preset for an issuer whose keys are at `at`, and the claims of its tokens. */
export interface Preset {
  readonly provider: ProviderName;
  readonly create: (options: never) => IdentityProvider;
  readonly algorithm: 'ES256' | 'EdDSA' | 'RS256';
  /** The minimum options. `api` is the address of the key of PropelAuth's project. */
  readonly options: (at: TestIssuer, api: string) => Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
  /** The claims that the issuer adds to its tokens. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The `iss` of its tokens. @defaultValue the address of the issuer */
  readonly issuer?: string;
  /** The path of the issuer's address. */
  readonly path?: string;
}

const projectId = 'c640df62';
const tenant = '5d0c1b2e-3f4a-4b6c-8d7e-9f0a1b2c3d4e';
const pool = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123';

export const presets: Readonly<Record<string, Preset>> = {
  stackAuth: {
    provider: 'stack-auth',
    create: stackAuth,
    algorithm: 'ES256',
    options: ({ url }) => ({ projectId, baseUrl: new URL(url).origin }),
    required: ['projectId'],
    claims: { aud: projectId },
    path: `/api/v1/projects/${projectId}`,
  },
  propelAuth: {
    provider: 'propel-auth',
    create: propelAuth,
    algorithm: 'RS256',
    options: ({ url }, api) => ({ authUrl: url, apiKey: 'key', apiUrl: api }),
    required: ['authUrl', 'apiKey'],
    claims: { user_id: 'test-user' },
  },
  oidc: {
    provider: 'oidc',
    create: oidc,
    algorithm: 'ES256',
    options: ({ url }) => ({ issuer: url, audience: 'api' }),
    required: ['issuer', 'audience'],
    claims: { aud: 'api' },
  },
  jwtIssuer: {
    provider: 'jwt',
    create: jwtIssuer,
    algorithm: 'ES256',
    options: ({ url, jwksUri }) => ({ issuer: url, audience: 'api', jwksUri }),
    required: ['issuer', 'audience'],
    claims: { aud: 'api' },
  },
  auth0: {
    provider: 'oidc',
    create: auth0,
    algorithm: 'RS256',
    options: ({ jwksUri }) => ({ domain: 'lumenworks.eu.auth0.com', audience: 'api', jwksUri }),
    required: ['domain', 'audience'],
    claims: { aud: 'api' },
    issuer: 'https://lumenworks.eu.auth0.com/',
  },
  keycloak: {
    provider: 'oidc',
    create: keycloak,
    algorithm: 'RS256',
    options: ({ url, jwksUri }) => ({ serverUrl: new URL(url).origin, realm: 'shop', audience: 'api', jwksUri }),
    required: ['serverUrl', 'realm', 'audience'],
    claims: { aud: 'api', typ: 'Bearer' },
    path: '/realms/shop',
  },
  clerk: {
    provider: 'oidc',
    create: clerk,
    algorithm: 'RS256',
    options: ({ url }) => ({ frontendApiUrl: url, authorizedParties: 'https://app.lumenworks.example' }),
    required: ['frontendApiUrl', 'authorizedParties'],
    claims: { azp: 'https://app.lumenworks.example' },
  },
  cognito: {
    provider: 'oidc',
    create: cognito,
    algorithm: 'RS256',
    options: ({ jwksUri }) => ({ userPoolId: 'eu-central-1_AbCdEf123', clientId: 'c1', jwksUri }),
    required: ['userPoolId', 'clientId'],
    claims: { token_use: 'access', client_id: 'c1' },
    issuer: pool,
  },
  supabase: {
    provider: 'oidc',
    create: supabase,
    algorithm: 'ES256',
    options: ({ url }) => ({ url: new URL(url).origin }),
    required: ['url'],
    claims: { aud: 'authenticated' },
    path: '/auth/v1',
  },
  firebase: {
    provider: 'oidc',
    create: firebase,
    algorithm: 'RS256',
    options: ({ jwksUri }) => ({ projectId: 'shop-4f1c2', jwksUri }),
    required: ['projectId'],
    claims: { aud: 'shop-4f1c2' },
    issuer: 'https://securetoken.google.com/shop-4f1c2',
  },
  entraId: {
    provider: 'oidc',
    create: entraId,
    algorithm: 'RS256',
    options: ({ jwksUri }) => ({ tenantId: tenant, audience: 'api', jwksUri }),
    required: ['tenantId', 'audience'],
    claims: { aud: 'api', azp: 'c1', scp: 'read', oid: 'test-user' },
    issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
  },
  cloudflareAccess: {
    provider: 'oidc',
    create: cloudflareAccess,
    algorithm: 'RS256',
    options: ({ jwksUri }) => ({ team: 'lumenworks', audience: 'api', jwksUri }),
    required: ['team', 'audience'],
    claims: { aud: 'api', type: 'app' },
    issuer: 'https://lumenworks.cloudflareaccess.com',
  },
  betterAuth: {
    provider: 'oidc',
    create: betterAuth,
    algorithm: 'EdDSA',
    options: ({ url, jwksUri }) => ({ baseUrl: url, audience: 'api', jwksUri }),
    required: ['baseUrl'],
    claims: { aud: 'api' },
  },
};
