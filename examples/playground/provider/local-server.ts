import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { host } from '../settings.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** An HTTP server on loopback. */
export class LocalServer {
  private answer: Answer = () => undefined;
  private readonly server = createServer((request, response) => void this.answer(request, response));

  /** @param port 0 for any free one */
  static async start(port: number): Promise<LocalServer> {
    const local = new LocalServer();
    local.server.listen(port, host);
    await once(local.server, 'listening');
    return local;
  }

  get origin(): string {
    return `http://${host}:${(this.server.address() as AddressInfo).port}`;
  }

  /** Says who answers. Its address is known before. */
  answerBy(answer: Answer): void {
    this.answer = answer;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    if (this.server.listening) await once(this.server, 'close');
  }
}

/** An answer of a server, to be sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers).end(body);
}

export function json(status: number, body: unknown): Reply {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  return { status, headers, body: JSON.stringify(body) };
}

/** Sends the browser to an address, with these parameters in addition. */
export function redirect(address: string, parameters: Readonly<Record<string, string>>): Reply {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { status: 303, headers: { Location: url.href, 'Cache-Control': 'no-store' }, body: '' };
}
