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
