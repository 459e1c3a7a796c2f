import { type HttpRequest, viewHttpRequest } from '../request/request-view.js';

/**
 * A field's place in an operation. From graphql-js, `prev` is the very object that the field around it was told, and
 * there is a `typename`; a compiled query (graphql-jit, which Mercurius uses) tells each field anew.
 */
interface FieldPath {
  readonly key?: string | number;
  readonly prev?: FieldPath | undefined;
  readonly typename?: string | undefined;
}

/** What a resolver was called with. */
export interface GraphqlCall {
  /** What the field was asked with, by name. */
  readonly fieldArguments: unknown;
  /** The app's own, made for each operation. */
  readonly context: unknown;
  /** `null` where the engine gives none. */
  readonly path: FieldPath | null;
  readonly isSubscription: boolean;
}

/** What brought an operation. */
export interface GraphqlRequest {
  /** What the context has as its request: the HTTP request, or what graphql-ws makes of a connection. */
  readonly holder: { user?: unknown };
  /** The HTTP request; for a socket the one that it was opened with. */
  readonly http: HttpRequest;
  readonly socket: GraphqlSocket | null;
}

/** The connection of an operation that did not come by HTTP. */
export interface GraphqlSocket {
  /** What the client said when it connected. */
  readonly connectionParams: unknown;
  /** The WebSocket, or where the engine does not show it, what is below. */
  readonly connection: object;
}

/** Reads the arguments of a resolver: `(parent, args, context, info)`, or `(reference, context, info)`. */
export function readGraphqlCall(args: readonly unknown[]): GraphqlCall {
  const [fieldArguments, context, info] = args.length === 3 ? [undefined, ...args.slice(1)] : args.slice(1);
  const path = read(info, 'path');
  return {
    fieldArguments,
    context,
    path: isObject(path) ? path : null,
    isSubscription: read(read(info, 'operation'), 'operation') === 'subscription',
  };
}

/** The field, the one around it, and so on. */
export function lineageOf(path: FieldPath | null): readonly FieldPath[] {
  const fields: FieldPath[] = [];
  for (let at = path ?? undefined; at !== undefined; at = at.prev) fields.push(at);
  return fields;
}

/** Whether a path is only told, so that the field around it is known by name alone. */
export function isTold(path: FieldPath | null): path is FieldPath {
  return path !== null && !('typename' in path);
}

/** `cats.0.owner` */
export function nameOfField(path: FieldPath): string {
  return lineageOf(path)
    .map(({ key }) => String(key))
    .reverse()
    .join('.');
}

/**
 * The request in a context: where Nest's drivers put it (`req`), or where Mercurius does (`request`, `reply.request`)
 * on a socket. `undefined` when the app's own context function left it out.
 */
export function findGraphqlRequest(context: unknown): GraphqlRequest | undefined {
  const held = [read(context, 'req'), read(context, 'request'), read(read(context, 'reply'), 'request'), context];
  for (const holder of held) {
    const request = isObject(holder) ? toRequest(holder, context) : undefined;
    if (request !== undefined) return request;
  }
  return undefined;
}

/** The HTTP response, where the context or the request leads to it and it can still be written to. */
export function findGraphqlResponse(context: unknown): object | undefined {
  const held = [read(context, 'res'), read(context, 'reply'), read(read(context, 'req'), 'res')];
  return held.find((response): response is object => {
    const takesHeaders = [read(response, 'setHeader'), read(response, 'header')].some(
      (set) => typeof set === 'function',
    );
    return takesHeaders && read(response, 'headersSent') !== true && read(response, 'sent') !== true;
  });
}

function toRequest(holder: object, context: unknown): GraphqlRequest | undefined {
  const extra = read(holder, 'extra');
  const http = isObject(extra) ? read(extra, 'request') : holder;
  if (!isObject(http) || !isObject(read(http, 'headers'))) return undefined;
  if (!isObject(extra) && !isUpgrade(http)) return { holder, http, socket: null };
  const params =
    read(holder, 'connectionParams') ?? read(context, 'connectionParams') ?? read(context, '_connectionInit');
  const connection = [read(extra, 'socket'), read(read(http, 'raw'), 'socket'), read(http, 'socket')].find(isObject);
  return { holder, http, socket: { connectionParams: params, connection: connection ?? http } };
}

function isUpgrade(http: HttpRequest): boolean {
  return viewHttpRequest(http)
    .headers('upgrade')
    .some((value) => value.toLowerCase() === 'websocket');
}

function read(from: unknown, name: string): unknown {
  return isObject(from) ? (from as Readonly<Record<string, unknown>>)[name] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
