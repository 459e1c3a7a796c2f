import { createHash } from 'node:crypto';

import { type Clock, SystemClock } from '../clock/clock.js';
import { BoundedMap } from './bounded-map.js';
import { CallPolicy } from './call-policy.js';
import type { BreakerState } from './circuit-breaker.js';
import { ConnectionPool, mostConnections } from './connection-pool.js';
import { FairQueue } from './fair-queue.js';
import {
  defaultLimits,
  type Fetch,
  type HttpLimits,
  isJson,
  readBody,
  readRetryAfter,
  readText,
  type ReceivedResponse,
  refuseRedirect,
  type ResponseHeaders,
  type SendRequest,
  type SentRequest,
  withinDeadline,
} from './http-exchange.js';
import { toFailure, UpstreamFailure } from './upstream-failure.js';

/** A call. At most one of `json` and `form` is sent. */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS';
  /** The whole address; with `origin`, one of that origin. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `application/json`. */
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>;
  /**
   * Whether it may be sent again when its outcome is unknown: set it for a POST that changes nothing.
   *
   * @defaultValue true for GET, false for others
   */
  readonly repeatable?: boolean;
  /**
   * Whose call it is: a pause that the provider asks for (429) applies to the calls of this caller only. Otherwise one
   * user who exceeds their limit, or a stranger with invented tokens, would pause the calls for all users. It may be the
   * user's token: only its SHA-256 is kept.
   */
  readonly caller?: string;
  /**
   * Whether a 429 or a 500 is a decision of the server about what this call asks for, and so an answer like any other; for example
   * that the key of a user is used too often, or that the server fails on what somebody has sent. Any other 429 limits the calls of
   * this app: a failure, after which they pause. Any other 500 is a failure that counts for the circuit breaker.
   *
   * @defaultValue none is
   */
  readonly isDecision?: (answer: HttpAnswer) => boolean;
  /** Reads a body that is a form as well, as token endpoints older than RFC 6749 send it. @defaultValue false */
  readonly readsForm?: boolean;
}

/** What a server decided: any status except redirects, 500 and above, and 429, which are failures; 429 and 500 unless `isDecision`. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** The body when its content type is JSON, or with `readsForm` a form as an object of texts; otherwise `undefined`. */
  readonly body: unknown;
}

export interface HttpClientOptions {
  /** The only origin that may be called. Left out, any address may be. */
  readonly origin?: string | undefined;
  /**
   * Keeps connections between calls. Without it each call has a connection of its own, which suits calls that are
   * minutes apart: a server may have closed a kept one in the meantime. @defaultValue false
   */
  readonly keepAlive?: boolean;
  /**
   * Repeats what may be repeated, twice and after growing delays or as `Retry-After` says; pauses when the server asks
   * for it; after five failures in a row, does not call the server for ten seconds at a time. @defaultValue false
   */
  readonly retry?: boolean;
  /** Sends the requests, in place of the connections of `keepAlive` or the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  readonly limits?: Partial<HttpLimits>;
  /** For the dates of `Retry-After`, the pauses and the circuit breaker. @defaultValue the machine's clock */
  readonly clock?: Clock;
}

/** The longest pause that one 429 may cause: it may be meant for one kind of call, or for one user. */
const longestPauseSeconds = 60;
/** How many callers' pauses are remembered. */
const mostPausedCallers = 1_000;

/**
 * Makes every call of the package: with one deadline for the whole call, a limit of size, and without following
 * redirects. A decision of the server, a refusal included, is an answer; when there is none, it throws an
 * {@link UpstreamFailure}.
 */
export class HttpClient {
  private readonly limits: HttpLimits;
  private readonly clock: Clock;
  private readonly pool?: ConnectionPool;
  /** Calls wait here for a connection, and not in the pool, because waiting is no failure of the server. */
  private readonly queue?: FairQueue;
  private readonly send: SendRequest;
  private readonly policy?: CallPolicy;
  private pausedUntil = 0;
  private readonly callersPausedUntil = new BoundedMap<string, number>(mostPausedCallers);

