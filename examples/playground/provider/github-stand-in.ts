import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { github, type LoginProvider } from 'nest-gatehouse/login';
import { gitHubPeople as people, type GitHubPerson } from './github-people.js';
import { IssuedCodes } from './issued-codes.js';
import { json, LocalServer, redirect, type Reply, send } from './local-server.js';
import { failureScreen, gitHubScreen, screenHeaders } from './screen.js';
import { readAsset } from './screen-assets.js';

interface GrantedToken {
  readonly person: GitHubPerson;
  readonly scopes: readonly string[];
}

const client = { clientId: 'Ov23liPlayground', clientSecret: randomBytes(20).toString('hex') };

/**
 * Answers as GitHub does, where it differs from the standards: errors of the token endpoint come with status 200, scopes have commas
 * between them, there is no ID token, and the API wants a `User-Agent`.
 */
export class GitHubStandIn {
  /** What the app is configured with: GitHub Enterprise Server at the address of the stand-in. */
  readonly loginProvider: LoginProvider;
  private readonly codes = new IssuedCodes<GitHubPerson>();
  private readonly tokens = new Map<string, GrantedToken>();
  private readonly issuer: string;

  static async start(pageUrl: string): Promise<GitHubStandIn> {
    return new GitHubStandIn(await LocalServer.start(0), pageUrl);
  }

  private constructor(
    private readonly server: LocalServer,
    private readonly pageUrl: string,
  ) {
    this.issuer = `${server.origin}/login/oauth`;
    this.loginProvider = github({ ...client, baseUrl: server.origin });
    server.answerBy(async (request, response) => {
      send(response, await this.answer(request));
    });
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  private async answer(request: IncomingMessage): Promise<Reply> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.server.origin);
    if (pathname.startsWith('/screens/')) return readAsset(pathname.slice('/screens/'.length));
    switch (`${request.method ?? ''} ${pathname}`) {
      case 'GET /login/oauth/authorize':
        return this.screen(searchParams);
      case 'POST /login/oauth/authorize':
        return this.decide(searchParams, new URLSearchParams(await text(request)));
      case 'POST /login/oauth/access_token':
        return inWantedForm(request, this.exchange(new URLSearchParams(await text(request))));
      case 'GET /api/v3/user':
      case 'GET /api/v3/user/emails':
        return this.answerApi(request, pathname);
      default:
        return json(404, { message: 'Not Found' });
    }
  }

  private screen(query: URLSearchParams): Reply {
    const { pageUrl } = this;
    const isKnown = query.get('client_id') === client.clientId && this.isCallback(query.get('redirect_uri'));
    const body = isKnown
      ? gitHubScreen({ people, action: `/login/oauth/authorize?${query.toString()}` })
      : failureScreen('Nothing to authorize', 'The app that asks is not registered here.', pageUrl);
    return { status: isKnown ? 200 : 404, headers: screenHeaders(pageUrl), body };
  }

  private decide(query: URLSearchParams, form: URLSearchParams): Reply {
    const redirectUri = query.get('redirect_uri');
    if (redirectUri === null || !this.isCallback(redirectUri)) return this.screen(query);
    const person = people.find(({ login }) => login === form.get('person'));
    const answer: Record<string, string> =
      person === undefined
        ? refusal('access_denied', 'The user has denied your application access.')
        : { code: this.codes.issue(person, query) };
    // RFC 9207: GitHub sends its name since April 2026.
    return redirect(redirectUri, { ...answer, state: query.get('state') ?? '', iss: this.issuer });
  }

  private isCallback(address: string | null): boolean {
    return address === `${this.pageUrl}/auth/callback/github`;
  }

  private exchange(form: URLSearchParams): Record<string, string> {
    const isClient = form.get('client_id') === client.clientId && form.get('client_secret') === client.clientSecret;
    if (!isClient) return refusal('incorrect_client_credentials', 'The client_id or client_secret is incorrect.');
    const issued = this.codes.redeem(form);
    if (issued === undefined) return refusal('bad_verification_code', 'The code passed is incorrect or expired.');
    const scopes = (issued.query.get('scope') ?? '').split(' ');
    const token = `gho_${randomBytes(20).toString('hex')}`;
    this.tokens.set(token, { person: issued.person, scopes });
    return { access_token: token, scope: scopes.join(','), token_type: 'bearer' };
  }

  private answerApi({ headers }: IncomingMessage, path: string): Reply {
    if (headers['user-agent'] === undefined) return json(403, { message: 'Requests must have a User-Agent header' });
    const granted = this.tokens.get((headers.authorization ?? '').replace(/^Bearer /, ''));
    if (granted === undefined) return json(401, { message: 'Bad credentials' });
    const { id, login, name, emails } = granted.person;
    if (path === '/api/v3/user') return json(200, { id, login, name, email: null, company: null, bio: null });
    if (!granted.scopes.includes('user:email')) return json(404, { message: 'Not Found' });
    return json(
      200,
      emails.map((email) => ({ ...email, visibility: email.primary ? 'private' : null })),
    );
  }
}

function refusal(error: string, description: string): Record<string, string> {
  return { error, error_description: description, error_uri: 'https://docs.github.com/apps' };
}

/** Also an error has status 200. Whoever does not ask for JSON gets a form. */
function inWantedForm({ headers: { accept } }: IncomingMessage, answer: Record<string, string>): Reply {
  if (accept?.includes('application/json') === true) return json(200, answer);
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return { status: 200, headers, body: new URLSearchParams(answer).toString() };
}
