/** A Stack Auth backend that replays recorded responses, including the key sets. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
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

/**
 * The recorded response to this request: the same path, identical `x-stack-` headers, and the same body.
 *
 * @param body what was sent; left out, it does not matter
 */
export function findRecorded(
  version: StackAuthVersion,
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  body?: string,
): RecordedExchange | undefined {
  const sent = JSON.stringify(stackHeaders(request.headers));
  return readRecordedExchanges(version).find(({ request: { method, path, headers, body: recorded } }) => {
    const filled = Object.entries(headers).map(([name, value]) => [name, fillTokens(version, value)]);
    const asked = stackHeaders(Object.fromEntries(filled) as Record<string, string>);
    const isSame = method === request.method && path === request.url && JSON.stringify(asked) === sent;
    return isSame && (body === undefined || isSameBody(recorded, body));
  });
}

/** The address that a mail leads to is the app's, so it is another than the recorded one. */
function isSameBody(recorded: unknown, sent: string): boolean {
  if (typeof recorded !== 'object' || recorded === null) return (recorded ?? '') === sent;
  const withoutAddress = (body: object): object => ({ ...body, verification_callback_url: undefined });
  const parsed: unknown = sent === '' ? null : JSON.parse(sent);
  return (
    typeof parsed === 'object' && parsed !== null && isDeepStrictEqual(withoutAddress(parsed), withoutAddress(recorded))
  );
}

/** Puts the recorded tokens in the place of their names. */
function fillTokens(version: StackAuthVersion, given: string): string {
  const tokens = readRecordedTokens(version);
  return given.replace(/\{\{([^{}]+)\}\}/g, (_, name: string) => tokens[name] ?? '');
}

function stackHeaders(headers: IncomingMessage['headers']): readonly unknown[] {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith('x-stack-'))
    .sort(([a], [b]) => a.localeCompare(b));
}

/** An answer that a test gives in the place of a recorded one. */
export type Reply = Pick<RecordedExchange['response'], 'status' | 'headers' | 'body'>;

/** `undefined` for the recorded answer. */
type ReplyTo = (body: string, headers: IncomingMessage['headers']) => Reply | undefined;

/** The calls of an app about sign-in and sessions, and what they are answered with. */
export interface StackAuthServer extends AnsweringServer {
  /** Each as `POST /auth/sessions/current/refresh`, with its body, in order; without those for keys. */
  readonly calls: { readonly call: string; readonly body: string; readonly headers: IncomingMessage['headers'] }[];
  /** Answers to calls that were not recorded, and to those that a test wants another answer to. */
  readonly replies: Map<string, Reply | ReplyTo>;
  /** Answers every call like this, while it is set. */
  fault: Reply | 'reset' | null;
}

/** Starts a server that also answers calls about sign-in and sessions, as they were recorded. It listens until the test ends. */
export async function startStackAuthSessions(version: StackAuthVersion = '2.8.86'): Promise<StackAuthServer> {
  const answerKeys = answerKeySets(version);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    if (answerKeys(request, response)) return;
    const call = `${request.method ?? ''} ${(request.url ?? '').replace('/api/v1', '')}`;
    server.calls.push({ call, body, headers: request.headers });
    if (server.fault === 'reset') {
      request.socket.destroy();
      return;
    }
    const reply = server.fault ?? replyTo(server.replies.get(call), body, request.headers);
    const { status, headers, body: answered } = reply ?? findRecorded(version, request, body)?.response ?? notRecorded;
    const written = typeof answered === 'string' ? answered : JSON.stringify(answered);
    response.writeHead(status, headers).end(fillTokens(version, written));
  };
  const listening = await startServer((request, response) => void answer(request, response));
  // The same request was recorded twice: the second time the address was taken.
  const signUp = readRecordedExchange('password-sign-up', version).response;
  const replies: StackAuthServer['replies'] = new Map<string, Reply | ReplyTo>([
    ['POST /auth/password/sign-up', signUp],
    ['DELETE /auth/sessions/current', endSessions(version)],
  ]);
  const server: StackAuthServer = { ...listening, calls: [], replies, fault: null };
  return server;
}

function replyTo(
  given: Reply | ReplyTo | undefined,
  body: string,
  headers: IncomingMessage['headers'],
): Reply | undefined {
  return typeof given === 'function' ? given(body, headers) : given;
}

/** Ends the session of a token once, as it was recorded; the second time was recorded as well. */
function endSessions(version: StackAuthVersion): ReplyTo {
  const [ended, expired] = [new Set<unknown>(), 'from-session-refresh-while-access-token-expired'];
  return (_, headers) => {
    const token = headers['x-stack-access-token'];
    if (token === readRecordedTokens(version)[expired]) return undefined;
    const name = ended.has(token) ? 'session-sign-out-again' : 'session-sign-out';
    ended.add(token);
    return readRecordedExchange(name, version).response;
  };
}

/** Starts a server that listens until the test ends. */
export function startStackAuth(version: StackAuthVersion): Promise<AnsweringServer> {
  const answerKeys = answerKeySets(version);
  return startServer((request, response) => {
    if (!answerKeys(request, response)) send(response, findRecorded(version, request)?.response ?? notRecorded);
  });
}

/** Answers requests for keys. @returns whether it was one */
function answerKeySets(version: StackAuthVersion): (request: IncomingMessage, response: ServerResponse) => boolean {
  const projects = keysOfProjects(version);
  const good = readRecordedExchange('jwks', version).response;
  // The recorded response of 2.8.37 to include_restricted, which the other version gives for other parameters.
  const badQuery = readRecordedExchange('jwks-include-restricted', '2.8.37').response;
  const noProject = readRecordedExchange('jwks-unknown-project').response;
  const known = version === '2.8.37' ? ['include_anonymous'] : ['include_anonymous', 'include_restricted'];
  return (request, response) => {
    const url = new URL(request.url ?? '/', recordedOrigin);
    const projectId = /^\/api\/v1\/projects\/([^/]+)\/\.well-known\/jwks\.json$/.exec(url.pathname)?.[1];
    if (projectId === undefined) return false;
    const query = [...url.searchParams];
    const isBad = query.some(([name, value]) => !known.includes(name) || !['true', 'false'].includes(value));
    const keys = projects.get(projectId);
    if (isBad) send(response, badQuery);
    else if (keys === undefined) send(response, noProject);
    else send(response, good, { keys: keys.slice(0, keysAskedFor(new Map(query))) });
    return true;
  };
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
