/** The microservice transports of Nest that are available on this machine, each with a client that sends a token. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { headers } from '@nats-io/transport-node';
import {
  type ClientProxy,
  ClientProxyFactory,
  type MicroserviceOptions,
  MqttRecordBuilder,
  NatsRecordBuilder,
  RmqRecordBuilder,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { freePort } from './free-port.js';

/** The pattern prefix of the handlers. Each run has its own, because runs share the servers of a machine. */
export const prefix = randomUUID();

interface MessageCall {
  readonly token?: string;
  /** For transports that have headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface MessageClient {
  /** The response, or the error. */
  ask(name: string, call?: MessageCall): Promise<unknown>;
  /** Sends an event, which has no response. */
  tell(name: string, call?: MessageCall): Promise<unknown>;
  close(): Promise<void>;
}

/** A server that an app connects to, with a client. */
interface MessageLink {
  readonly options: MicroserviceOptions;
  connect(): MessageClient;
}

export interface MessageTransportCase {
  readonly name: string;
  /** Why the transport is not available here; `undefined` when it is. */
  readonly missing: string | undefined;
  /** Whether a message has headers, from which schemes read credentials. */
  readonly hasHeaders: boolean;
  link(): Promise<MessageLink>;
}

async function whyMissing(name: string, port: number): Promise<string | undefined> {
  const isThere = await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
  return isThere ? undefined : `no ${name} answers on 127.0.0.1:${port}`;
}

function ofProxy(proxy: ClientProxy, toData: (call: MessageCall) => unknown): MessageClient {
  return {
    ask: (name, call = {}) => firstValueFrom(proxy.send<unknown>(`${prefix}.${name}`, toData(call))),
    tell: (name, call = {}) =>
      firstValueFrom(proxy.emit<unknown>(`${prefix}.${name}`, toData(call)), { defaultValue: undefined }),
    close: async () => {
      await proxy.close();
    },
  };
}

const inData = (call: MessageCall): unknown => ({ ...call });

function inNatsHeader({ token, headers: others = {} }: MessageCall): unknown {
  const bag = headers();
  for (const [name, value] of Object.entries(others)) bag.append(name, value);
  if (token !== undefined) bag.append('Authorization', `Bearer ${token}`);
  return new NatsRecordBuilder({}).setHeaders(bag).build();
}

function inRmqHeader({ token, headers: others = {} }: MessageCall): unknown {
  const bag = { ...others, ...(token !== undefined && { Authorization: `Bearer ${token}` }) };
  return new RmqRecordBuilder({}).setOptions({ headers: bag }).build();
}

/** User properties exist since MQTT 5. */
function inUserProperties({ token, headers: others = {} }: MessageCall): unknown {
  const bag = { ...others, ...(token !== undefined && { Authorization: `Bearer ${token}` }) };
  const record = new MqttRecordBuilder({});
  // A message with an empty list of user properties does not arrive.
  return (Object.keys(bag).length === 0 ? record : record.setProperties({ userProperties: bag })).build();
}

const protoPath = fileURLToPath(new URL('./cats.proto', import.meta.url));

export const tcp: MessageTransportCase = {
  name: 'TCP',
  missing: undefined,
  hasHeaders: false,
  link: async () => {
    const options = { host: '127.0.0.1', port: await freePort() };
    return {
      options: { transport: Transport.TCP, options },
      connect: () => ofProxy(ClientProxyFactory.create({ transport: Transport.TCP, options }), inData),
    };
  },
};

const redis: MessageTransportCase = {
  name: 'Redis',
  missing: await whyMissing('Redis', 6379),
  hasHeaders: false,
  link: async () => {
    const options = { host: '127.0.0.1', port: 6379 };
    return {
      options: { transport: Transport.REDIS, options },
      connect: () => ofProxy(ClientProxyFactory.create({ transport: Transport.REDIS, options }), inData),
    };
  },
};

const nats: MessageTransportCase = {
  name: 'NATS',
  missing: await whyMissing('NATS', 4222),
  hasHeaders: true,
  link: async () => {
    const options = { servers: ['nats://127.0.0.1:4222'] };
    return {
      options: { transport: Transport.NATS, options },
      connect: () => ofProxy(ClientProxyFactory.create({ transport: Transport.NATS, options }), inNatsHeader),
    };
  },
};

const rabbitMq: MessageTransportCase = {
  name: 'RabbitMQ',
  missing: await whyMissing('RabbitMQ', 5672),
  hasHeaders: true,
  link: async () => {
    const options = {
      urls: ['amqp://guest:guest@127.0.0.1:5672'],
      queue: `${prefix}-${randomUUID()}`,
      queueOptions: { durable: false, autoDelete: true },
    };
    return {
      options: { transport: Transport.RMQ, options },
      connect: () => ofProxy(ClientProxyFactory.create({ transport: Transport.RMQ, options }), inRmqHeader),
    };
  },
};

const mqtt: MessageTransportCase = {
  name: 'MQTT',
  missing: await whyMissing('an MQTT broker', 1883),
  hasHeaders: true,
  link: async () => {
    const options = { url: 'mqtt://127.0.0.1:1883', protocolVersion: 5 as const };
    return {
      options: { transport: Transport.MQTT, options },
      connect: () => ofProxy(ClientProxyFactory.create({ transport: Transport.MQTT, options }), inUserProperties),
    };
  },
};

export const messageTransports: readonly MessageTransportCase[] = [tcp, redis, nats, rabbitMq, mqtt];

/** A client of the service in cats.proto, as grpc-js creates it. */
export interface GrpcClient {
  readonly Me: Unary;
  readonly Maybe: Unary;
  readonly Adopt: Unary;
  readonly Open: Unary;
  Watch(message: object, metadata: Metadata): NameStream;
  close(): void;
}

type Unary = (
  message: object,
  metadata: Metadata,
  answered: (error: ServiceError | null, answer: unknown) => void,
) => void;

interface NameStream {
  on(event: 'data', listener: (name: { name: string }) => void): unknown;
  on(event: 'error', listener: (error: ServiceError) => void): unknown;
  cancel(): void;
}

export function grpcOptions(url: string): MicroserviceOptions {
  return { transport: Transport.GRPC, options: { package: 'cats', protoPath, url } };
}

export function connectGrpc(url: string): GrpcClient {
  const definition = loadPackageDefinition(loadSync(protoPath)) as unknown as {
    cats: { Cats: new (url: string, how: object) => GrpcClient };
  };
  return new definition.cats.Cats(url, credentials.createInsecure());
}

export function metadataWith(token?: string, others: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(others)) metadata.set(name, value);
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}
