import { UpstreamFailure } from './upstream-failure.js';

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

const defaultLimits: UpstreamLimits = { timeoutMs: 5_000, maxBytes: 1_048_576 };

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
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new UpstreamFailure('timeout', `${hostOf(url)} did not answer within ${this.limits.timeoutMs} ms`));
      }, this.limits.timeoutMs);
    });
    try {
      // A race, as an abort alone does not end everything: a body that is not what its content-encoding says
      // leaves its reader waiting for good, and with it all who share the call.
      return await Promise.race([this.read(url, headers, controller.signal), deadline]);
    } catch (error) {
      throw toFailure(error, url);
    } finally {
      clearTimeout(timer);
      // Ends what goes on, a body that was not read to its end too, so that its socket is not held.
      controller.abort();
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
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      throw new UpstreamFailure('redirect', `${host} answered with a redirect, which is not followed`, response.status);
    }
    if (!response.ok) {
      throw new UpstreamFailure('status', `${host} answered with status ${response.status}`, response.status);
    }
    const contentType = response.headers.get('content-type');
    if (contentType !== null && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType)) {
      throw new UpstreamFailure('content-type', `${host} answered with something that is not JSON`, response.status);
    }
    const text = await this.readText(response, host);
    return { body: parseJson(text, host), headers: response.headers };
  }

  private async readText(response: Response, host: string): Promise<string> {
    if (response.body === null) return '';
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > this.limits.maxBytes) {
        throw new UpstreamFailure('too-large', `${host} answered with more than ${this.limits.maxBytes} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

function toFailure(error: unknown, url: string): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  const code = codeOf(error);
  // The HTTP parser's error carries the bytes that it failed on, and whoever logs a cause would log them.
  const options = code.startsWith('HPE_') ? {} : { cause: error };
  return new UpstreamFailure('unreachable', `${hostOf(url)} cannot be reached${code && ` (${code})`}`, null, options);
}

function parseJson(text: string, host: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message repeats the text it failed on, so it is left out.
    throw new UpstreamFailure('not-json', `${host} answered with something that is not JSON`);
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the server';
}

/** The system's short name of the trouble (ECONNREFUSED, …), which repeats nothing that was sent. */
function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : '';
}
