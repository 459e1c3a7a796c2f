/** A provider on this machine that answers a login as a test states it, with tokens that real keys sign. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createHash } from 'node:crypto';
import { afterAll } from 'vitest';
import type { Clock } from '../../src/clock/clock.js';
import type { LoginProvider } from '../../src/login/login-provider.js';
import { type OpenedProvider, openProvider } from '../../src/login/open-provider.js';
import type { AuthEvent } from '../../src/telemetry/auth-event.js';
import { compactJws, createSigningKey, type SigningKey, type TestAlgorithm } from '../../src/testing/signing-key.js';
import { HttpClient } from '../../src/upstream/http-client.js';
import { ProviderClients } from '../../src/upstream/provider-clients.js';
import { ManualClock } from './manual-clock.js';

/** A request that reached the provider. */
interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The fields of a posted form. */
  readonly form: Readonly<Record<string, string>>;
}

/** A body that is a text is sent as it is. */
export interface LoginReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

type Replies = Record<string, LoginReply | ((call: SeenCall) => LoginReply)>;

/** What a token says; a member that is `undefined` is left out. */
interface SignedParts {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly by?: SigningKey;
}

/** What one login is exchanged with. */
export const login = {
  code: 'the-code',
  redirectUri: 'https://api.example.com/auth/callback/x',
  nonce: 'the-nonce',
  codeVerifier: 'the-verifier-with-more-than-forty-three-characters',
};

export const registration = { clientId: 'cat-app', clientSecret: 'a:secret/with +signs&' };

const json = { 'content-type': 'application/json' };

export class ProviderStand {
  readonly calls: SeenCall[] = [];
  /** What each path answers. */
  readonly replies: Replies = {};
  readonly accessToken = 'an-access-token';

  private constructor(
    readonly url: string,
    private key: SigningKey,
    readonly clock: ManualClock,
  ) {
    this.replies['/.well-known/openid-configuration'] = () => ({ body: this.metadata() });
    this.replies['/keys'] = () => ({ body: { keys: [this.key.publicKey] } });
    this.replies['/token'] = () => ({ body: this.tokens() });
    this.replies['/userinfo'] = { body: { sub: 'alice', name: 'Alice Example', email: 'alice@example.com' } };
  }

  static async start(algorithm: TestAlgorithm = 'RS256'): Promise<ProviderStand> {
    const server = createServer((request, response) => {
      // A failure here is a mistake in this file; without this line its client would wait.
      stand.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const stand: ProviderStand = new ProviderStand(url, await createSigningKey(algorithm), new ManualClock());
    return stand;
  }

  metadata(more: object = {}): object {
    return {
      issuer: this.url,
      jwks_uri: `${this.url}/keys`,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      userinfo_endpoint: `${this.url}/userinfo`,
      ...more,
    };
  }

  /** The answer of the token endpoint, with an ID token that says these claims. */
  tokens(parts: SignedParts = {}, more: object = {}): object {
    const idToken = this.idToken(parts);
    return { access_token: this.accessToken, token_type: 'Bearer', expires_in: 3600, id_token: idToken, ...more };
  }

  idToken({ claims = {}, header = {}, by = this.key }: SignedParts = {}): string {
    const now = Math.floor(this.clock.now().getTime() / 1_000);
    const usual = {
      iss: this.url,
      sub: 'alice',
      aud: registration.clientId,
      iat: now,
      exp: now + 300,
      nonce: login.nonce,
      email: 'alice@example.com',
      email_verified: true,
      name: 'Alice Example',
    };
    return compactJws(by, { alg: by.algorithm, kid: this.key.kid, ...header }, { ...usual, ...claims });
  }

  logoutToken({ claims = {}, ...parts }: SignedParts = {}): string {
    const own = {
      nonce: undefined,
      email: undefined,
      email_verified: undefined,
      name: undefined,
      sid: 'session-1',
      jti: 'logout-1',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    };
    return this.idToken({ ...parts, claims: { ...own, ...claims } });
  }

  async rotateKeys(): Promise<void> {
    this.key = await createSigningKey(this.key.algorithm);
  }

  callsTo(path: string): readonly SeenCall[] {
    return this.calls.filter((call) => call.path.split('?')[0] === path);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    const call = { method, path, headers, form };
    this.calls.push(call);
    const reply = this.replies[path.split('?')[0] ?? ''] ?? { status: 404, headers: {}, body: 'Not found' };
    const { status = 200, headers: sent = json, body = {} } = typeof reply === 'function' ? reply(call) : reply;
    response.writeHead(status, sent).end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

export interface OpenedLogin {
  readonly client: OpenedProvider;
  readonly events: readonly AuthEvent[];
}

const opened: { end(): Promise<void> }[] = [];

/** The client of a provider, with the services as the module creates them, without Nest. */
export function openLogin(provider: LoginProvider, { clock }: { readonly clock: Clock }): OpenedLogin {
  const events: AuthEvent[] = [];
  const clients = new ProviderClients({ clock });
  const client = openProvider(provider, {
    clock,
    upstream: new HttpClient(),
    providerClient: clients.get,
    report: (event) => events.push(event),
  });
  opened.push({
    end: async () => {
      client.close();
      await clients.onApplicationShutdown();
    },
  });
  return { client, events };
}

/** The left half of the SHA-256 of a token, as `at_hash` has it. */
export function halfHash(token: string): string {
  return createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');
}

afterAll(async () => {
  await Promise.all(opened.splice(0).map(({ end }) => end()));
});
