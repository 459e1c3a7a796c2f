import { randomBytes } from 'node:crypto';
import type { Context } from 'oidc-provider';
import { apiAudience } from './api-audience.js';
import type { MemoryStore } from './memory-store.js';
import { claimsOf, people } from './people.js';
import { failureScreen, screenHeaders, signOutScreen } from './screen.js';
import type { SigningKey } from './signing-key.js';

export const clientId = 'playground-app';
export const clientSecret = randomBytes(32).toString('base64url');
/** What the provider is called in the routes of the app, and in the identities of its accounts. */
export const loginId = 'demo';
/** The lifetime is short, so that the page can show a token expiring. */
export const accessTokenSeconds = 300;
export const apiScopes = ['notes:read', 'notes:write'];
export const offeredScopes = ['openid', 'profile', 'email', ...apiScopes];

// One secret for the whole process, because sessions outlive a rotation of the signing keys.
const cookieKey = randomBytes(32).toString('base64url');

export interface ProviderParts {
  readonly pageUrl: string;
  readonly signingKey: SigningKey;
  readonly store: MemoryStore;
  /** A protected resource of the app that clients find by themselves (RFC 9728). They register themselves here (RFC 7591). */
  readonly resource?: string;
}

export function providerConfiguration({
  pageUrl,
  signingKey,
  store,
  resource,
}: ProviderParts): Record<string, unknown> {
  const headers = screenHeaders(pageUrl);
  const show = (ctx: Context, html: string): void => {
    for (const [name, value] of Object.entries(headers)) ctx.set(name, value);
    ctx.type = 'html';
    ctx.body = html;
  };

  return {
    adapter: store.adapterFor,
    jwks: { keys: [signingKey.privateJwk] },
    cookies: { keys: [cookieKey] },
    clients: [appClient(pageUrl)],
    // MCP clients register with the scopes that they ask for at first, and this provider would never give them more.
    extraClientMetadata: {
      properties: ['scope'],
      validator: (_ctx: unknown, _key: string, _value: unknown, metadata: { scope?: string }) => delete metadata.scope,
    },
    // The only kind of key that the provider has.
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    // The app keeps the tokens of its people, and replaces those that have expired.
    issueRefreshToken: (_ctx: Context, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    scopes: ['openid'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    findAccount: (_ctx: Context, id: string) => findAccount(id),
    extraTokenClaims: (_ctx: Context, token: { accountId: string }) => personClaims(token.accountId),
    interactions: { url: (_ctx: Context, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: resource !== undefined },
      resourceIndicators: resourceIndicators(resource),
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx: Context, form: string) => show(ctx, signOutScreen(form)),
      },
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      IdToken: accessTokenSeconds,
      RefreshToken: 86_400,
      Session: 86_400,
      Grant: 86_400,
      Interaction: 3_600,
    },
    renderError: (ctx: Context, problem: { error: string; error_description?: string }) =>
      show(ctx, failureScreen(problem.error, problem.error_description ?? '', pageUrl)),
  };
}

/** The Nest app, which the person's browser is sent back to. */
function appClient(pageUrl: string): Record<string, unknown> {
  return {
    client_id: clientId,
    client_name: 'Gatehouse playground',
    client_secret: clientSecret,
    redirect_uris: [`${pageUrl}/auth/callback/${loginId}`],
    post_logout_redirect_uris: [`${pageUrl}/`],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
  };
}

/** Access tokens for the API are JWTs with the API as their only audience, and those for the resource name the resource. */
function resourceIndicators(resource: string | undefined): Record<string, unknown> {
  return {
    enabled: true,
    defaultResource: () => apiAudience,
    useGrantedResource: () => true,
    getResourceServerInfo: (_ctx: Context, asked: string) => ({
      audience: asked === resource ? resource : apiAudience,
      scope: apiScopes.join(' '),
      accessTokenFormat: 'jwt',
      accessTokenTTL: accessTokenSeconds,
      jwt: { sign: { alg: 'ES256' } },
    }),
  };
}

function findAccount(id: string): unknown {
  const claims = personClaims(id);
  return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
}

function personClaims(id: string): Record<string, unknown> | undefined {
  const person = people.find((candidate) => candidate.id === id);
  return person && claimsOf(person);
}
