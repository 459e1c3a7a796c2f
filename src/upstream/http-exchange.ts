import { UpstreamFailure } from './upstream-failure.js';

/** The function that carries calls out: the platform's `fetch`, or one that goes through a proxy or trusts a private CA. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A request as it is sent. */
export interface SentRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
}

/** A response as it arrives; the platform's `Response` has this form. */
export interface ReceivedResponse {
  readonly status: number;
  /** `opaqueredirect` for a redirect that shows nothing more. */
  readonly type?: string;
  readonly headers: ResponseHeaders;
  /** Its bytes, after the content encoding was removed. */
  readonly body: object | null;
}

/** Header values by name, in any case; `null` for a header that is absent. */
export interface ResponseHeaders {
  get(name: string): string | null;
}

/** Sends one request: the app's own `fetch`, the global one, or a pool of kept connections. */
export type SendRequest = (url: string, request: SentRequest) => Promise<ReceivedResponse>;

export interface HttpLimits {
  /** Milliseconds for the whole call, from the first byte sent to the last byte read, repetitions included. */
  readonly timeoutMs: number;
  /** Bytes of an answer, after decompression, at which reading stops. */
  readonly maxBytes: number;
}

export const defaultLimits: HttpLimits = { timeoutMs: 5_000, maxBytes: 1_048_576 };

/** A `Retry-After` of more than a day is read as a day. */
const longestRetryAfterSeconds = 86_400;

/**
 * The seconds that a `Retry-After` header states (RFC 9110 §10.2.3), as a number or as a date; at most a day.
 * `undefined` when the header is absent or has neither form.
 */
export function readRetryAfter(value: string | null, now: Date): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text), longestRetryAfterSeconds);
  // Date.parse accepts many texts that are no dates; every date form of RFC 9110 begins with the day's name.
  const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date)) return undefined;
  const seconds = Math.ceil((date - now.getTime()) / 1_000);
  return Math.min(Math.max(seconds, 0), longestRetryAfterSeconds);
}

/**
 * Reads the body of a response as text.
 *
 * @throws {UpstreamFailure} `too-large` when it has more than `maxBytes`.
 */
export async function readText({ body }: ReceivedResponse, host: string, maxBytes: number): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new UpstreamFailure('too-large', `${host} answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType);
}

/** Whether a body may be a form: some servers that send one call it plain text. */
function isForm(contentType: string): boolean {
  return /^(?:application\/x-www-form-urlencoded|text\/plain)\s*(?:;|$)/i.test(contentType);
}

/** The fields of a form; of several with one name the last. A text that is no form gives fields that nobody looks for. */
function parseForm(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** @throws {UpstreamFailure} `not-json` */
function parseJson(text: string, host: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message repeats the text that it failed on, so it is left out.
    throw new UpstreamFailure('not-json', `${host} answered with something that is not JSON`);
  }
}

interface BodyRules {
  readonly host: string;
  readonly requiresJson: boolean;
  readonly readsForm: boolean;
}

/** @returns `undefined` for a body that is not read. @throws {UpstreamFailure} `not-json` */
export function readBody(text: string, { status, headers }: ReceivedResponse, rules: BodyRules): unknown {
  const type = headers.get('content-type') ?? '';
  if (rules.requiresJson || isJson(type)) return parse(text, rules.host, status < 300);
  return rules.readsForm && isForm(type) ? parseForm(text) : undefined;
}

/** A refusal is described by its status and headers, so an invalid body of it is not a failure. */
function parse(text: string, host: string, mustBeJson: boolean): unknown {
  try {
    return parseJson(text, host);
  } catch (error) {
    if (mustBeJson) throw error;
    return undefined;
  }
}

/** Redirects are not followed, because the target would receive the keys and tokens of the request. */
export function refuseRedirect({ type, status }: ReceivedResponse, host: string): void {
  if (type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    throw new UpstreamFailure('redirect', `${host} answered with a redirect, which is not followed`, status);
  }
}

/**
 * Runs a call with a deadline. The call's signal is aborted when the call is over, however it ended, so that a body
 * that was not read to its end does not hold its socket.
 */
export async function withinDeadline<Result>(
  timeoutMs: number,
  lateFailure: () => Error,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(lateFailure());
    }, timeoutMs);
  });
  try {
    // A race, because an abort alone does not end every call: a body that does not match its content-encoding leaves
    // its reader waiting for ever, together with all callers that share the call.
    return await Promise.race([call(controller.signal), deadline]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}
