import type { Agent } from 'undici';

import type { SendRequest } from './http-exchange.js';
import { UpstreamFailure } from './upstream-failure.js';

/** Simultaneous connections to one provider. Further calls wait for one of them, within their own deadline. */
export const mostConnections = 64;
/**
 * How long an idle connection is kept. Load balancers close theirs after a minute or later, and some networks drop an
 * idle one silently, which a call on it would only notice at its deadline.
 */
const idleMs = 30_000;

/** Kept connections to one provider. undici is loaded with the first call, not with the app. */
export class ConnectionPool {
  private agent: Promise<Agent> | undefined;
  private closed = false;

  constructor(private readonly connectTimeoutMs: number) {}

  /** Sends a request. Redirects are returned as they are, and no content encoding is accepted. */
  readonly send: SendRequest = async (url, init) => {
    const { method, headers, body, signal } = init;
    const agent = await (this.agent ??= this.open());
    // Bun has an undici of its own, whose agents make no requests. Its fetch keeps connections by itself.
    if (!('request' in agent)) {
      return globalThis.fetch(url, { ...init, headers: { ...headers, 'accept-encoding': 'identity' } });
    }
    const { origin, pathname, search } = new URL(url);
    const answer = await agent.request({
      origin,
      path: `${pathname}${search}`,
      method,
      headers: { ...headers, 'accept-encoding': 'identity' },
      ...(body !== undefined && { body }),
      signal,
    });
    const read = (name: string): string | null => headerOf(answer.headers[name.toLowerCase()]);
    if (![null, 'identity'].includes(read('content-encoding'))) {
      throw new UpstreamFailure('not-json', `${new URL(url).host} answered in an encoding that was not asked for`);
    }
    return { status: answer.statusCode, headers: { get: read }, body: answer.body };
  };

  /** Ends the connections. Later calls fail. */
  async close(): Promise<void> {
    this.closed = true;
    await (await this.agent)?.destroy();
  }

  private async open(): Promise<Agent> {
    const { Agent } = await import('undici');
    const agent = new Agent({
      connections: mostConnections,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      connect: { timeout: this.connectTimeoutMs },
    });
    if (this.closed) await agent.destroy();
    return agent;
  }
}

function headerOf(value: string | readonly string[] | undefined): string | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}