  constructor(private readonly options: HttpClientOptions = {}) {
    const { origin = '', keepAlive, retry, fetch = platformFetch, limits, clock = new SystemClock() } = options;
    this.limits = { ...defaultLimits, ...limits };
    this.clock = clock;
    if (retry === true) this.policy = new CallPolicy(hostOf(origin), this.limits.timeoutMs, this.clock);
    if (keepAlive === true && fetch === platformFetch) {
      this.pool = new ConnectionPool(this.limits.timeoutMs);
      this.queue = new FairQueue({ mostRunning: mostConnections });
    }
    this.send = this.pool?.send ?? fetch;
  }

  /** Whether the server is called at present. `closed` without `retry`. */
  get breaker(): BreakerState {
    return this.policy?.state ?? 'closed';
  }

  /**
   * Makes a call and reads its answer.
   *
   * @throws {UpstreamFailure} for a status of 500 and above or 429 that `isDecision` does not confirm, a redirect, no complete answer within the deadline,
   * too many bytes, a broken connection, a successful answer whose JSON is invalid; or when the server is not called
   * because of its earlier failures or a pause that it has asked for.
   */
  call(call: HttpCall): Promise<HttpAnswer> {
    return this.run(call, false);
  }

  /**
   * Gets a JSON document.
   *
   * @throws {UpstreamFailure} as `call` does, and for any answer that is not successful or not JSON. An answer without
   * a content type is read as JSON.
   */
  getJson(url: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return this.run({ method: 'GET', url, headers }, true);
  }

  /** Ends the connections. Calls in progress fail. */
  async close(): Promise<void> {
    await this.pool?.close();
  }

  private async run(call: HttpCall, requiresJson: boolean): Promise<HttpAnswer> {
    const { url, method, repeatable = method === 'GET', caller = null } = call;
    const { origin } = this.options;
    const host = hostOf(url);
    // The caller may send keys of this provider, and no other server may receive them.
    if (origin !== undefined && new URL(url).origin !== origin) {
      throw new Error(`The client of ${origin} was asked to call another origin`);
    }
    this.refusePaused(host, caller);
    const attempt = (leftMs: number): Promise<HttpAnswer> =>
      this.inTurn(host, leftMs, (inTimeMs, lateFailure) =>
        withinDeadline(inTimeMs, lateFailure, (signal) => this.attempt(call, requiresJson, signal)),
      );
    try {
      const { policy } = this;
      return await (policy === undefined ? attempt(this.limits.timeoutMs) : policy.run(attempt, repeatable));
    } catch (error) {
      const failure = toFailure(error, host);
      if (this.policy !== undefined) this.notePause(failure, caller);
      throw failure;
    }
  }

  /** Waits for a connection. A call that had to wait has less time, so that it is late says nothing about the server. */
  private inTurn(
    host: string,
    leftMs: number,
    send: (leftMs: number, lateFailure: () => UpstreamFailure) => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    const late = (): UpstreamFailure =>
      new UpstreamFailure('timeout', `${host} did not answer within ${this.limits.timeoutMs} ms`);
    const congested = (): UpstreamFailure =>
      new UpstreamFailure('congested', `${host} is being called ${mostConnections} times, and calls wait`);
    if (this.queue === undefined) return send(leftMs, late);
    return this.queue.run((waitedMs) => send(leftMs - waitedMs, waitedMs === 0 ? late : congested), {
      patienceMs: leftMs,
      toError: congested,
    });
  }

