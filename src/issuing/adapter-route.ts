import { createHash } from 'node:crypto';

import type { HeaderLines } from '../challenge/error-answers.js';
import type { RequestView } from '../request/request-view.js';
import type { MaybePromise } from '../token/maybe-promise.js';

/** A route on the HTTP adapter itself: no global prefix, version, guard, pipe, interceptor or filter of Nest applies. */
export interface AdapterRoute {
  /** A GET route answers HEAD as well. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The exact path, without parameters. */
  readonly path: string;
  /** Whether pages of any origin may read it: it then answers OPTIONS, and has `Access-Control-Allow-Origin: *`. */
  readonly isPublic: boolean;
  /**
   * Makes the answer. It may read the body by `readFormBody`. An `AuthError` that it throws is answered by the table of errors; for any other error the answer is 503.
   */
  readonly answer: (view: RequestView) => MaybePromise<AdapterAnswer>;
}

/** A response as data. */
export interface AdapterAnswer {
  readonly status: number;
  readonly headers: HeaderLines;
  readonly body: string | null;
}

/** The response to `OPTIONS` at a public route (Fetch §3.3.3), which asks what a page may send. */
export function answerPreflight(view: RequestView): AdapterAnswer {
  const asked = view.headers('access-control-request-headers');
  return {
    status: 204,
    headers: [
      ['Access-Control-Allow-Origin', '*'],
      ['Access-Control-Allow-Methods', 'GET, HEAD, OPTIONS'],
      ...(asked.length > 0 ? [['Access-Control-Allow-Headers', asked.join(', ')] as const] : []),
      ['Vary', 'Access-Control-Request-Headers'],
    ],
    body: null,
  };
}

/** A public document of the app, with the validator by which clients ask whether it has changed. */
export interface JsonDocument {
  readonly body: string;
  readonly etag: string;
}

/** Other services ask again after five minutes. A new signing key is published long before it signs. */
const cacheControl = 'public, max-age=300';

export function toJsonDocument(value: object): JsonDocument {
  const body = JSON.stringify(value);
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}

/** The response with a document, or 304 to a client that has it already. */
export function answerDocument({ body, etag }: JsonDocument, view: RequestView): AdapterAnswer {
  const headers = [
    ['Cache-Control', cacheControl],
    ['ETag', etag],
  ] as const;
  // RFC 9110 §13.1.2: the comparison ignores the mark of a weak validator, which a proxy may have added.
  const known = view.headers('if-none-match').flatMap((line) => line.split(',').map((tag) => tag.trim()));
  if (known.some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag)) return { status: 304, headers, body: null };
  return { status: 200, headers: [['Content-Type', 'application/json; charset=utf-8'], ...headers], body };
}
