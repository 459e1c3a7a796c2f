import { randomBytes } from 'node:crypto';
import type {
  OAuthClientInformationMixed,
  OAuthClientProvider,
  OAuthDiscoveryState,
  OAuthTokens,
} from '@modelcontextprotocol/client';

/**
 * What an MCP client asks its host for: a place for its registration and its tokens, and a browser with a person. This browser has no
 * window: it fills in the forms of the provider's pages by itself.
 */
export class Person implements OAuthClientProvider {
  readonly redirectUrl = 'http://127.0.0.1/signed-in';
  /** What the person was asked to allow, at each visit to the provider. */
  readonly askedScopes: string[] = [];
  private page: URL | undefined;
  private registered: OAuthClientInformationMixed | undefined;
  private granted: OAuthTokens | undefined;
  private discovered: OAuthDiscoveryState | undefined;
  private verifier = '';
  private sentState = '';
  private readonly cookies = new Map<string, string>();

  constructor(
    private readonly name: string,
    private readonly password: string,
  ) {}

  get clientMetadata() {
    return {
      client_name: 'Example client',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state(): string {
    return (this.sentState = randomBytes(16).toString('base64url'));
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.registered;
  }

  saveClientInformation(registered: OAuthClientInformationMixed): void {
    this.registered = registered;
  }

  tokens(): OAuthTokens | undefined {
    return this.granted;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.granted = tokens;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.discovered;
  }

  saveDiscoveryState(discovered: OAuthDiscoveryState): void {
    this.discovered = discovered;
  }

  codeVerifier(): string {
    return this.verifier;
  }

  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier;
  }

  redirectToAuthorization(page: URL): void {
    this.page = page;
    this.askedScopes.push(page.searchParams.get('scope') ?? '');
  }

  /** Signs in, allows what the client asks for, and returns what the provider adds to the redirect URI. */
  async signIn(): Promise<URLSearchParams> {
    if (this.page === undefined) throw new Error('the client has not opened a page of the provider');
    let at = this.page;
    for (let pages = 0; pages < 10; pages += 1) {
      let answer = await this.load(at);
      if (answer.status === 200) answer = await this.submitFirstForm(at, await answer.text());
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`the page ${at.pathname} answered ${answer.status}`);
      at = new URL(location, at);
      if (at.href.startsWith(this.redirectUrl)) return this.checked(at.searchParams);
    }
    throw new Error('the provider did not send the person back');
  }

  /** The one of the sign-in page wants a name and a password, that of the consent page nothing. */
  private submitFirstForm(at: URL, html: string): Promise<Response> {
    const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1];
    if (action === undefined) throw new Error(`the page ${at.pathname} has no form`);
    return this.load(new URL(action, at), new URLSearchParams({ name: this.name, password: this.password }));
  }

  private checked(back: URLSearchParams): URLSearchParams {
    if (back.get('state') !== this.sentState) throw new Error('the answer belongs to another sign-in');
    return back;
  }

  private async load(page: URL, form?: URLSearchParams): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = form === undefined ? {} : { method: 'POST', body: form };
    const answer = await fetch(page, { ...sent, headers: { cookie }, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(name, value);
    }
    return answer;
  }
}
