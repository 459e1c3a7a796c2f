/** A Stack Auth backend that replays recorded responses, including the key sets. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  readRecordedExchange,
  readRecordedExchanges,
  readRecordedTokens,
  type RecordedExchange,
  type StackAuthVersion,
} from '../vectors/stack-auth/recorded.js';
import { type AnsweringServer, startServer } from './answering-server.js';

/** The recorded servers' own address: the origin of their tokens' issuers. */
export const recordedOrigin = 'http://localhost:8102';

interface KeySetBody {
  readonly keys: readonly unknown[];
}

/** The whole key set of each recorded project, with the keys of restricted and anonymous users where it has them. */
function keysOfProjects(version: StackAuthVersion): ReadonlyMap<string, readonly unknown[]> {
  const names = ['jwks-include-anonymous', 'jwks-project-b', ...(version === '2.8.86' ? ['jwks-project-c'] : [])];
  return new Map(
    names.map((name) => {
      const { request, response } = readRecordedExchange(name, version);
      return [request.path.split('/')[4] ?? '', (response.body as KeySetBody).keys] as const;
    }),
  );
}

function send(response: ServerResponse, recorded: RecordedExchange['response'], body: unknown = recorded.body): void {
  response.writeHead(recorded.status, recorded.headers).end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The response to a request that was not recorded, which the package cannot mistake for a result. */
const notRecorded = { status: 418, headers: { 'content-type': 'text/plain' }, body: 'This was not recorded' };

/** The recorded response to this request: the same path, and identical `x-stack-` headers. */
export function findRecorded(version: StackAuthVersion, request: IncomingMessage): RecordedExchange | undefined {
  const tokens = readRecordedTokens(version);
  const sent = JSON.stringify(stackHeaders(request.headers));
  return readRecordedExchanges(version).find(({ request: { method, path, headers } }) => {
    const filled = Object.entries(headers).map(([name, value]) => [
      name,
      value.replace(/^\{\{(.*)\}\}$/, (_, token: string) => tokens[token] ?? ''),
    ]);
    const asked = stackHeaders(Object.fromEntries(filled) as Record<string, string>);
    return method === request.method && path === request.url && JSON.stringify(asked) === sent;
  });
}

function stackHeaders(headers: IncomingMessage['headers']): readonly unknown[] {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith('x-stack-'))
    .sort(([a], [b]) => a.localeCompare(b));
}

/** Starts a server that listens until the test ends. */
export function startStackAuth(version: StackAuthVersion): Promise<AnsweringServer> {
  const projects = keysOfProjects(version);
  const good = readRecordedExchange('jwks', version).response;
  // The recorded response of 2.8.37 to include_restricted, which the other version gives for other parameters.
  const badQuery = readRecordedExchange('jwks-include-restricted', '2.8.37').response;
  const noProject = readRecordedExchange('jwks-unknown-project').response;
  const known = version === '2.8.37' ? ['include_anonymous'] : ['include_anonymous', 'include_restricted'];
  return startServer((request, response) => {
    const url = new URL(request.url ?? '/', recordedOrigin);
    const projectId = /^\/api\/v1\/projects\/([^/]+)\/\.well-known\/jwks\.json$/.exec(url.pathname)?.[1];
    if (projectId === undefined) {
      send(response, findRecorded(version, request)?.response ?? notRecorded);
      return;
    }
    const query = [...url.searchParams];
    if (query.some(([name, value]) => !known.includes(name) || !['true', 'false'].includes(value))) {
      send(response, badQuery);
      return;
    }
    const keys = projects.get(projectId);
    if (keys === undefined) send(response, noProject);
    else send(response, good, { keys: keys.slice(0, keysAskedFor(new Map(query))) });
  });
}

/** Two keys for each kind of user, in the order in which the recorded servers list them. */
function keysAskedFor(query: ReadonlyMap<string, string>): number {
  if (query.get('include_anonymous') === 'true') return 6;
  return query.get('include_restricted') === 'true' ? 4 : 2;
}

export interface RecordedToken {
  readonly name: string;
  readonly text: string;
  readonly kid: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The time for the verifier's clock: five seconds after the token was created. */
  readonly at: Date;
}

/** The tokens of a recorded server. The names of tampered ones state how they were tampered with. */
export function recordedTokens(version: StackAuthVersion): readonly RecordedToken[] {
  return Object.entries(readRecordedTokens(version)).map(([name, text]) => {
    const [header, claims] = text.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    const members = JSON.parse(claims ?? '') as Record<string, unknown>;
    const { kid } = JSON.parse(header ?? '') as { kid: string };
    return { name, text, kid, claims: members, at: new Date((Number(members['iat']) + 5) * 1_000) };
  });
}
