import type { ExecutionContext } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';

import { toHeaderlessBody, type Answer, type AnswerStatus } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import type { CallContext } from '../access/guard-context.js';
import { type Caller, Transport, type TransportContext } from '../transports/transport.js';
import { setCallUser } from '../transports/call-user.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { RequestView } from '../request/request-view.js';
import { endStream, isGrpcStream, isStreaming, isGrpcMetadata, readMessageHeaders } from './message-headers.js';

/** The token of a message, for transports that have no headers: out of its data, or whatever the app agreed upon. */
export type TokenOfMessage = (context: ExecutionContext) => string | undefined;

/** One message, as `toUser` is handed it for the request. */
export interface ServiceMessage {
  readonly data: unknown;
  /** Nest's context of the transport: `NatsContext`, `KafkaContext`, …; the metadata where it is gRPC. */
  readonly context: unknown;
}

/** The status codes of gRPC. */
const grpcCodes = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  500: 13, // INTERNAL
  503: 14, // UNAVAILABLE
} satisfies Record<AnswerStatus, number>;

/** Messages and calls of microservices, over whatever transport of Nest's. */
export class MicroservicesTransport extends Transport {
  override readonly contextType = 'rpc';
  /** All guards of one message are handed one list of arguments. */
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

  override setUser(context: CallContext, { user, verified }: Caller): void {
    const [, message, call] = context.getArgs();
    if (typeof message === 'object' && message !== null) setCallUser(message, context.getHandler(), user);
    if (verified === null || !isGrpcStream(call)) return;
    this.context.connections.watch(call, {
      request: this.viewOf(context, call),
      user: verified,
      handler: `${context.getClass().name}.${context.getHandler().name}`,
      isOpen: () => isStreaming(call),
      close: (refusal) => {
        endStream(call, grpcCodes[401], refusal.message);
      },
    });
  }

  override addHeaders(): void {
    // What an answer carries beside itself is each transport's own.
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
    const headers = readMessageHeaders(context.getArgs()[1]);
    const token: unknown = this.tokenOf?.(context as unknown as ExecutionContext);
    return new MessageView(request, (name) => [
      ...(headers.get(name) ?? []),
      ...(name === 'authorization' && typeof token === 'string' && token !== '' ? [withScheme(token)] : []),
    ]);
  }
}

class MessageView implements RequestView {
  readonly method = null;
  readonly url = null;

  constructor(
    readonly request: object,
    readonly headers: RequestView['headers'],
  ) {}

  get carrier(): object {
    return this.request;
  }
}

function withScheme(token: string): string {
  return /^bearer /i.test(token) ? token : `Bearer ${token}`;
}
