/**
 * What the context of a message says beside its data, under names in lower case. Each of Nest's transports keeps it
 * somewhere else: NATS, Kafka and RabbitMQ in headers, MQTT 5 in user properties, gRPC in metadata, and from Nest 12 on
 * Redis and TCP have metadata of the packet.
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
    headers.set(lower, [...(headers.get(lower) ?? []), ...textsOf(value)]);
  }
  return headers;
}

/** gRPC's metadata is the context itself. */
export function isGrpcMetadata(context: unknown): boolean {
  return typeof read(context, 'get') === 'function' && typeof read(context, 'getMap') === 'function';
}

function metadataOf(context: unknown): [name: string, value: unknown][] {
  if (!isGrpcMetadata(context)) return [];
  // Of two values of one name the map knows the first.
  return Object.keys(call(context, 'getMap') as object).map((name) => [name, call(context, 'get', name)]);
}

/** NATS has an object with methods for it, the others have plain ones. */
function entriesOf(bag: unknown): [name: string, value: unknown][] {
  if (typeof bag !== 'object' || bag === null) return [];
  const names = call(bag, 'keys');
  if (!Array.isArray(names)) return Object.entries(bag);
  return (names as string[]).map((name) => [name, call(bag, 'values', name)]);
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Buffer.isBuffer(value)) return [value.toString('utf8')];
  return Array.isArray(value) ? value.flatMap(textsOf) : [];
}

function read(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null ? (from as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** What a method gives, where there is one of that name. */
function call(of: unknown, name: string, ...args: readonly string[]): unknown {
  const method = read(of, name);
  return typeof method === 'function' ? Reflect.apply(method, of, args) : undefined;
}

/** A call of gRPC that the server streams its answer to; others are over with one answer. */
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

/** Tells the client why, and has Nest stop asking the handler for more. */
export function endStream(stream: GrpcStream, code: number, details: string): void {
  stream.emit('error', { code, details });
  stream.emit('cancelled');
}
