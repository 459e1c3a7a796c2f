import { viewHttpRequest, type HttpRequest, type RequestView } from './request-view.js';
import { findForeignPage } from './request-origin.js';

/** What a socket was opened with. */
export interface SocketConnectionRequest {
  /** The HTTP request that was upgraded to the socket; `undefined` where it cannot be had. */
  readonly upgrade: HttpRequest | undefined;
  /**
   * What the client said in its first message, as a browser's socket can send no headers: graphql-ws calls it
   * `connectionParams`, socket.io `auth`.
   */
  readonly connectionParameters: unknown;
  /** Origins whose pages may open a socket with cookies. */
  readonly socketOrigins: readonly string[];
}

/** Names under which a connectionParameters holds a token as it is. */
const bareTokens = ['token', 'access_token', 'accesstoken'];

/**
 * Sees a message on a socket as token sources want to. A header is what the upgrade request had under its name,
 * and what the connectionParameters has, in any case, there or in its `headers`. A connectionParameters's `token`, `accessToken` or
 * `access_token` counts as `Authorization: Bearer`. Cookies are the upgrade request's alone, and left out
 * where a page of another origin opened the socket.
 */
export function viewSocketRequest(request: object, opening: SocketConnectionRequest): RequestView {
  const upgrade = viewHttpRequest(opening.upgrade ?? {});
  const greeted = readConnectionParameters(opening.connectionParameters);
  const foreign = (): string | undefined => findForeignPage(upgrade, opening.socketOrigins);
  return {
    request,
    headers: (name) => {
      const sent = upgrade.headers(name);
      if (name !== 'cookie') return [...(greeted.get(name) ?? []), ...sent];
      return sent.length > 0 && foreign() !== undefined ? [] : sent;
    },
    leftOut: () => {
      const problem = upgrade.headers('cookie').length > 0 ? foreign() : undefined;
      return problem === undefined
        ? undefined
        : `Cookies came and were left out, as ${problem}; if it may, name its origin in socketOrigins`;
    },
  };
}

function readConnectionParameters(connectionParameters: unknown): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  const add = (name: string, value: string): void => void headers.set(name, [...(headers.get(name) ?? []), value]);
  for (const [name, value] of [...textsOf(connectionParameters), ...textsOf(headersOf(connectionParameters))]) {
    add(name, value);
    if (bareTokens.includes(name) && value !== '') {
      add('authorization', /^bearer /i.test(value) ? value : `Bearer ${value}`);
    }
  }
  return headers;
}

function headersOf(connectionParameters: unknown): unknown {
  return typeof connectionParameters === 'object' && connectionParameters !== null && 'headers' in connectionParameters
    ? connectionParameters.headers
    : undefined;
}

function textsOf(value: unknown): [name: string, text: string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, text]: [string, unknown]) =>
    typeof text === 'string' ? [[name.toLowerCase(), text]] : [],
  );
}
