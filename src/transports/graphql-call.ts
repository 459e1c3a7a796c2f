import type { PrivateSlot } from '../request/private-slot.js';
import type { HttpRequest } from '../request/request-view.js';
import { nodeResponseOf } from './node-response.js';

/** Fastify's reply to each request. */
type Replies = PrivateSlot<object>;

/**
 * The path of a field in an operation, from the field to the root. In graphql-js, `prev` is the same object as the path of the
 * containing field, and there is a `typename`. In compiled queries (graphql-jit, which Mercurius uses) each field gets a copy of
 * the whole path, without `typename`.
 */
interface FieldPath {
  readonly key?: string | number;
  readonly prev?: FieldPath | undefined;
  readonly typename?: string | undefined;
}

/** The arguments of a resolver, as far as guards need them. */
export interface GraphqlCall {
  /** The arguments of the field, by name. */
  readonly fieldArguments: unknown;
  /** The context that the app creates for each operation. */
  readonly context: unknown;
  /** `null` for an engine that passes none. */
  readonly path: FieldPath | null;
  readonly isSubscription: boolean;
}

/** The request that an operation was sent with. */
export interface GraphqlRequest {
  /** The object that the context holds as its request: the HTTP request, or the object of graphql-ws for a connection. */
  readonly holder: { user?: unknown };
  /** The HTTP request; on a socket its upgrade request. */
  readonly http: HttpRequest;
  readonly socket: GraphqlSocket | null;
}

/** The connection of an operation that was sent over a WebSocket. */
export interface GraphqlSocket {
  /** The connection parameters: what the client sent in its first message. */
  readonly connectionParams: unknown;
  /** The WebSocket, or the TCP socket if the engine does not give access to the WebSocket. */
  readonly connection: object;
}

/** Reads the arguments of a resolver, `(parent, args, context, info)`, or of a reference resolver, `(reference, context, info)`. */
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

/** The path of the field, that of the field that contains it, and so on up to the root. */
export function fieldChainOf(path: FieldPath | null): readonly FieldPath[] {
  const fields: FieldPath[] = [];
  for (let at = path ?? undefined; at !== undefined; at = at.prev) fields.push(at);
  return fields;
}

/** Whether the path is a copy, so that the containing field is found by its path as a text instead of by object identity. */
export function isPathCopied(path: FieldPath | null): path is FieldPath {
  return path !== null && !('typename' in path);
}

/** A path as a text: `cats.0.owner`. */
export function pathTextOf(path: FieldPath): string {
  return fieldChainOf(path)
    .map(({ key }) => String(key))
    .reverse()
    .join('.');
}

/**
 * Finds the request in the context of an operation: in `req`, where Nest's drivers put it, or in `request` or `reply.request`,
 * where Mercurius puts it for a socket. `undefined` if the context function of the app has left it out.
 */
export function findGraphqlRequest(context: unknown): GraphqlRequest | undefined {
  const candidates = [read(context, 'req'), read(context, 'request'), read(read(context, 'reply'), 'request'), context];
  for (const holder of candidates) {
    const request = isObject(holder) ? toRequest(holder, context) : undefined;
    if (request !== undefined) return request;
  }
  return undefined;
}

/**
 * Finds the HTTP response in the context, in its request, or among `replies`, by its request. `undefined` if there is none, or if its
 * headers have been sent.
 */
export function findGraphqlResponse(context: unknown, replies: Replies): object | undefined {
  return responsesIn(context, replies).find((response): response is object => {
    const takesHeaders = [read(response, 'setHeader'), read(response, 'header')].some(
      (set) => typeof set === 'function',
    );
    return takesHeaders && read(response, 'headersSent') !== true && read(response, 'sent') !== true;
  });
}

/** Finds the HTTP response, also after its headers have been sent. Members of these names may be the app's own. */
export function findResponse(context: unknown, replies: Replies): unknown {
  return responsesIn(context, replies).find((response) => nodeResponseOf(response) !== undefined);
}

function responsesIn(context: unknown, replies: Replies): readonly unknown[] {
  const request = read(context, 'req');
  const reply = isObject(request) ? replies.find(request) : undefined;
  return [read(context, 'res'), read(context, 'reply'), read(request, 'res'), reply];
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

/**
 * Whether the request opened a socket. Node sets `upgrade` when it hands the connection over; the header of this name may be
 * on any request, because the caller writes it.
 */
function isUpgrade(http: HttpRequest): boolean {
  return read(http, 'upgrade') === true || read(http.raw, 'upgrade') === true;
}

function read(from: unknown, name: string): unknown {
  return isObject(from) ? (from as Readonly<Record<string, unknown>>)[name] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
