import type { Agent } from 'undici';

import type { HttpClient } from './http-client.js';
import { UpstreamFailure } from './upstream-failure.js';

/** Connections to one provider at a time; a call beyond them waits for one, within its own deadline. */
const mostConnections = 64;
/**
 * How long an idle connection is kept. Load balancers close theirs after a minute or later, and some networks drop
 * a silent one without a word, which a call on it would learn at its deadline only.
 */
const idleMs = 30_000;

/** Kept connections to one provider. undici is loaded with the first call, not with the app. */
export class ConnectionPool {
  private agent: Promise<Agent> | undefined;
  private closed = false;

  constructor(private readonly connectTimeoutMs: number) {}

  /** Redirects come back as they are. Bodies come as they are too, so none may be packed: they are short. */
  readonly send: HttpClient = async (url, { method, headers, body, signal }) => {
    const agent = await (this.agent ??= this.open());
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

  /** Ends the connections. Whoever calls later fails. */
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
