import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type LoginProvider, openIdProvider } from 'nest-gatehouse/login';
import Provider from 'oidc-provider';
import { LocalServer } from './local-server.js';
import { MemoryStore } from './memory-store.js';
import { clientId, clientSecret, loginId, offeredScopes, providerConfiguration } from './provider-configuration.js';
import { SignInScreens } from './sign-in-screens.js';
import { createSigningKey, type SigningKey } from './signing-key.js';
import { answerUserinfo } from './userinfo.js';

export interface DemoProviderOptions {
  readonly port: number;
  readonly pageUrl: string;
  /** A resource that clients find by themselves, as those of MCP do. They may register themselves then. */
  readonly resource?: string;
}

export interface ProviderState {
  /** The signing key, which is the only published one. */
  readonly keyId: string;
  readonly keySince: string;
  readonly keyServer: 'answering' | 'down';
  /** The number of requests for the key set, which all come from the app. */
  readonly keySetRequests: number;
  /** The number of profile requests. */
  readonly profileRequests: number;
}

/**
 * A certified OpenID provider (oidc-provider) on its own port, with two switches that no real one offers: its keys can
 * be rotated at any moment, and its key server can be taken down.
 */
export class DemoProvider {
  readonly issuer: string;
  /** What the app is configured with to sign people in here. */
  readonly loginProvider: LoginProvider;
  readonly startedAt = new Date();
  private readonly store = new MemoryStore();
  private readonly screens: SignInScreens;
  private provider: Provider;
  private handle: RequestListener;
  private key = createSigningKey();
  private keySince = new Date();
  private answering = true;
  private keySetRequests = 0;
  private profileRequests = 0;

  static async start({ port, pageUrl, resource }: DemoProviderOptions): Promise<DemoProvider> {
    return new DemoProvider(await LocalServer.start(port), pageUrl, resource);
  }

  private constructor(
    private readonly server: LocalServer,
    private readonly pageUrl: string,
    private readonly resource: string | undefined,
  ) {
    this.issuer = server.origin;
    const client = { clientId, clientSecret, scopes: offeredScopes };
    this.loginProvider = openIdProvider({ id: loginId, issuer: this.issuer, ...client, trustEmail: true });
    this.screens = new SignInScreens(() => this.provider, pageUrl);
    this.provider = this.buildProvider();
    this.handle = this.provider.callback();
    server.answerBy((request, response) => this.answer(request, response));
  }

  get signingKey(): SigningKey {
    return this.key;
  }

  state(): ProviderState {
    return {
      keyId: this.key.id,
      keySince: this.keySince.toISOString(),
      keyServer: this.answering ? 'answering' : 'down',
      keySetRequests: this.keySetRequests,
      profileRequests: this.profileRequests,
    };
  }

  /**
   * Signs with a new key from now on and no longer publishes the old one, as a provider does after a key has leaked.
   * oidc-provider reads its keys once, so a new Provider object replaces the old one at the same port.
   */
  rotateKeys(): void {
    this.key = createSigningKey();
    this.keySince = new Date();
    this.provider = this.buildProvider();
    this.handle = this.provider.callback();
  }

  /** Discovery and key set answer 503 while it is down. Signing in still works, as in a real outage of that service. */
  switchKeyServer(answering: boolean): void {
    this.answering = answering;
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  private buildProvider(): Provider {
    const { pageUrl, store, resource } = this;
    const parts = { pageUrl, store, signingKey: this.key, ...(resource !== undefined && { resource }) };
    return new Provider(this.issuer, providerConfiguration(parts));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', this.issuer).pathname;
    if (path === '/jwks') this.keySetRequests += 1;
    if (!this.answering && (path === '/jwks' || path.startsWith('/.well-known/'))) {
      response.writeHead(503, { 'Content-Type': 'text/plain' }).end('The key server is down.');
      return;
    }
    if (path === '/me') {
      this.profileRequests += 1;
      answerUserinfo(request, response, this.key);
      return;
    }
    if (await this.screens.answer(request, response, path)) return;
    this.handle(request, response);
  }
}
