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
  readonly headersFrom =
    'the upgrade request and the connection parameters (auth of socket.io, connectionParams of graphql-ws)';
  readonly upgrade: RequestView;
  private readonly parameters: unknown;

  constructor(
    readonly request: object,
    { upgrade, connectionParameters }: SocketConnectionRequest,
  ) {
    this.upgrade = viewHttpRequest(upgrade ?? {});
    this.parameters = connectionParameters;
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
    const sent = this.upgrade.headers(name);
    if (name === 'cookie') return sent;
    return [...valuesIn(this.parameters, name), ...valuesIn(headersIn(this.parameters), name), ...sent];
  };
}

/**
 * The values of a header in connection parameters. An unauthenticated client writes them, they may be as large as a message,
 * and they are read for each message. Therefore this is one pass over their names that allocates nothing for other names.
 */
function valuesIn(parameters: unknown, header: string): readonly string[] {
  if (!isRecord(parameters)) return [];
  const values: string[] = [];
  for (const name of Object.keys(parameters)) {
    const lower = name.toLowerCase();
    const isBareToken = header === 'authorization' && tokenParameters.includes(lower);
    const value = lower === header || isBareToken ? parameters[name] : undefined;
    if (typeof value !== 'string') continue;
    if (!isBareToken) values.push(value);
    else if (value !== '') values.push(/^bearer /i.test(value) ? value : `Bearer ${value}`);
  }
  return values;
}

function headersIn(parameters: unknown): unknown {
  return isRecord(parameters) ? parameters['headers'] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
