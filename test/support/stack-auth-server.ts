/** A Stack Auth backend: key sets and all else that was asked of the recorded ones, answered as they did. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  readRecordedExchange,
  readRecordedExchanges,
  readRecordedTokens,
  type RecordedExchange,
  type StackAuthVersion,
} from '../vectors/stack-auth/recorded.js';
import { type AnsweringServer, startServer } from './answering-server.js';

/** Where the recorded servers believed to be: the origin of their tokens' issuers. */
export const recordedOrigin = 'http://localhost:8102';

interface KeySetBody {
  readonly keys: readonly unknown[];
}

/** The whole key set of each project that was recorded: with restricted and anonymous users' keys, where it has them. */
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

/** Says of a request that no recorded one was like it; nothing that the package could take for an answer. */
const notRecorded = { status: 418, headers: { 'content-type': 'text/plain' }, body: 'This was not recorded' };

/** What the recorded server answered to this request: the same path, and the same `x-stack-` headers to the letter. */
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

/** Listens until the test is over. */
export function startStackAuth(version: StackAuthVersion): Promise<AnsweringServer> {
  const projects = keysOfProjects(version);
  const good = readRecordedExchange('jwks', version).response;
  // The answer of 2.8.37 to include_restricted; the other one says the same of other parameters.
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
  /** What the verifier's clock has to show: five seconds after it was made. */
  readonly at: Date;
}

/** The tokens that a server made; those that were spoiled on purpose are told by their names. */
export function recordedTokens(version: StackAuthVersion): readonly RecordedToken[] {
  return Object.entries(readRecordedTokens(version)).map(([name, text]) => {
    const [header, claims] = text.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    const members = JSON.parse(claims ?? '') as Record<string, unknown>;
    const { kid } = JSON.parse(header ?? '') as { kid: string };
    return { name, text, kid, claims: members, at: new Date((Number(members['iat']) + 5) * 1_000) };
  });
}
