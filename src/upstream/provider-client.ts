import { withinDeadline } from './deadline.js';
import { isJson, parseJson, readText, refuseRedirect } from './read-body.js';
import type { Fetch, UpstreamLimits } from './upstream-client.js';
import { toFailure, UpstreamFailure } from './upstream-failure.js';

/** A call to a provider's API. At most one of `json` and `form` is sent. */
export interface ProviderCall {
  readonly method: 'GET' | 'POST';
  /** The whole address, under the client's origin. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `application/json`. */
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>;
  /**
   * Whether it may be sent again when nobody knows what came of it: true for a POST that only asks.
   *
   * @defaultValue true for GET, false for POST
   */
  readonly repeatable?: boolean;
}

/** What a provider answered: any status but 429 and those from 500 on, and no redirect. */
export interface ProviderAnswer {
  readonly status: number;
  /** By name in any case; `null` for one that did not come. */
  readonly headers: { get(name: string): string | null };
  /**
   * The body, where its content type says that it is JSON; else `undefined`, and so is what an error says in
   * plain text.
   */
  readonly body: unknown;
}

/**
 * Calls one provider's API, `https://api.provider.example`. What the provider decided, a refusal as well as a
 * yes, is an answer; that it could not be asked is an {@link UpstreamFailure}.
 */
export class ProviderClient {
  constructor(
    /** Scheme, host and port: everything that it calls is there. */
    readonly origin: string,
    private readonly fetch: Fetch,
    private readonly limits: UpstreamLimits,
  ) {}

  /**
   * @throws {UpstreamFailure} when there is no answer: a status from 500 on, 429, a redirect, no end of it
   * within the deadline, too many bytes, a connection that breaks, JSON that is none.
   */
  async call(call: ProviderCall): Promise<ProviderAnswer> {
    const { host } = new URL(this.origin);
    const { timeoutMs } = this.limits;
    const late = (): UpstreamFailure => new UpstreamFailure('timeout', `${host} did not answer within ${timeoutMs} ms`);
    try {
      return await withinDeadline(timeoutMs, late, (signal) => this.send(call, host, signal));
    } catch (error) {
      throw toFailure(error, host);
    }
  }

  private async send(call: ProviderCall, host: string, signal: AbortSignal): Promise<ProviderAnswer> {
    const response = await this.fetch(call.url, { ...requestOf(call), redirect: 'manual', signal });
    const { status, headers } = response;
    refuseRedirect(response, host);
    if (status === 429) throw new UpstreamFailure('rate-limited', `${host} answered with status 429`, status);
    if (status >= 500) throw new UpstreamFailure('status', `${host} answered with status ${status}`, status);
    if (!isJson(headers.get('content-type') ?? '')) return { status, headers, body: undefined };
    return { status, headers, body: parseJson(await readText(response, host, this.limits.maxBytes), host) };
  }
}

function requestOf({ method, headers = {}, json, form }: ProviderCall): RequestInit {
  const accepting = { accept: 'application/json', ...headers };
  if (form !== undefined) return { method, headers: accepting, body: new URLSearchParams(form) };
  if (json === undefined) return { method, headers: accepting };
  return { method, headers: { 'content-type': 'application/json', ...accepting }, body: JSON.stringify(json) };
}
