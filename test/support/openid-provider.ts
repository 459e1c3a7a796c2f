/** A certified OpenID provider (oidc-provider) in this process, on a free port, with users who sign in by name. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import Provider, { type Adapter, type Interaction, type StoredModel } from 'oidc-provider';
import { endAfterwards } from './app.js';

interface OpenIdClient {
  readonly clientId: string;
  readonly redirectUri: string;
}

export interface OpenIdProvider {
  /** The exact `iss` of its tokens. */
  readonly issuer: string;
  /** The one registered client: a public one that uses PKCE. */
  readonly client: OpenIdClient;
  /** Replaces the signing key. Codes and sessions stay. */
  rotateKeys(): void;
  /** Sends a logout token to the client, as at the end of the session `sid` (OpenID Connect Back-Channel Logout 1.0). */
  logOut(clientId: string, sub: string, sid: string): Promise<void>;
}

/** The part of a registered client that the declarations of the package leave out. */
interface RegisteredClients {
  readonly Client: { find(id: string): Promise<{ backchannelLogout(sub: string, sid: string): Promise<void> }> };
}

/** An API that may call introspection. Its credentials contain characters that must be encoded. */
export const askingApi = { clientId: 'cats api', clientSecret: '100% + secret: &=/' };

const client: OpenIdClient = { clientId: 'cat-page', redirectUri: 'http://127.0.0.1:9/signed-in' };

/** A client without a user. */
export const machine = { clientId: 'cat-feeder', clientSecret: 'a secret of the cat feeder' };

export interface OpenIdProviderParts {
  /** Whether proofs at its endpoints have to contain its nonces (RFC 9449 §8). @defaultValue false */
  readonly requireNonce?: boolean;
}

/** Starts a provider that issues access tokens for these APIs (resource indicators, RFC 8707) and stops after the file. */
export async function startOpenIdProvider(
  apis: readonly string[],
  clients: readonly object[] = [],
  { requireNonce = false }: OpenIdProviderParts = {},
): Promise<OpenIdProvider> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const configuration = configurationOf(apis, clients, requireNonce);
  const open = (): Provider => new Provider(issuer, { ...configuration, jwks: { keys: [newSigningKey()] } });
  let provider = open();
  let protocol: RequestListener = provider.callback();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/interaction/') === true) {
      // An error here is a mistake in this file; without this line the user agent would wait forever.
      interact(provider, request, response).catch((error: unknown) => response.destroy(error as Error));
    } else protocol(request, response);
  });
  endAfterwards(async () => {
    server.close();
    server.closeAllConnections();
  });
  const rotateKeys = (): void => {
    provider = open();
    protocol = provider.callback();
  };
  const logOut = async (clientId: string, sub: string, sid: string): Promise<void> =>
    (await (provider as unknown as RegisteredClients).Client.find(clientId)).backchannelLogout(sub, sid);
  return { issuer, client, rotateKeys, logOut };
}

function configurationOf(
  apis: readonly string[],
  clients: readonly object[],
  requireNonce: boolean,
): Record<string, unknown> {
  return {
    adapter: createStore(),
    // Its own `fetch` refuses to call this machine.
    fetch: (url: string, { method, headers, body, redirect }: Required<RequestInit>) =>
      fetch(url, { method, headers, body, redirect }),
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clients: [
      {
        client_id: client.clientId,
        token_endpoint_auth_method: 'none',
        redirect_uris: [client.redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        id_token_signed_response_alg: 'ES256',
      },
      {
        client_id: askingApi.clientId,
        client_secret: askingApi.clientSecret,
        token_endpoint_auth_method: 'client_secret_basic',
        redirect_uris: [],
        response_types: [],
        grant_types: [],
        id_token_signed_response_alg: 'ES256',
      },
      ...clients,
      {
        client_id: machine.clientId,
        client_secret: machine.clientSecret,
        token_endpoint_auth_method: 'client_secret_basic',
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name', 'picture'], email: ['email', 'email_verified'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, ...aboutPerson(id) }),
    }),
    interactions: { url: (_context: unknown, { uid }: Interaction) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => requireNonce },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context: unknown, resource: string) => {
          if (!apis.includes(resource)) throw new Error('The provider does not know this API');
          return {
            audience: resource,
            scope: 'cats:read cats:write',
            // An API whose address contains `opaque` gets opaque tokens.
            accessTokenFormat: resource.includes('opaque') ? 'opaque' : 'jwt',
            accessTokenTTL: 300,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    ttl: { AccessToken: 300, ClientCredentials: 300, IdToken: 300, Session: 3_600, Grant: 3_600, Interaction: 600 },
  };
}

/** The claims of a user at the userinfo endpoint. */
export function aboutPerson(name: string) {
  return {
    name: `${name.charAt(0).toUpperCase()}${name.slice(1)} Example`,
    picture: `https://img.example/${name}.png`,
    email: `${name}@example.com`,
    email_verified: true,
  };
}

/** Stores sessions, codes and grants. The provider requires one adapter per model. */
function createStore(): (model: string) => Adapter {
  const entries = new Map<string, StoredModel>();
  return (model) => ({
    upsert: async (id, payload) => void entries.set(`${model}:${id}`, payload),
    find: async (id) => entries.get(`${model}:${id}`),
    findByUid: async (uid) =>
      [...entries].find(([key, payload]) => key.startsWith(`${model}:`) && payload['uid'] === uid)?.[1],
    findByUserCode: async () => undefined,
    consume: async (id) => void Object.assign(entries.get(`${model}:${id}`) ?? {}, { consumed: true }),
    destroy: async (id) => void entries.delete(`${model}:${id}`),
    revokeByGrantId: async () => undefined,
  });
}

function newSigningKey(): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    ...privateKey.export({ format: 'jwk' }),
    kid: `provider-key-${randomBytes(3).toString('hex')}`,
    use: 'sig',
    alg: 'ES256',
  };
}

/** The provider's page: GET shows the prompt (`login` or `consent`), POST answers it with the user's name. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const interaction = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.end(interaction.prompt.name);
    return;
  }
  const accountId = new URLSearchParams(await text(request)).get('name') ?? '';
  const result =
    interaction.prompt.name === 'login'
      ? { login: { accountId } }
      : { consent: { grantId: await grantAll(provider, interaction) } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

async function grantAll({ Grant }: Provider, { params, prompt, session }: Interaction): Promise<string> {
  const grant = new Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) });
  const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details;
  grant.addOIDCScope(missingOIDCScope.join(' '));
  for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return grant.save();
}
