import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import Provider from 'oidc-provider';
import { host } from '../settings.js';
import { MemoryStore } from './memory-store.js';
import { providerConfiguration } from './provider-configuration.js';
import { SignInScreens } from './sign-in-screens.js';
import { createSigningKey, type SigningKey } from './signing-key.js';
import { answerUserinfo } from './userinfo.js';

export interface ProviderState {
  /** The signing key, which is the only published one. */
  readonly keyId: string;
  readonly keySince: string;
  readonly keyServer: 'answering' | 'down';
  /** The number of requests for the key set, which all come from the guard. */
  readonly keySetRequests: number;
  /** The number of profile requests. */
  readonly profileRequests: number;
}

/**
 * A certified OpenID provider (oidc-provider) on its own port, with two switches that no real one offers: its keys can
 * be rotated at any moment, and its key server can be taken down.
 */
export class DemoProvider {
  readonly startedAt = new Date().toISOString();
  private readonly store = new MemoryStore();
  private readonly screens: SignInScreens;
  private readonly server: Server;
  private provider: Provider;
  private handle: RequestListener;
  private key = createSigningKey();
  private keySince = new Date();
  private answering = true;
  private keySetRequests = 0;
  private profileRequests = 0;

  static async start({ port, pageUrl }: { port: number; pageUrl: string }): Promise<DemoProvider> {
    const demo = new DemoProvider(`http://${host}:${port}`, pageUrl);
    demo.server.listen(port, host);
    await once(demo.server, 'listening');
    return demo;
  }

  private constructor(
    readonly issuer: string,
    private readonly pageUrl: string,
  ) {
    this.screens = new SignInScreens(() => this.provider, pageUrl);
    this.provider = this.buildProvider();
    this.handle = this.provider.callback();
    this.server = createServer((request, response) => void this.answer(request, response));
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

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    if (this.server.listening) await once(this.server, 'close');
  }

  private buildProvider(): Provider {
    const { pageUrl, store } = this;
    return new Provider(this.issuer, providerConfiguration({ pageUrl, store, signingKey: this.key }));
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
