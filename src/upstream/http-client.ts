/** A call as it is carried out. */
export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
}

/** An answer as it comes in; the platform's `Response` is one. */
export interface HttpResponse {
  readonly status: number;
  /** `opaqueredirect` where a redirect came and shows nothing more. */
  readonly type?: string;
  readonly headers: { get(name: string): string | null };
  /** Its bytes, without the encoding that they were sent in. */
  readonly body: object | null;
}

/** What carries calls out: the app's own `fetch`, or connections that are kept. */
export type HttpClient = (url: string, call: HttpCall) => Promise<HttpResponse>;
