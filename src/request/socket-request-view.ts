import { viewHttpRequest, type HttpRequest, type RequestView } from './request-view.js';

/** The data that a socket was opened with. */
export interface SocketConnectionRequest {
  /** The upgrade request; `undefined` where it is not available. */
  readonly upgrade: HttpRequest | undefined;
  /**
   * The connection parameters, which a client sends in its first message, because a browser cannot set headers on a
   * socket: `connectionParams` of graphql-ws, `auth` of socket.io.
   */
  readonly connectionParameters: unknown;
}

/** The lower-case names of connection parameters that contain a token without a scheme. */
const tokenParameters = ['token', 'access_token', 'accesstoken'];

/**
 * Creates the view of a message on a socket. A header has the values of the connection parameters with its name (in any
 * case, at the top level or in their `headers`), followed by those of the upgrade request. `token`, `accessToken` and
 * `access_token` among the connection parameters count as `Authorization: Bearer`. Cookies are read from the upgrade
 * request only.
 */
export function viewSocketRequest(request: object, connection: SocketConnectionRequest): RequestView {
  return new SocketRequestView(request, connection);
}

class SocketRequestView implements RequestView {
  readonly upgrade: RequestView;
  private readonly parameters: ReadonlyMap<string, readonly string[]>;

  constructor(
    readonly request: object,
    { upgrade, connectionParameters }: SocketConnectionRequest,
  ) {
    this.upgrade = viewHttpRequest(upgrade ?? {});
    this.parameters = readConnectionParameters(connectionParameters);
  }

  get carrier(): object {
    return this.request;
  }

  get method(): string | null {
    return this.upgrade.method;
  }

  get url(): string | null {
    return this.upgrade.url;
  }

  readonly headers = (name: string): readonly string[] => {
    const upgradeValues = this.upgrade.headers(name);
    return name === 'cookie' ? upgradeValues : [...(this.parameters.get(name) ?? []), ...upgradeValues];
  };
}

function readConnectionParameters(connectionParameters: unknown): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  const add = (name: string, value: string): void => void headers.set(name, [...(headers.get(name) ?? []), value]);
  for (const [name, value] of [...textsOf(connectionParameters), ...textsOf(headersOf(connectionParameters))]) {
    add(name, value);
    if (tokenParameters.includes(name) && value !== '') {
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
