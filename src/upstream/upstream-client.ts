import { withinDeadline } from './deadline.js';
import { isJson, parseJson, readText, refuseRedirect } from './read-body.js';
import { toFailure, UpstreamFailure } from './upstream-failure.js';

/** A JSON answer, read to its end. */
export interface JsonAnswer {
  readonly body: unknown;
  readonly headers: Headers;
}

export interface UpstreamLimits {
  /** Milliseconds for the whole call, from the first byte sent to the last one read. */
  readonly timeoutMs: number;
  /** Bytes of an answer, after decompression, past which reading stops. */
  readonly maxBytes: number;
}

/** The function that carries calls out; the platform's `fetch`, or one with a proxy or a private CA. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export const defaultLimits: UpstreamLimits = { timeoutMs: 5_000, maxBytes: 1_048_576 };

/**
 * Every call that the package makes goes through here: one deadline for the whole of it, a size cap, no
 * redirects, JSON or failure.
 */
export class UpstreamClient {
  private readonly limits: UpstreamLimits;

  constructor(
    private readonly fetch: Fetch = (url, init) => globalThis.fetch(url, init),
    limits: Partial<UpstreamLimits> = {},
  ) {
    this.limits = { ...defaultLimits, ...limits };
  }

  /** @throws {UpstreamFailure} whatever went wrong. */
  async getJson(url: string, headers: Readonly<Record<string, string>> = {}): Promise<JsonAnswer> {
    const { timeoutMs } = this.limits;
    const host = hostOf(url);
    const late = (): UpstreamFailure => new UpstreamFailure('timeout', `${host} did not answer within ${timeoutMs} ms`);
    try {
      return await withinDeadline(timeoutMs, late, (signal) => this.read(url, headers, signal));
    } catch (error) {
      throw toFailure(error, host);
    }
  }

  private async read(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<JsonAnswer> {
    const response = await this.fetch(url, {
      // A fresh connection for each call: they are minutes apart, and a kept one that the server has
      // closed meanwhile would fail a call that nothing is wrong with.
      headers: { accept: 'application/json', connection: 'close', ...headers },
      redirect: 'manual',
      signal,
    });
    const host = hostOf(url);
    refuseRedirect(response, host);
    if (!response.ok) {
      throw new UpstreamFailure('status', `${host} answered with status ${response.status}`, response.status);
    }
    const contentType = response.headers.get('content-type');
    if (contentType !== null && !isJson(contentType)) {
      throw new UpstreamFailure('content-type', `${host} answered with something that is not JSON`, response.status);
    }
    const text = await readText(response, host, this.limits.maxBytes);
    return { body: parseJson(text, host), headers: response.headers };
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the server';
}
