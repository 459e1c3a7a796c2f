/** Clients of gateways, one for each package that Nest has an adapter for, with one interface. */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

/** The parameters of a connection. */
export interface SocketCall {
  /** Sent in the `Authorization` header. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Connection parameters that only socket.io has. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** A namespace of socket.io, or a path of ws. */
  readonly at?: string;
}

/** A received message: a response, or an event of the server. */
interface SocketEvent {
  readonly event: string;
  readonly data: unknown;
}

/** How a connection ended. */
interface SocketEnd {
  /** The close code; only ws has one. */
  readonly code?: number;
  readonly reason: string;
}

interface SocketConnection {
  /** Sends a message, and returns the next received one. */
  ask(event: string, data?: unknown): Promise<SocketEvent>;
  /** Returns the next received message. */
  next(): Promise<SocketEvent>;
  readonly end: Promise<SocketEnd>;
  close(): void;
}

/** The error when the server refuses the connection. */
export class NotConnected extends Error {
  constructor(
    /** The HTTP response of ws; socket.io does not expose it. */
    readonly response: { readonly status: number; readonly headers: IncomingMessage['headers'] } | null,
    readonly data: unknown,
  ) {
    super('The server has accepted no connection');
  }
}

export type Connect = (url: string, call?: SocketCall) => Promise<SocketConnection>;

/** Queues received messages, so that each read returns the next one. */
class Inbox {
  private readonly events: SocketEvent[] = [];
  private readonly waiting: ((event: SocketEvent) => void)[] = [];

  put(event: SocketEvent): void {
    const first = this.waiting.shift();
    if (first === undefined) this.events.push(event);
    else first(event);
  }

  take(): Promise<SocketEvent> {
    const first = this.events.shift();
    return first === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(first);
  }
}

function headersOf({ token, headers }: SocketCall): Record<string, string> {
  return { ...(token !== undefined && { Authorization: `Bearer ${token}` }), ...headers };
}

export const connectSocketIo: Connect = async (url, call = {}) => {
  const socket = io(new URL(call.at ?? '/', url).href, {
    transports: ['websocket'],
    extraHeaders: headersOf(call),
    auth: { ...call.auth },
    reconnection: false,
    forceNew: true,
  });
  const inbox = new Inbox();
  socket.onAny((event: string, data: unknown) => {
    inbox.put({ event, data });
  });
  const end = new Promise<SocketEnd>((resolve) => {
    socket.on('disconnect', (reason) => {
      resolve({ reason });
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('connect', resolve);
    socket.on('connect_error', (error: Error & { data?: unknown }) => {
      reject(new NotConnected(null, error.data));
    });
  });
  return {
    next: () => inbox.take(),
    ask: (event, data) => {
      socket.emit(event, data);
      return inbox.take();
    },
    end,
    close: () => void socket.disconnect(),
  };
};

export const connectWs: Connect = async (url, call = {}) => {
  const socket = new WebSocket(new URL(call.at ?? '/', url.replace(/^http/, 'ws')), { headers: headersOf(call) });
  const inbox = new Inbox();
  socket.on('message', (data: Buffer) => {
    inbox.put(JSON.parse(data.toString()) as SocketEvent);
  });
  const end = new Promise<SocketEnd>((resolve) => {
    socket.on('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('unexpected-response', (_, response) => {
      void refusalOf(response).then(reject);
    });
    socket.on('error', reject);
  });
  return {
    next: () => inbox.take(),
    ask: (event, data) => {
      socket.send(JSON.stringify({ event, data }));
      return inbox.take();
    },
    end,
    close: () => {
      socket.close();
    },
  };
};

async function refusalOf(response: IncomingMessage): Promise<NotConnected> {
  const body = await text(response);
  return new NotConnected(
    { status: response.statusCode ?? 0, headers: response.headers },
    response.headers['content-type'] === 'application/json' ? JSON.parse(body) : body,
  );
}
