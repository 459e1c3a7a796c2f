/** A stand-in for GitHub on loopback: its endpoints, and what is peculiar about them, and a person who has an account there. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { AccountsModuleOptions } from 'nest-gatehouse/accounts';
import { github, type GitHubOptions, LoginModule, type LoginModuleOptions } from 'nest-gatehouse/login';
import { type AccountApp, startAccountApp } from './account-app.js';
import { endAfterwards, type Platform } from './app.js';
import type { Answer } from './http.js';
import { pathOf } from './login-app.js';
import type { SessionAppParts, SessionClient } from './session-app.js';

interface GitHubUser {
  readonly id: number;
  readonly login: string;
  readonly [field: string]: unknown;
}

interface GitHubEmail {
  readonly email: string;
  readonly primary: boolean;
  readonly verified: boolean;
  readonly visibility: string | null;
}

/** An account at GitHub. */
export interface GitHubAccount {
  readonly user: GitHubUser;
  readonly emails: readonly GitHubEmail[];
}

/** In place of an answer; `'silence'`: there is none. */
type Reply = { readonly status: number; readonly type: string; readonly body: string } | 'silence';

interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly form: URLSearchParams;
}

export const githubClient = { clientId: 'Iv1.a1b2c3', clientSecret: 'a secret of GitHub' };

/** Somebody who has filled in nothing at GitHub but what it demands. */
export function accountOf(id: number, login: string, email = `${login}@example.com`): GitHubAccount {
  const empty = { name: null, email: null, company: null, blog: null, location: null, bio: null, hireable: null };
  return {
    user: { id, login, type: 'User', ...empty },
    emails: [{ email, primary: true, verified: true, visibility: null }],
  };
}

export class GitHubStand {
  /** Who sits in front of the browser; `null` declines. */
  account: GitHubAccount | null = accountOf(583231, 'octocat');
  /** By path, in place of the usual answer. */
  readonly replies = new Map<string, Reply>();
  readonly calls: SeenCall[] = [];
  /** The addresses that browsers were sent to. */
  readonly authorizations: URL[] = [];
  private readonly codes = new Map<string, { readonly query: URLSearchParams; readonly account: GitHubAccount }>();
  private readonly tokens = new Map<string, GitHubAccount>();

  private constructor(readonly url: string) {}

  static async start(): Promise<GitHubStand> {
    const server = createServer((request, response) => {
      stand.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stand = new GitHubStand(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    endAfterwards(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return stand;
  }

  /** What a browser does at GitHub: the address that it is sent back to. */
  authorize(url: string): URL {
    const address = new URL(url);
    if (address.origin + address.pathname !== `${this.url}/login/oauth/authorize`)
      throw new Error(`The browser was sent to ${url}`);
    this.authorizations.push(address);
    const query = address.searchParams;
    const back = new URL(query.get('redirect_uri') ?? '');
    back.searchParams.set('state', query.get('state') ?? '');
    // RFC 9207: since April 2026, on errors as well.
    back.searchParams.set('iss', `${this.url}/login/oauth`);
    if (this.account === null) {
      back.searchParams.set('error', 'access_denied');
      back.searchParams.set('error_description', 'The user has denied your application access.');
      return back;
    }
    const code = randomBytes(10).toString('hex');
    this.codes.set(code, { query, account: this.account });
    back.searchParams.set('code', code);
    return back;
  }

  callsTo(path: string): readonly SeenCall[] {
    return this.calls.filter((call) => call.path.split('?')[0] === path);
  }

  /** The exchanges of codes. */
  get exchanges(): readonly SeenCall[] {
    return this.callsTo('/login/oauth/access_token');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const call = { method, path, headers, form: new URLSearchParams(await text(request)) };
    this.calls.push(call);
    const [place = ''] = path.split('?');
    const reply = this.replies.get(place) ?? this.usualReply(place, call);
    if (reply === 'silence') return;
    response.writeHead(reply.status, { 'content-type': reply.type }).end(reply.body);
  }

  private usualReply(place: string, call: SeenCall): Reply {
    if (place === '/login/oauth/access_token') {
      const answer = this.redeem(call.form);
      if (call.headers.accept?.includes('application/json') === true) return asJson(200, answer);
      return formAnswer(answer);
    }
    if (call.headers['user-agent'] === undefined) return asJson(403, { message: 'Request forbidden' });
    const account = this.tokens.get((call.headers.authorization ?? '').replace('Bearer ', ''));
    if (account === undefined) return asJson(401, { message: 'Bad credentials' });
    if (place === '/api/v3/user') return asJson(200, account.user);
    if (place === '/api/v3/user/emails') return asJson(200, account.emails);
    return asJson(404, { message: 'Not Found' });
  }

  /** GitHub states errors with status 200. */
  private redeem(form: URLSearchParams): Readonly<Record<string, string>> {
    if (form.get('client_id') !== githubClient.clientId || form.get('client_secret') !== githubClient.clientSecret)
      return { error: 'incorrect_client_credentials' };
    const code = form.get('code') ?? '';
    const issued = this.codes.get(code);
    this.codes.delete(code);
    if (issued === undefined) return { error: 'bad_verification_code' };
    const { query, account } = issued;
    if (form.get('redirect_uri') !== query.get('redirect_uri')) return { error: 'redirect_uri_mismatch' };
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== query.get('code_challenge')) return { error: 'bad_verification_code' };
    const token = `gho_${randomBytes(18).toString('hex')}`;
    this.tokens.set(token, account);
    return { access_token: token, scope: 'read:user,user:email', token_type: 'bearer' };
  }
}

export function asJson(status: number, body: unknown): Reply {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}

export function formAnswer(body: Readonly<Record<string, string>>): Reply {
  return { status: 200, type: 'application/x-www-form-urlencoded', body: String(new URLSearchParams(body)) };
}

export interface GitHubApp extends AccountApp {
  readonly stand: GitHubStand;
}

export interface GitHubAppParts extends SessionAppParts {
  readonly stand?: GitHubStand;
  readonly accounts?: AccountsModuleOptions;
  readonly github?: Partial<GitHubOptions>;
  readonly login?: Partial<LoginModuleOptions>;
}

/** Starts an app whose people sign in with GitHub. */
export async function startGitHubApp(platform: Platform, parts: GitHubAppParts = {}): Promise<GitHubApp> {
  const { accounts = {}, github: options = {}, login = {}, imports = [], stand: given, ...rest } = parts;
  const stand = given ?? (await GitHubStand.start());
  const providers = [github({ baseUrl: stand.url, ...githubClient, ...options })];
  const app = await startAccountApp(platform, accounts, {
    ...rest,
    imports: [LoginModule.forRoot({ providers, returnTo: 'https://app.example.com', ...login }), ...imports],
  });
  return { ...app, stand };
}

/** Goes to GitHub by a link. @returns the address that the browser is sent back to */
export async function goToGitHub(client: SessionClient, stand: GitHubStand): Promise<URL> {
  const answer = await client.call('/auth/login/github');
  if (answer.status !== 302) throw new Error(`The start was answered with ${answer.status}: ${answer.text}`);
  return stand.authorize(answer.headers['location'] ?? '');
}

/** Signs in with GitHub. @returns the answer of the callback */
export async function signInWithGitHub(client: SessionClient, stand: GitHubStand): Promise<Answer> {
  return client.call(pathOf(await goToGitHub(client, stand)));
}
