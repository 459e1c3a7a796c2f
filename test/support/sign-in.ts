/** A user with a browser: it keeps cookies, follows redirects, and signs in at an OpenID provider. */
import { createHash, randomBytes } from 'node:crypto';
import type { OpenIdProvider } from './openid-provider.js';

export interface Tokens {
  readonly accessToken: string;
  /** Empty when the scope openid was not requested. */
  readonly idToken: string;
}

/**
 * Signs in by authorization code with PKCE (RFC 6749 §4.1, RFC 7636), as a page in a browser does.
 *
 * @param api the API that the token is for; `null` for a token for the provider's own endpoints
 */
export async function signIn(
  provider: OpenIdProvider,
  name: string,
  api: string | null,
  scope = 'openid cats:read',
): Promise<Tokens> {
  const { clientId, redirectUri } = provider.client;
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const authorize = new URL('/auth', provider.issuer);
  authorize.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    ...(api !== null && { resource: api }),
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString();

  const back = await signInAt(authorize, name, redirectUri);
  if (back.searchParams.get('state') !== state || !back.searchParams.has('code'))
    throw new Error(`the provider sent ${back.search}`);

  const answer = await fetch(new URL('/token', provider.issuer), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code: back.searchParams.get('code') ?? '',
      code_verifier: verifier,
    }),
  });
  const tokens = (await answer.json()) as { access_token?: string; id_token?: string };
  const { access_token: accessToken, id_token: idToken = scope.includes('openid') ? undefined : '' } = tokens;
  if (accessToken === undefined || idToken === undefined) {
    throw new Error(`the provider answered ${JSON.stringify(tokens)}`);
  }
  return { accessToken, idToken };
}

/** Signs in at a page of a provider, and returns the redirect URI with what the provider has added to it. */
export function signInAt(page: URL, name: string, redirectUri: string): Promise<URL> {
  return new Browser(name).guardContext(page, redirectUri);
}

const mostSteps = 12;

export class Browser {
  private readonly cookies = new Map<string, string>();

  constructor(private readonly name: string) {}

  /** Follows redirects, answers every page with the user's name, and returns the redirect URI with the code. */
  async guardContext(start: URL, end: string): Promise<URL> {
    let at = start;
    for (let step = 0; step < mostSteps; step += 1) {
      let answer = await this.load(at);
      if (answer.status === 200) {
        const posted = readPostedForm(await answer.text(), end);
        if (posted !== null) return posted;
        answer = await this.load(at, new URLSearchParams({ name: this.name }));
      }
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`${at.pathname} answered ${answer.status}: ${await answer.text()}`);
      at = new URL(location, at);
      if (at.href.startsWith(end)) return at;
    }
    throw new Error(`still on the way after ${mostSteps} steps, at ${at.pathname}`);
  }

  /** Signs out at the page of the provider (OpenID Connect RP-Initiated Logout 1.0), for all of its clients. */
  async signOut(issuer: string): Promise<void> {
    const asked = await this.load(new URL('/session/end', issuer));
    const [, action = '', xsrf = ''] =
      /action="([^"]+)"><input type="hidden" name="xsrf" value="([^"]+)"/.exec(await asked.text()) ?? [];
    const { status } = await this.load(new URL(action, issuer), new URLSearchParams({ xsrf, logout: 'yes' }));
    if (status !== 303) throw new Error(`The provider answered the end of the session with ${status}`);
  }

  private async load(url: URL, form?: URLSearchParams): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const init = form === undefined ? {} : { method: 'POST', body: form };
    const answer = await fetch(url, { ...init, headers: { cookie }, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }
}

/** The fields of a page that posts them to an address (`response_mode=form_post`), as parameters of it; `null` for another page. */
function readPostedForm(page: string, action: string): URL | null {
  if (!page.includes(`action="${action}"`)) return null;
  const posted = new URL(action);
  for (const [, name = '', value = ''] of page.matchAll(/name="([^"]*)" value="([^"]*)"/g)) {
    posted.searchParams.set(name, value);
  }
  return posted;
}
