/** Clients of OAuth that others have written, behind one interface: what each of them sends and reads is its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { ClientCredentials } from 'simple-oauth2';

export type AuthenticationMethod = 'client_secret_basic' | 'client_secret_post';

/** Where the app is, and the key that the client has. */
interface ClientSettings {
  readonly url: string;
  readonly id: string;
  readonly secret: string;
  readonly method: AuthenticationMethod;
}

interface ObtainedToken {
  readonly accessToken: string;
  /** As the client has read it. */
  readonly expiresIn: unknown;
  readonly scope: unknown;
}

/** What is called with a token: status and body. */
export type CallResult = readonly [status: number, json: unknown];

export interface OAuthClient {
  obtain(scope?: string): Promise<ObtainedToken>;
  call(token: string, path: string): Promise<CallResult>;
  revoke(token: string): Promise<void>;
  /** `null` where the client has no such function. */
  introspect: ((token: string) => Promise<object>) | null;
}

type Connect = (settings: ClientSettings) => Promise<OAuthClient>;

// Both names are marked as deprecated only so that they stand out: here is no TLS.
/* eslint-disable @typescript-eslint/no-deprecated */
const insecure = { [oauth.allowInsecureRequests]: true } as const;
const overHttp = [openid.allowInsecureRequests];
/* eslint-enable @typescript-eslint/no-deprecated */

const connectOpenidClient: Connect = async ({ url, id, secret, method }) => {
  const authentication =
    method === 'client_secret_basic' ? openid.ClientSecretBasic(secret) : openid.ClientSecretPost(secret);
  const server = await openid.discovery(new URL(url), id, undefined, authentication, {
    algorithm: 'oauth2',
    execute: overHttp,
  });
  return {
    obtain: async (scope) => {
      const answer = await openid.clientCredentialsGrant(server, scope === undefined ? {} : { scope });
      return { accessToken: answer.access_token, expiresIn: answer.expires_in, scope: answer.scope };
    },
    call: async (token, path) =>
      resultOf(await openid.fetchProtectedResource(server, token, new URL(path, url), 'GET')),
    revoke: (token) => openid.tokenRevocation(server, token),
    introspect: (token) => openid.tokenIntrospection(server, token),
  };
};

const connectOauth4webapi: Connect = async ({ url, id, secret, method }) => {
  const issuer = new URL(url);
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const client = { client_id: id };
  const authentication =
    method === 'client_secret_basic' ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
  return {
    obtain: async (scope) => {
      const parameters = new URLSearchParams(scope === undefined ? {} : { scope });
      const sent = oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, insecure);
      const answer = await oauth.processClientCredentialsResponse(server, client, await sent);
      return { accessToken: answer.access_token, expiresIn: answer.expires_in, scope: answer.scope };
    },
    call: async (token, path) =>
      resultOf(await oauth.protectedResourceRequest(token, 'GET', new URL(path, url), undefined, undefined, insecure)),
    revoke: async (token) => {
      const sent = oauth.revocationRequest(server, client, authentication, token, insecure);
      await oauth.processRevocationResponse(await sent);
    },
    introspect: async (token) => {
      const sent = oauth.introspectionRequest(server, client, authentication, token, insecure);
      return oauth.processIntrospectionResponse(server, client, await sent);
    },
  };
};

const connectSimpleOauth2: Connect = async ({ url, id, secret, method }) => {
  const client = new ClientCredentials({
    client: { id, secret },
    auth: { tokenHost: url, tokenPath: '/oauth/token', revokePath: '/oauth/revoke' },
    options: { authorizationMethod: method === 'client_secret_basic' ? 'header' : 'body' },
  });
  return {
    obtain: async (scope) => {
      const { token } = await client.getToken(scope === undefined ? {} : { scope });
      return { accessToken: String(token['access_token']), expiresIn: token['expires_in'], scope: token['scope'] };
    },
    call: (token, path) => callBearer(url, token, path),
    revoke: (token) => client.createToken({ access_token: token }).revoke('access_token'),
    introspect: null,
  };
};

const run = promisify(execFile);

/** Runs curl; the last line of what it prints is the status. */
async function curl(...args: readonly string[]): Promise<CallResult> {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--write-out', '\n%{http_code}', ...args]);
  const end = stdout.lastIndexOf('\n');
  const body = stdout.slice(0, end);
  return [Number(stdout.slice(end + 1)), body === '' ? null : (JSON.parse(body) as unknown)];
}

const connectCurl: Connect = async ({ url, id, secret, method }) => {
  const [, metadata] = await curl(`${url}/.well-known/oauth-authorization-server`);
  const addresses = metadata as Readonly<Record<string, string>>;
  const addressOf = (name: string): string => addresses[name] ?? '';
  const credentials =
    method === 'client_secret_basic'
      ? ['-u', `${id}:${secret}`]
      : ['-d', `client_id=${id}`, '-d', `client_secret=${secret}`];
  const post = async (address: string, ...parameters: readonly string[]): Promise<Record<string, unknown>> => {
    const [status, json] = await curl(...credentials, ...parameters.flatMap((each) => ['-d', each]), address);
    if (status !== 200) throw Object.assign(new Error(`curl got ${status}`), json);
    return json as Record<string, unknown>;
  };
  return {
    obtain: async (scope) => {
      const asked = scope === undefined ? [] : [`scope=${scope}`];
      const answer = await post(addressOf('token_endpoint'), 'grant_type=client_credentials', ...asked);
      return { accessToken: String(answer['access_token']), expiresIn: answer['expires_in'], scope: answer['scope'] };
    },
    call: (token, path) => curl('-H', `Authorization: Bearer ${token}`, new URL(path, url).href),
    revoke: async (token) => {
      await post(addressOf('revocation_endpoint'), `token=${token}`);
    },
    introspect: (token) => post(addressOf('introspection_endpoint'), `token=${token}`),
  };
};

/** `curl -u id:secret`, on a route of the app. */
export function curlAs(id: string, secret: string, address: string, ...args: readonly string[]): Promise<CallResult> {
  return curl('-u', `${id}:${secret}`, ...args, address);
}

async function resultOf(response: Response): Promise<CallResult> {
  return [response.status, await response.json()];
}

async function callBearer(url: string, token: string, path: string): Promise<CallResult> {
  return resultOf(await fetch(new URL(path, url), { headers: { authorization: `Bearer ${token}` } }));
}

export const oauthClients: readonly (readonly [name: string, Connect])[] = [
  ['openid-client', connectOpenidClient],
  ['oauth4webapi', connectOauth4webapi],
  ['simple-oauth2', connectSimpleOauth2],
  ['curl', connectCurl],
];

export const authenticationMethods: readonly AuthenticationMethod[] = ['client_secret_basic', 'client_secret_post'];

interface ClientError {
  readonly error?: unknown;
  /** oauth4webapi and openid-client: a response with a challenge, which they do not read. */
  readonly response?: Response;
  /** simple-oauth2: what its HTTP client has read. */
  readonly data?: { readonly payload?: { readonly error?: unknown } };
}

/** The error of RFC 6749 §5.2 that a client has received, wherever it keeps it. */
export async function oauthErrorOf(call: Promise<unknown>): Promise<unknown> {
  const thrown = await call.then(
    (result) => {
      throw new Error(`It succeeded: ${JSON.stringify(result)}`);
    },
    (error: unknown) => error as ClientError,
  );
  if (thrown.error !== undefined) return thrown.error;
  const body = thrown.data?.payload ?? ((await thrown.response?.json()) as { error?: unknown } | undefined);
  return body?.error;
}
