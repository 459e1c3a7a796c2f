import { type HttpRequest, viewHttpRequest } from './http-request-view.js';
import { findForeignPage } from './page-origin.js';
import type { RequestView } from './request-view.js';

/** What a socket was opened with. */
export interface SocketOpening {
  /** The HTTP request that was upgraded to the socket; `undefined` where it cannot be had. */
  readonly upgrade: HttpRequest | undefined;
  /**
   * What the client said in its first message, as a browser's socket can send no headers: graphql-ws calls it
   * `connectionParams`, socket.io `auth`.
   */
  readonly greeting: unknown;
  /** Origins whose pages may open a socket with cookies. */
  readonly socketOrigins: readonly string[];
}

/** Names under which a greeting holds a token as it is. */
const bareTokens = ['token', 'access_token', 'accesstoken'];

/**
 * Sees a message on a socket as token sources want to. A header is what the upgrade request had under its name,
 * and what the greeting has, in any case, there or in its `headers`. A greeting's `token`, `accessToken` or
 * `access_token` counts as `Authorization: Bearer`. Cookies are the upgrade request's alone, and left out
 * where a page of another origin opened the socket.
 */
export function viewSocketRequest(carrier: object, opening: SocketOpening): RequestView {
  const request = viewHttpRequest(opening.upgrade ?? {});
  const greeted = readGreeting(opening.greeting);
  const foreign = (): string | undefined => findForeignPage(request, opening.socketOrigins);
  return {
    carrier,
    headers: (name) => {
      const sent = request.headers(name);
      if (name !== 'cookie') return [...(greeted.get(name) ?? []), ...sent];
      return sent.length > 0 && foreign() !== undefined ? [] : sent;
    },
    leftOut: () => {
      const problem = request.headers('cookie').length > 0 ? foreign() : undefined;
      return problem === undefined
        ? undefined
        : `Cookies came and were left out, as ${problem}; if it may, name its origin in socketOrigins`;
    },
  };
}

function readGreeting(greeting: unknown): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  const add = (name: string, value: string): void => void headers.set(name, [...(headers.get(name) ?? []), value]);
  for (const [name, value] of [...textsOf(greeting), ...textsOf(headersOf(greeting))]) {
    add(name, value);
    if (bareTokens.includes(name) && value !== '') {
      add('authorization', /^bearer /i.test(value) ? value : `Bearer ${value}`);
    }
  }
  return headers;
}

function headersOf(greeting: unknown): unknown {
  return typeof greeting === 'object' && greeting !== null && 'headers' in greeting ? greeting.headers : undefined;
}

function textsOf(value: unknown): [name: string, text: string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, text]: [string, unknown]) =>
    typeof text === 'string' ? [[name.toLowerCase(), text]] : [],
  );
}
