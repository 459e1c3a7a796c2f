/** A Stack Auth backend with teams and permissions that a test can change. It listens until the file ends. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { endAfterwards, startIssuer } from './app.js';

/** What a user may do, by team id; `null` is outside of any team. */
interface Grant {
  readonly userId: string;
  readonly teamId: string | null;
  readonly permissions: readonly string[];
}

const projectId = 'c640df62';

export class TeamsBackend {
  readonly grants: Grant[] = [];
  /** Paths and queries of the calls, except those for keys. */
  readonly calls: string[] = [];
  /** A fault; `null` for regular responses. */
  failure: 503 | 'hang-up' | null = null;

  private constructor(
    readonly url: string,
    private readonly issuer: TestIssuer,
  ) {}

  static async start(clock: { now(): Date }): Promise<TeamsBackend> {
    const issuer = await startIssuer({ clock });
    const server = createServer((request, response) => {
      const answer = backend.answer(request);
      if (answer === null) {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endAfterwards(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const backend = new TeamsBackend(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, issuer);
    return backend;
  }

  get options(): { readonly projectId: string; readonly baseUrl: string; readonly publishableClientKey: string } {
    return { projectId, baseUrl: this.url, publishableClientKey: 'pck_1' };
  }

  /** The claims as the backend creates them: of teams only the one that the user selected last, and no permissions. */
  tokenFor(sub: string, claims: object = {}): Promise<string> {
    const iss = `${this.url}/api/v1/projects/${projectId}`;
    const own = { project_id: projectId, branch_id: 'main', role: 'authenticated', is_anonymous: false };
    return this.issuer.token({ sub, iss, aud: projectId, ...own, ...claims });
  }

  private answer(request: IncomingMessage): { readonly status: number; readonly body: object } | null {
    const url = new URL(request.url ?? '/', this.url);
    if (url.pathname.endsWith('/jwks.json')) return { status: 200, body: { keys: [this.issuer.publicKey] } };
    this.calls.push(`${url.pathname}${url.search}`);
    if (this.failure !== null) return this.failure === 503 ? { status: 503, body: {} } : null;
    const items = this.list(url, userOf(request));
    return items === null ? { status: 404, body: {} } : { status: 200, body: { items, is_paginated: false } };
  }

  private list({ pathname, searchParams }: URL, userId: string): readonly object[] | null {
    const grants = this.grants.filter((grant) => grant.userId === userId && searchParams.get('user_id') === 'me');
    switch (pathname) {
      case '/api/v1/teams':
        return [...new Set(grants.map(({ teamId }) => teamId))]
          .filter((id) => id !== null)
          .map((id) => ({ id, display_name: `Team ${id}`, profile_image_url: null }));
      case '/api/v1/team-permissions':
        return grants
          .filter(({ teamId }) => teamId !== null && teamId === searchParams.get('team_id'))
          .flatMap(({ teamId, permissions }) => permissions.map((id) => ({ id, team_id: teamId, user_id: userId })));
      case '/api/v1/project-permissions':
        return grants
          .filter(({ teamId }) => teamId === null)
          .flatMap(({ permissions }) => permissions.map((id) => ({ id, user_id: userId })));
      default:
        return null;
    }
  }
}

function userOf({ headers }: IncomingMessage): string {
  const [, claims = ''] = String(headers['x-stack-access-token']).split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string }).sub;
}
