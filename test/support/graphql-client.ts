/** GraphQL over HTTP and over graphql-ws, with the client that browsers use. */
import { type Client, type CloseCode, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { RunningApp } from './app.js';
import { type Answer, type Call } from './http.js';

interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The response. An engine may send `data: null` or omit it. */
export interface GraphqlResult {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly GraphqlError[];
}

export async function ask(app: RunningApp, query: string, call: Call = {}): Promise<GraphqlResult & { http: Answer }> {
  const headers = [['Content-Type', 'application/json'] as const, ...(call.headers ?? [])];
  const http = await app.call('/graphql', { ...call, method: 'POST', headers, body: JSON.stringify({ query }) });
  return { ...(http.json as GraphqlResult), http };
}

export interface SocketOptions {
  readonly connectionParams?: Record<string, unknown> | (() => Record<string, unknown>);
  /** Headers of the upgrade request, which only clients other than browsers can set. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly retryAttempts?: number;
}

export interface SocketClient {
  readonly client: Client;
  /** The codes of the closes so far. */
  readonly closed: readonly (CloseCode | number)[];
  /** The next close. */
  nextClose(): Promise<number>;
}

export function connect(
  app: RunningApp,
  { connectionParams, headers = {}, retryAttempts = 0 }: SocketOptions = {},
): SocketClient {
  const closed: number[] = [];
  const waiting: ((code: number) => void)[] = [];
  class WebSocketWithHeaders extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { headers });
    }
  }
  const client = createClient({
    url: `${app.url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocketWithHeaders,
    retryAttempts,
    retryWait: async () => undefined,
    ...(connectionParams !== undefined && { connectionParams }),
    on: {
      closed: (event) => {
        const { code } = event as { code: number };
        closed.push(code);
        waiting.splice(0).forEach((resolve) => {
          resolve(code);
        });
      },
    },
  });
  return { client, closed, nextClose: () => new Promise((resolve) => waiting.push(resolve)) };
}

/** Executes an operation over a socket, returns its first result and closes the socket. */
export async function askOverSocket(app: RunningApp, query: string, options: SocketOptions): Promise<GraphqlResult> {
  const { client } = connect(app, options);
  try {
    for await (const result of client.iterate({ query })) return result as GraphqlResult;
    throw new Error('The operation ended without a result');
  } catch (error) {
    // An engine may send a refused subscription as an error of the operation, which the client throws as a list.
    if (Array.isArray(error)) return { errors: error as GraphqlError[] };
    throw error;
  } finally {
    await client.dispose();
  }
}
