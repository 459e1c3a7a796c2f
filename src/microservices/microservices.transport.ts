import type { ExecutionContext } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';

import { toHeaderlessBody, type Answer, type AnswerStatus } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import type { CallContext } from '../access/guard-context.js';
import { type Caller, Transport, type TransportContext } from '../transports/transport.js';
import { onEvents } from '../transports/watched-connection.js';
import { setCallUser } from '../transports/call-user.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { createRequestView, type RequestView } from '../request/request-view.js';
import { endStream, isGrpcStream, isStreaming, isGrpcMetadata, readMessageHeaders } from './message-headers.js';

/** Reads the token of a message for transports without headers, for example from its data. */
export type TokenOfMessage = (context: ExecutionContext) => string | undefined;

/** A message; `toUser` receives it as the request. */
export interface ServiceMessage {
  readonly data: unknown;
  /** Nest's context of the transport: `NatsContext`, `KafkaContext`, …; for gRPC, the metadata. */
  readonly context: unknown;
}

/** The gRPC status code for each HTTP status. */
const grpcCodes = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  500: 13, // INTERNAL
  503: 14, // UNAVAILABLE
} satisfies Record<AnswerStatus, number>;

/** Adapts messages and gRPC calls of every microservice transport of Nest. */
export class MicroservicesTransport extends Transport {
  override readonly contextType = 'rpc';
  /** The message by its list of arguments, which is the same object for all guards of one message. */
  private readonly messages = createPrivateSlot<ServiceMessage>();

  constructor(
    private readonly context: TransportContext,
    private readonly tokenOf: TokenOfMessage | null,
  ) {
    super();
  }

  override view(context: CallContext): RequestView {
    return this.viewOf(context, this.messageOf(context));
  }

  override setUser(context: CallContext, { user, verified, online }: Caller): void {
    const [, message, call] = context.getArgs();
    if (typeof message === 'object' && message !== null) setCallUser(message, context.getHandler(), user);
    if (verified === null || !isGrpcStream(call)) return;
    this.context.connections.watch(call, {
      request: this.viewOf(context, call),
      user: verified,
      online,
      handler: `${context.getClass().name}.${context.getHandler().name}`,
      isOpen: () => isStreaming(call),
      onClose: (listener) => {
        onEvents(call, ['cancelled', 'finish', 'close'], listener);
      },
      close: (refusal) => {
        endStream(call, grpcCodes[401], refusal.message);
      },
    });
  }

  override addHeaders(): void {
    // Nest has no common way to add headers to the response of a message.
  }

  override toException({ status, body }: Answer, error: AuthError, context: CallContext): RpcException {
    const isGrpc = isGrpcMetadata(context.getArgs()[1]);
    const exception = new RpcException(
      isGrpc ? { code: grpcCodes[status], message: body.message } : { status: 'error', ...toHeaderlessBody(error) },
    );
    exception.cause = error;
    return exception;
  }

  override sendException(exception: Error): Observable<never> {
    return throwError(() => (exception instanceof RpcException ? exception.getError() : exception));
  }

  private messageOf(context: CallContext): ServiceMessage {
    const args = context.getArgs();
    const known = this.messages.find(args);
    if (known !== undefined) return known;
    const message = { data: args[0], context: args[1] };
    this.messages.set(args, message);
    return message;
  }

  private viewOf(context: CallContext, request: object): RequestView {
    let headers: ReturnType<typeof readMessageHeaders> | undefined;
    const token: unknown = this.tokenOf?.(context as unknown as ExecutionContext);
    return createRequestView(request, (name) => {
      // Read where the guard asks for a header, so that a message with too many is refused as the guard refuses others.
      headers ??= readMessageHeaders(context.getArgs()[1]);
      return [
        ...(headers.get(name) ?? []),
        ...(name === 'authorization' && typeof token === 'string' && token !== '' ? [withBearer(token)] : []),
      ];
    });
  }
}

function withBearer(token: string): string {
  return /^bearer /i.test(token) ? token : `Bearer ${token}`;
}
