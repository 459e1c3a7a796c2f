import { RefusalError } from '../errors/auth-error.js';
import { createPrivateSlot } from './private-slot.js';
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

/** How many members connection parameters may have, and their `headers` as well. */
const mostMembers = 100;
/** The longest value that is read: the longest token that is verified, with its scheme. */
const longestValue = 16_400;
const tooLong = `is longer than ${longestValue} characters`;
/** The connection parameters that had too many members. */
const tooLarge = createPrivateSlot<object>();

/** The lower-case names of connection parameters that contain a token without a scheme. */
const tokenParameters = ['token', 'access_token', 'accesstoken'];

/**
 * Creates the view of a message on a socket. A header has the values of the connection parameters with its name (in any
 * case, at the top level or in their `headers`), followed by those of the upgrade request. `token`, `accessToken` and
 * `access_token` among the connection parameters count as `Authorization: Bearer`. Cookies are read from the upgrade
 * request only. Connection parameters with more than 100 members are refused with `INVALID_REQUEST`.
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
 * and each handler of each message reads them. Therefore only names of the right length are compared, and neither many members
 * nor long values are read.
 *
 * @throws {RefusalError} `INVALID_REQUEST` for more members, or a longer value, than credentials need.
 */
function valuesIn(parameters: unknown, header: string): readonly string[] {
  if (!isRecord(parameters)) return [];
  return readNames(parameters).flatMap((name) => {
    const isBareToken = header === 'authorization' && isNamed(name, tokenParameters);
    const value = isBareToken || isNamed(name, [header]) ? parameters[name] : undefined;
    if (typeof value !== 'string' || (isBareToken && value === '')) return [];
    if (value.length > longestValue) throw RefusalError.of('INVALID_REQUEST', `A connection parameter ${tooLong}`);
    return [isBareToken && !/^bearer /i.test(value) ? `Bearer ${value}` : value];
  });
}

function isNamed(name: string, names: readonly string[]): boolean {
  return names.some((known) => known.length === name.length && known === name.toLowerCase());
}

/** The names of the members. That there are too many is remembered, because counting them takes as long as reading them. */
function readNames(parameters: object): readonly string[] {
  const names = tooLarge.find(parameters) === undefined ? Object.keys(parameters) : null;
  if (names !== null && names.length <= mostMembers) return names;
  tooLarge.set(parameters, parameters);
  throw RefusalError.of('INVALID_REQUEST', `The connection parameters have more than ${mostMembers} members`);
}

function headersIn(parameters: unknown): unknown {
  return isRecord(parameters) ? parameters['headers'] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
