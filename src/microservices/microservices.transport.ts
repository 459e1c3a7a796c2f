import type { ExecutionContext } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';

import { toHeaderlessBody, type Answer, type AnswerStatus } from '../challenge/error-answers.js';
import { type AuthError, isAuthError } from '../errors/auth-error.js';
import type { CallContext } from '../access/guard-context.js';
import { type Caller, Transport, type TransportContext } from '../transports/transport.js';
import { onEvents } from '../transports/watched-connection.js';
import { markAnswered } from '../transports/answered-exception.js';
import { setCallUser } from '../transports/call-user.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { createRequestView, type RequestView } from '../request/request-view.js';
import { describeThrown } from '../telemetry/log-text.js';
import { endStream, isGrpcStream, isStreaming, isGrpcMetadata, readMessageHeaders } from './message-headers.js';

/**
 * Reads the token of a message for transports without headers, for example from its data. What it throws counts as no token,
 * except an `AuthError` and an `RpcException`.
 */
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
  404: 5, // NOT_FOUND
  409: 6, // ALREADY_EXISTS
  413: 3, // INVALID_ARGUMENT
  415: 3, // INVALID_ARGUMENT
  429: 8, // RESOURCE_EXHAUSTED
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

  override setUser(context: CallContext, { user, verified, online, mayOutliveToken }: Caller): void {
    const [, message, call] = context.getArgs();
    if (typeof message === 'object' && message !== null) setCallUser(message, context.getHandler(), user);
    if (verified === null || mayOutliveToken === true || !isGrpcStream(call)) return;
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
    // Nest would log an RpcException of an event handler as an error, with its stack.
    return markAnswered(exception);
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
    const readToken = (): GivenToken => this.readToken(context);
    return createRequestView(
      request,
      (name) => {
        // Read where the guard asks for a header, so that a message with too many is refused as the guard refuses others.
        headers ??= readMessageHeaders(context.getArgs()[1]);
        const { token } = name === 'authorization' ? readToken() : noToken;
        return [...(headers.get(name) ?? []), ...(token === undefined ? [] : [withBearer(token)])];
      },
      () => `the headers of the message${readToken().log}`,
    );
  }

  /**
   * Calls the app's `tokenOf`. An anonymous caller decides what it reads, so what it throws means that there is no token, and is
   * described in the refusal; otherwise Nest would log an error with its stack for each such message.
   */
  private readToken(context: CallContext): GivenToken {
    if (this.tokenOf === null) return { token: undefined, log: '; microservices({ tokenOf }) is not set' };
    try {
      const token: unknown = this.tokenOf(context as unknown as ExecutionContext);
      if (typeof token === 'string' && token !== '') return { token, log: '' };
      return { token: undefined, log: '; tokenOf gave no token' };
    } catch (error) {
      if (isAuthError(error) || error instanceof RpcException) throw error;
      // The message may repeat the token, so only the name of the error and the place are stated.
      const [frame = ''] = describeThrown(error, null).frames;
      return {
        token: undefined,
        log: `; tokenOf threw ${error instanceof Error ? error.name : typeof error} ${frame}`,
      };
    }
  }
}

/** What the app's `tokenOf` has given, and its description for the log. */
interface GivenToken {
  readonly token: string | undefined;
  readonly log: string;
}

const noToken: GivenToken = { token: undefined, log: '' };

function withBearer(token: string): string {
  return /^bearer /i.test(token) ? token : `Bearer ${token}`;
}