  private async attempt(call: HttpCall, requiresJson: boolean, signal: AbortSignal): Promise<HttpAnswer> {
    const host = hostOf(call.url);
    const response = await this.send(call.url, { ...this.requestOf(call), redirect: 'manual', signal });
    const { status, headers } = response;
    refuseRedirect(response, host);
    const { isDecision } = call;
    const isDoubtful = status === 429 || status === 500;
    if (isDoubtful ? isDecision === undefined : status > 500) throw this.failureOf(response, host);
    if (requiresJson) requireJson(response, host);
    // Read to its end in any case, because a connection is only kept when no bytes are left on it.
    const text = await readText(response, host, this.limits.maxBytes);
    const body = readBody(text, response, { host, requiresJson, readsForm: call.readsForm === true });
    const answer = { status, headers, body };
    if (isDoubtful) this.checkDecision(answer, response, call);
    return answer;
  }

  /** @throws {UpstreamFailure} for a 429 or 500 that decides nothing. */
  private checkDecision(answer: HttpAnswer, response: ReceivedResponse, { url, isDecision }: HttpCall): void {
    if (isDecision?.(answer) !== true) throw this.failureOf(response, hostOf(url));
  }

  private failureOf({ status, headers }: ReceivedResponse, host: string): UpstreamFailure {
    const retryAfterSeconds = readRetryAfter(headers.get('retry-after'), this.clock.now());
    const problem = status === 429 ? 'rate-limited' : 'status';
    return new UpstreamFailure(problem, `${host} answered with status ${status}`, status, { retryAfterSeconds });
  }

  private requestOf({ method, headers = {}, json, form }: HttpCall): Pick<SentRequest, 'method' | 'headers' | 'body'> {
    const connection = this.options.keepAlive === true ? {} : { connection: 'close' };
    const common = { accept: 'application/json', ...connection, ...headers };
    if (form !== undefined) {
      const type = 'application/x-www-form-urlencoded';
      return { method, headers: { 'content-type': type, ...common }, body: new URLSearchParams(form).toString() };
    }
    if (json === undefined) return { method, headers: common };
    return { method, headers: { 'content-type': 'application/json', ...common }, body: JSON.stringify(json) };
  }

  /** Pauses all calls, or those of one caller when the server counts by caller. */
  private notePause({ problem, retryAfterSeconds }: UpstreamFailure, caller: string | null): void {
    if (problem !== 'rate-limited' || retryAfterSeconds === null) return;
    const until = this.now() + Math.min(retryAfterSeconds, longestPauseSeconds) * 1_000;
    if (caller === null) this.pausedUntil = Math.max(this.pausedUntil, until);
    else this.callersPausedUntil.set(hashOf(caller), Math.max(this.callerPausedUntil(caller), until));
  }

  private refusePaused(host: string, caller: string | null): void {
    for (const until of [this.pausedUntil, this.callerPausedUntil(caller)]) {
      const leftMs = until - this.now();
      // A clock that was set back must not prolong a pause beyond its limit.
      if (leftMs <= 0 || leftMs > longestPauseSeconds * 1_000) continue;
      const message = `${host} has asked for a pause, and is not called until it is over`;
      throw new UpstreamFailure('rate-limited', message, 429, { retryAfterSeconds: leftMs / 1_000 });
    }
  }

  private callerPausedUntil(caller: string | null): number {
    if (caller === null || this.callersPausedUntil.size === 0) return 0;
    return this.callersPausedUntil.get(hashOf(caller)) ?? 0;
  }

  private now(): number {
    return this.clock.now().getTime();
  }
}

function hashOf(caller: string): string {
  return createHash('sha256').update(caller).digest('base64');
}

/** Reads the global at each call, because apps replace it. */
const platformFetch: Fetch = (url, init) => globalThis.fetch(url, init);

/** What issuers use of a client. A type of its own, because two loaded copies of the package have two classes. */
export type HttpCaller = Pick<HttpClient, 'call' | 'getJson'>;

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the server';
}

function requireJson({ status, headers }: ReceivedResponse, host: string): void {
  if (status < 200 || status >= 300) {
    throw new UpstreamFailure('status', `${host} answered with status ${status}`, status);
  }
  const contentType = headers.get('content-type');
  if (contentType !== null && !isJson(contentType)) {
    throw new UpstreamFailure('content-type', `${host} answered with something that is not JSON`, status);
  }
}
