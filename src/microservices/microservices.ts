import { path, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { TransportPlugin } from '../transports/transport.js';
import { MicroservicesTransport, type TokenOfMessage } from './microservices.transport.js';

/** Where messages send their token. */
export interface MicroservicesOptions {
  /**
   * The token of a message whose transport has no headers (TCP, Redis), or keeps it elsewhere:
   *
   * ```ts
   * microservices({ tokenOf: (context) => context.switchToRpc().getData().token })
   * ```
   *
   * @defaultValue headers alone are read
   */
  readonly tokenOf?: TokenOfMessage;
}

/**
 * Lets the guard, the marks and `@CurrentUser()` work on the message handlers of microservices:
 *
 * ```ts
 * AuthModule.forRoot({ issuers, transports: [microservices()] })
 * ```
 *
 * The token is read from gRPC's metadata, from the headers of NATS, Kafka and RabbitMQ, from the user properties of
 * MQTT 5, and by `tokenOf`. A refusal is an `RpcException` as the transport has them: a status code for gRPC, and else
 * an object with `status: 'error'`, the message, the code and the reason.
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
