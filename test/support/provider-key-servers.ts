/** The APIs of providers as far as they answer about API keys, with answers that were recorded where there are any. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { jonas } from '../vectors/propel-auth/users.js';
import { readRecordedExchange, type StackAuthVersion } from '../vectors/stack-auth/recorded.js';
import { startServer } from './answering-server.js';

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const json = { 'content-type': 'application/json' };
type Members = Readonly<Record<string, unknown>>;

export interface KeyServer {
  readonly url: string;
  /** The calls so far, as `POST /path`. */
  readonly calls: string[];
  /** What is answered about each key; others get the answer about an unknown one. A test may change it. */
  readonly keys: Map<string, Reply>;
  /** Answers every call like this, while it is set. */
  fault: Reply | 'hang' | 'reset' | null;
  /** Called before each answer. */
  before: () => Promise<void>;
  /** The headers of the last call. */
  lastHeaders: IncomingMessage['headers'];
}

async function startKeyServer(
  answer: (path: string, body: Members, keys: KeyServer['keys']) => Reply,
): Promise<KeyServer> {
  const calls: string[] = [];
  const keys = new Map<string, Reply>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    calls.push(`${request.method ?? ''} ${path}`);
    server.lastHeaders = request.headers;
    const sent = await text(request);
    await server.before();
    const { fault } = server;
    if (fault === 'hang') return;
    if (fault === 'reset') {
      request.socket.destroy();
      return;
    }
    const { status, headers, body } = fault ?? answer(path, (sent === '' ? {} : JSON.parse(sent)) as Members, keys);
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const { url } = await startServer((request, response) => void serve(request, response));
  const server: KeyServer = { url, calls, keys, fault: null, before: () => Promise.resolve(), lastHeaders: {} };
  return server;
}

const recordedProject = (version: StackAuthVersion): string =>
  readRecordedExchange('user-api-key-check-server', version).request.headers['x-stack-project-id'] ?? '';

/** The recorded answer about a key. */
export function stackAnswer(
  name: 'server' | 'unknown' | 'revoked' | 'as-team' | 'client-denied',
  version: StackAuthVersion = '2.8.86',
): Reply {
  return readRecordedExchange(`user-api-key-check-${name}`, version).response;
}

/** The recorded confirmation, with other members. It expires a day after `now`. */
export function stackConfirms(now: Date, members: Members = {}, version: StackAuthVersion = '2.8.86'): Reply {
  const { status, headers, body } = stackAnswer('server', version);
  return { status, headers, body: { ...(body as Members), expires_at_millis: now.getTime() + 86_400_000, ...members } };
}

/** The user of the recorded key. */
export function recordedUserOf(version: StackAuthVersion = '2.8.86'): Members {
  return readRecordedExchange('users-me-server', version).response.body as Members;
}

export interface StackKeyServer extends KeyServer {
  readonly projectId: string;
  /** The users by id. */
  readonly users: Map<string, Reply>;
}

export async function startStackKeyServer(version: StackAuthVersion = '2.8.86'): Promise<StackKeyServer> {
  const found = readRecordedExchange('users-read-server-unknown', version).response;
  const user = recordedUserOf(version);
  const users = new Map<string, Reply>([[String(user['id']), { status: 200, headers: json, body: user }]]);
  const server = await startKeyServer((path, body, keys) => {
    if (path.startsWith('/api/v1/users/')) return users.get(path.slice('/api/v1/users/'.length)) ?? found;
    if (path.endsWith('-api-keys/check')) return keys.get(String(body['api_key'])) ?? stackAnswer('unknown', version);
    if (path.startsWith('/api/v1/teams')) return { status: 200, headers: json, body: teams(path) };
    if (path.startsWith('/api/v1/team-permissions')) return { status: 200, headers: json, body: permissions(path) };
    return { status: 418, headers: {}, body: '' };
  });
  return Object.assign(server, { projectId: recordedProject(version), users });
}

function teams(path: string): object {
  const isOfUser = new URLSearchParams(path.split('?')[1]).get('user_id') === recordedUserOf()['id'];
  return { items: isOfUser ? [{ id: 'team-1', display_name: 'Team' }] : [], is_paginated: false };
}

function permissions(path: string): object {
  const query = new URLSearchParams(path.split('?')[1]);
  return { items: [{ id: 'read', user_id: query.get('user_id'), team_id: query.get('team_id') }] };
}

/** A key in the form of Stack Auth. */
export function stackKey(kind: 'user' | 'team' = 'user', prefix = 'sk'): string {
  const random = randomBytes(45).toString('hex').slice(0, 45);
  const checked = `${prefix}_${random}${randomUUID().replaceAll('-', '')}${kind}1574ck4u7h`;
  return `${checked}${crc32(checked).toString(16).padStart(8, '0')}`;
}

/** What PropelAuth's backend API answers, as its documentation and its own client show. */
export const propelAnswers = {
  personal: { status: 200, headers: json, body: { user: jonas, metadata: { plan: 'pro' } } },
  unknown: { status: 400, headers: json, body: { api_key_token: ['Invalid API key'] } },
  generic: { status: 200, headers: json, body: { metadata: {} } },
  ofOrganization: {
    status: 200,
    headers: json,
    body: { org: { org_id: 'org-1', name: 'Fjord Labs', url_safe_org_slug: 'fjord-labs' }, metadata: null },
  },
  ofMember: {
    status: 200,
    headers: json,
    body: {
      user: { ...jonas, org_id_to_org_info: { 'org-2': { org_id: 'org-2', org_name: 'Other' } } },
      org: { org_id: 'org-1', name: 'Fjord Labs' },
      user_in_org: {
        org_id: 'org-1',
        org_name: 'Fjord Labs',
        url_safe_org_name: 'fjord-labs',
        user_role: 'Admin',
        inherited_user_roles_plus_current_role: ['Admin', 'Member'],
        user_permissions: ['reports:read'],
      },
    },
  },
  limited: {
    status: 429,
    headers: json,
    body: { wait_seconds: 17.2, user_facing_error: 'Slow down', error_code: 'rate_limit_exceeded' },
  },
  limitedApp: { status: 429, headers: { 'content-type': 'text/plain', 'retry-after': '9' }, body: 'Too many requests' },
  wrongKeyOfApp: { status: 401, headers: {}, body: '' },
} as const satisfies Record<string, Reply>;

export function startPropelKeyServer(): Promise<KeyServer> {
  return startKeyServer((path, body, keys) => {
    if (path !== '/api/backend/v1/end_user_api_keys/validate') return { status: 404, headers: {}, body: 'Not found' };
    return keys.get(String(body['api_key_token'])) ?? propelAnswers.unknown;
  });
}
