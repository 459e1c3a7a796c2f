/** The packages of gateways, each on both HTTP platforms, with the form in which a client receives a refusal. */
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
  /** The option that distinguishes the gateways of one server. */
  readonly place: (name: string) => { readonly namespace?: string; readonly path?: string };
}

/** Runs every test over each transport: `describe.each(socketTransports)('… over $name', …)`. */
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

/** What a client receives for a refusal. */
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

/** What a refused client receives at the handshake; the HTTP response, where its package exposes it. */
export interface HandshakeRefusal {
  readonly body: unknown;
  readonly status?: number;
  readonly challenge?: string;
}

/** Fails when the connection is accepted. */
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

/** The same refusal in the form of each package. */
export function refused({ connect }: SocketTransport, body: RefusalBody, challenge?: string): HandshakeRefusal {
  if (connect !== connectWs) return { body };
  return { body, status: body.statusCode, ...(challenge !== undefined && { challenge }) };
}
