import { path, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { TransportPlugin } from '../transports/transport.js';
import { MicroservicesTransport, type TokenOfMessage } from './microservices.transport.js';

/** Configures where a message has its token. */
export interface MicroservicesOptions {
  /**
   * Reads the token where the transport has no headers (TCP, Redis), or where it is not in a header:
   *
   * ```ts
   * microservices({ tokenOf: (context) => context.switchToRpc().getData().token })
   * ```
   *
   * @defaultValue only headers are read
   */
  readonly tokenOf?: TokenOfMessage;
}

/**
 * Makes the guard, the `@Require…` decorators and `@CurrentUser()` work on message handlers of microservices:
 *
 * ```ts
 * AuthModule.forRoot({ issuers, transports: [microservices()] })
 * ```
 *
 * The token is read from the metadata of gRPC, from the headers of NATS, Kafka and RabbitMQ, from the user properties of
 * MQTT 5, and by `tokenOf`. A refusal is an `RpcException`: for gRPC it has a status code, for other transports it is an
 * object with `status: 'error'`, the message, the code and the reason.
 *
 * @throws {ConfigurationError} for a wrong or unknown option.
 */
export function microservices(options: MicroservicesOptions = {}): TransportPlugin {
  const { tokenOf } = readOptions('microservices', options, ['tokenOf']);
  if (tokenOf !== undefined && typeof tokenOf !== 'function') {
    throw new ConfigurationError(
      path('microservices', 'tokenOf'),
      'a function is expected',
      'Write (context) => context.switchToRpc().getData().token, or leave it out',
    );
  }
  return Object.freeze({
    contextType: 'rpc',
    open: (context) => [new MicroservicesTransport(context, (tokenOf as TokenOfMessage | undefined) ?? null)],
  } satisfies TransportPlugin);
}
