import { RefusalError } from '../errors/auth-error.js';

const mostHeaders = 100;

/**
 * Reads the headers of a message, with names in lower case. Each transport of Nest stores them differently: NATS, Kafka
 * and RabbitMQ have headers, MQTT 5 has user properties, gRPC has metadata, and since Nest 12 Redis and TCP have packet
 * metadata.
 *
 * @throws {RefusalError} `INVALID_REQUEST` for more than 100 headers, which the sender writes and which are read for each
 * handler.
 */
export function readMessageHeaders(context: unknown): ReadonlyMap<string, readonly string[]> {
  const message = call(context, 'getMessage');
  const bags = [
    ...[call(context, 'getHeaders'), read(message, 'headers'), read(read(message, 'properties'), 'headers')],
    ...[read(read(call(context, 'getPacket'), 'properties'), 'userProperties'), call(context, 'getMetadata')],
  ];
  const headers = new Map<string, string[]>();
  for (const [name, value] of [...bags.flatMap(entriesOf), ...metadataOf(context)]) {
    const lower = name.toLowerCase();
    const values = headers.get(lower) ?? [];
    values.push(...textsOf(value));
    headers.set(lower, values);
  }
  return headers;
}

/** For gRPC, the context is the metadata object itself. */
export function isGrpcMetadata(context: unknown): boolean {
  return typeof read(context, 'get') === 'function' && typeof read(context, 'getMap') === 'function';
}

function metadataOf(context: unknown): [name: string, value: unknown][] {
  if (!isGrpcMetadata(context)) return [];
  // `getMap` has only the first of several values of a name, so each name is read by `get`.
  return limited(Object.keys(call(context, 'getMap') as object)).map((name) => [name, call(context, 'get', name)]);
}

/** NATS stores headers in an object with methods, the other transports in plain objects. */
function entriesOf(bag: unknown): [name: string, value: unknown][] {
  if (typeof bag !== 'object' || bag === null) return [];
  const names = call(bag, 'keys');
  if (Array.isArray(names)) return limited(names as string[]).map((name) => [name, call(bag, 'values', name)]);
  return limited(Object.keys(bag)).map((name) => [name, read(bag, name)]);
}

function limited(names: readonly string[]): readonly string[] {
  if (names.length <= mostHeaders) return names;
  throw RefusalError.of('INVALID_REQUEST', `The message has more than ${mostHeaders} headers`);
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Buffer.isBuffer(value)) return [value.toString('utf8')];
  return Array.isArray(value) ? value.flatMap(textsOf) : [];
}

function read(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null ? (from as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** Calls a method if the object has one of this name. */
function call(of: unknown, name: string, ...args: readonly string[]): unknown {
  const method = read(of, name);
  return typeof method === 'function' ? Reflect.apply(method, of, args) : undefined;
}

/** A gRPC call with a streamed response. */
export interface GrpcStream {
  readonly cancelled: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  emit(event: 'cancelled' | 'error', error?: object): unknown;
}

export function isGrpcStream(call: unknown): call is GrpcStream {
  return typeof call === 'object' && call !== null && 'writableEnded' in call && 'cancelled' in call && 'emit' in call;
}

export function isStreaming({ cancelled, writableEnded, destroyed }: GrpcStream): boolean {
  return !cancelled && !writableEnded && !destroyed;
}

/** Ends a stream with a status for the client. `cancelled` makes Nest unsubscribe from the handler's observable. */
export function endStream(stream: GrpcStream, code: number, details: string): void {
  stream.emit('error', { code, details });
  stream.emit('cancelled');
}
