import type { Clock } from '../clock/clock.js';
import { type BreakerState, CallPolicy } from './call-policy.js';
import type { HttpResponse, HttpCall, HttpClient } from './http-client.js';
import { ConnectionPool } from './connection-pool.js';
import { withinDeadline } from './deadline.js';
import { isJson, parseJson, readText, refuseRedirect } from './read-body.js';
import { readRetryAfter } from './retry-after.js';
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
   * Whether it may be sent again when anonymousCaller knows what came of it: true for a POST that only asks.
   *
   * @defaultValue true for GET, false for POST
   */
  readonly repeatable?: boolean;
  /**
   * The user's token, where it is by their right that is asked, at an endpoint that counts calls by user: a pause that
   * it then asks for is theirs alone. Whoever spends their own share would else keep everybody out.
   */
  readonly caller?: string;
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

export interface ProviderClientParts {
  /** Carries the calls out. @defaultValue a pool of kept connections */
  readonly fetch?: Fetch | undefined;
  readonly limits: UpstreamLimits;
  readonly clock: Clock;
}

/** The longest that one 429 keeps us from calling: what it asks for may be meant for one kind of call, or one user. */
const longestPauseSeconds = 60;
/** How many users' pauses are kept in mind. */
const mostPausedCallers = 1_000;

/**
 * Calls one provider's API, `https://api.provider.example`. What the provider decided, a refusal as well as a
 * yes, is an answer; that it could not be asked is an {@link UpstreamFailure}.
 *
 * A call has one deadline for all of it. What is safe to repeat is repeated twice, after waits that grow, or as
 * `Retry-After` says; a provider that does not answer five times in a row is left alone for ten seconds at a time.
 */
export class ProviderClient {
  private readonly host: string;
  private readonly policy: CallPolicy;
  private readonly pool: ConnectionPool;
  private readonly client: HttpClient;
  /** By the caller, the oldest first; `null` for all. */
  private readonly pausedUntil = new Map<string | null, number>();

  constructor(
    /** Scheme, host and port: everything that it calls is there. */
    readonly origin: string,
    private readonly parts: ProviderClientParts,
  ) {
    this.host = new URL(origin).host;
    this.policy = new CallPolicy(this.host, parts.limits.timeoutMs);
    this.pool = new ConnectionPool(parts.limits.timeoutMs);
    // What the platform's types call a body is narrower than what comes out of it.
    this.client = (parts.fetch as HttpClient | undefined) ?? this.pool.send;
  }

  /** Whether the provider is called as usual, or left alone for a while. */
  get breaker(): BreakerState {
    return this.policy.state;
  }

  /**
   * @throws {UpstreamFailure} when there is no answer: a status from 500 on, 429, a redirect, no end of it
   * within the deadline, too many bytes, a connection that breaks, JSON that is none; or the provider was not
   * called, as it does not answer or has asked for a pause.
   */
  async call(call: ProviderCall): Promise<ProviderAnswer> {
    const { url, method, repeatable = method === 'GET', caller = null } = call;
    // Whoever has this client may hold keys of this provider, and they go nowhere else.
    if (new URL(url).origin !== this.origin) throw new Error(`The client of ${this.origin} calls anonymousCaller else`);
    this.refusePaused(null);
    if (caller !== null) this.refusePaused(caller);
    try {
      return await this.policy.run((leftMs) => this.attempt(call, leftMs), repeatable);
    } catch (error) {
      throw this.notePause(toFailure(error, this.host), caller);
    }
  }

  /** Ends the connections. Calls that are under way fail. */
  async close(): Promise<void> {
    await this.pool.close();
  }

  private attempt(call: ProviderCall, leftMs: number): Promise<ProviderAnswer> {
    const late = (): UpstreamFailure =>
      new UpstreamFailure('timeout', `${this.host} did not answer within ${this.parts.limits.timeoutMs} ms`);
    return withinDeadline(leftMs, late, (signal) => this.send(call, signal));
  }

  private async send(call: ProviderCall, signal: AbortSignal): Promise<ProviderAnswer> {
    const response = await this.client(call.url, { ...requestOf(call), redirect: 'manual', signal });
    const { status, headers } = response;
    refuseRedirect(response, this.host);
    if (status === 429 || status >= 500) throw this.failureOf(response);
    // Read to its end whatever it is, as a connection is only kept when nothing is left on it.
    const text = await readText(response, this.host, this.parts.limits.maxBytes);
    const body = isJson(headers.get('content-type') ?? '') ? this.parse(text, status < 300) : undefined;
    return { status, headers, body };
  }

  private failureOf({ status, headers }: HttpResponse): UpstreamFailure {
    const retryAfterSeconds = readRetryAfter(headers.get('retry-after'), this.parts.clock.now());
    const problem = status === 429 ? 'rate-limited' : 'status';
    return new UpstreamFailure(problem, `${this.host} answered with status ${status}`, status, { retryAfterSeconds });
  }

  /** What a refusal says is in its status and its headers, so a body of it that is no JSON is no trouble. */
  private parse(text: string, mustBeJson: boolean): unknown {
    try {
      return parseJson(text, this.host);
    } catch (error) {
      if (mustBeJson) throw error;
      return undefined;
    }
  }

  /** A provider that wants fewer calls is not called by the next caller either, unless it counts by caller. */
  private notePause(failure: UpstreamFailure, caller: string | null): UpstreamFailure {
    if (failure.problem === 'rate-limited' && failure.retryAfterSeconds !== null) {
      const seconds = Math.min(failure.retryAfterSeconds, longestPauseSeconds);
      const until = Math.max(this.pausedUntil.get(caller) ?? 0, this.now() + seconds * 1_000);
      this.pausedUntil.delete(caller);
      this.pausedUntil.set(caller, until);
      this.dropOldPause();
    }
    return failure;
  }

  private dropOldPause(): void {
    if (this.pausedUntil.size <= mostPausedCallers) return;
    const oldest = [...this.pausedUntil.keys()].find((caller) => caller !== null);
    if (oldest !== undefined) this.pausedUntil.delete(oldest);
  }

  private refusePaused(caller: string | null): void {
    const leftMs = (this.pausedUntil.get(caller) ?? 0) - this.now();
    // A clock that was put back must not keep us from calling for longer than a pause may last.
    if (leftMs <= 0 || leftMs > longestPauseSeconds * 1_000) return;
    const message = `${this.host} has asked for a pause, and is not called until it is over`;
    throw new UpstreamFailure('rate-limited', message, 429, { retryAfterSeconds: leftMs / 1_000 });
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

function requestOf({ method, headers = {}, json, form }: ProviderCall): Pick<HttpCall, 'method' | 'headers' | 'body'> {
  const accepting = { accept: 'application/json', ...headers };
  if (form !== undefined) {
    const type = 'application/x-www-form-urlencoded';
    return { method, headers: { 'content-type': type, ...accepting }, body: new URLSearchParams(form).toString() };
  }
  if (json === undefined) return { method, headers: accepting };
  return { method, headers: { 'content-type': 'application/json', ...accepting }, body: JSON.stringify(json) };
}
