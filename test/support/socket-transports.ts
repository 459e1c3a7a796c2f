/** The packages that gateways run on, each on both HTTP platforms, and what they tell a client that is refused. */
import type { INestApplicationContext, WebSocketAdapter } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import type { RefusalReason } from 'nest-gatehouse';
import { type Platform, platforms } from './app.js';
import { type Connect, connectSocketIo, connectWs, NotConnected, type SocketCall } from './socket-clients.js';
import { sentences } from './verdicts.js';

export interface SocketTransport {
  readonly name: string;
  readonly Adapter: new (app: INestApplicationContext) => WebSocketAdapter;
  readonly connect: Connect;
  readonly platform: Platform;
  /** How the gateways of one server are told apart. */
  readonly place: (name: string) => { readonly namespace?: string; readonly path?: string };
}

/** Every story is told over each of these: `describe.each(socketTransports)('… over $name', …)`. */
export const socketTransports: readonly SocketTransport[] = platforms.flatMap((platform) => [
  {
    name: `socket.io on ${platform.name}`,
    Adapter: IoAdapter,
    connect: connectSocketIo,
    platform,
    place: (name: string) => ({ namespace: name }),
  },
  {
    name: `ws on ${platform.name}`,
    Adapter: WsAdapter,
    connect: connectWs,
    platform,
    place: (name: string) => ({ path: `/${name}` }),
  },
]);

/** What a client learns of a refusal. */
export interface RefusalBody {
  readonly statusCode: number;
  readonly message: string;
  readonly error?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly scope?: string;
}

export const missingTokenBody: RefusalBody = {
  statusCode: 401,
  error: 'Unauthorized',
  message: 'An access token is required',
  code: 'MISSING_TOKEN',
};

export function invalidTokenBody(reason: RefusalReason): RefusalBody {
  return { statusCode: 401, error: 'Unauthorized', message: sentences[reason], code: 'INVALID_TOKEN', reason };
}

export function lackingScopeBody(scope: string): RefusalBody {
  const message = 'The access token lacks a required scope';
  return { statusCode: 403, error: 'Forbidden', message, code: 'INSUFFICIENT_SCOPE', scope };
}

export const deniedBody: RefusalBody = {
  statusCode: 403,
  error: 'Forbidden',
  message: 'Access is denied',
  code: 'ACCESS_DENIED',
};

/** What a client is told that is not let in; the response, where its package shows one. */
export interface HandshakeRefusal {
  readonly body: unknown;
  readonly status?: number;
  readonly challenge?: string;
}

/** Fails when the client is let in. */
export async function refusalOf(
  { connect }: SocketTransport,
  url: string,
  call: SocketCall,
): Promise<HandshakeRefusal> {
  const refused: unknown = await connect(url, call).then(
    () => 'It was let in',
    (error: unknown) => error,
  );
  if (!(refused instanceof NotConnected)) throw new Error(String(refused));
  const { data: body, response } = refused;
  if (response === null) return { body };
  const challenge = response.headers['www-authenticate'];
  return { body, status: response.status, ...(challenge !== undefined && { challenge }) };
}

/** The same answer, as each package shows it. */
export function refused({ connect }: SocketTransport, body: RefusalBody, challenge?: string): HandshakeRefusal {
  if (connect !== connectWs) return { body };
  return { body, status: body.statusCode, ...(challenge !== undefined && { challenge }) };
}
