import type { ArgumentsHost } from '@nestjs/common';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';

import { type CallContext, handlerNameOf } from '../access/guard-context.js';
import { toHeaderlessBody, type Answer } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import { type ArgumentsOfCall, type Caller, Transport, type TransportContext } from '../transports/transport.js';
import { setCallUser } from '../transports/call-user.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { RequestView } from '../request/request-view.js';
import { viewSocketRequest } from '../request/socket-request-view.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import { findConnectionRequest, keepUpgradesOf, toWatchedClient } from './socket-client.js';

/** One message. The app's `toUser` gets it as the request. */
export interface SocketMessage {
  readonly client: object;
  readonly data: unknown;
}

/** Messages to the handlers of gateways, on socket.io and on ws. */
export class MessageTransport extends Transport {
  override readonly contextType = 'ws';
  /** By the list of arguments, which is the same for all guards of one message. The client object is shared by all its messages. */
  private readonly messages = createPrivateSlot<SocketMessage>();
  private hasReported = false;

  constructor(private readonly context: TransportContext) {
    super();
  }

  override start(): void {
    keepUpgradesOf(this.context.findHttpServer());
  }

  override view(context: CallContext): RequestView {
    const client = clientOf(context);
    // If the token has expired, the guard refuses the message, and this closes the connection as well.
    this.context.connections.recheckIfDue(client);
    return this.viewOf(client, this.messageOf(context));
  }

  override setUser(context: CallContext, { user, verified, online }: Caller): void {
    const client = clientOf(context);
    setCallUser(client, context.getHandler(), user);
    if (verified === null) return;
    const handler = handlerNameOf({ context });
    const request = this.viewOf(client, client);
    const watched = toWatchedClient(client, { request, user: verified, handler, online });
    this.context.connections.watch(client, watched);
  }

  override findExtendedUser(context: CallContext): MaybePromise<AuthUser | null> {
    return this.context.connections.findExtended(clientOf(context));
  }

  override addHeaders(): void {
    // Messages have no headers.
  }

  /** Returns Nest's exception for gateways, which Nest sends to the client as the event `exception`. */
  override toException(_: Answer, error: AuthError, context: CallContext): WsException {
    const pattern = context.getArgs().at(-1);
    const cause = typeof pattern === 'string' ? { cause: { pattern } } : {};
    const exception = new WsException({ status: 'error', ...toHeaderlessBody(error), ...cause });
    exception.cause = error;
    return exception;
  }

  override sendException(exception: Error, host: ArgumentsOfCall): void {
    new BaseWsExceptionFilter().catch(exception, host as ArgumentsHost);
  }

  private messageOf(context: CallContext): SocketMessage {
    const args = context.getArgs();
    const known = this.messages.find(args);
    if (known !== undefined) return known;
    const message = { client: clientOf(context), data: args[1] };
    this.messages.set(args, message);
    return message;
  }

  private viewOf(client: object, request: object): RequestView {
    const connectionRequest = findConnectionRequest(client);
    if (connectionRequest === undefined) this.reportMissingUpgrade();
    const { upgrade, connectionParameters } = connectionRequest ?? {};
    return viewSocketRequest(request, { upgrade, connectionParameters });
  }

  private reportMissingUpgrade(): void {
    if (this.hasReported) return;
    this.hasReported = true;
    this.context.report({
      type: 'misconfigured',
      problem: 'The upgrade request of a WebSocket is not available, so its messages are treated as having no token',
      fix: "Use an adapter that keeps the request: app.useWebSocketAdapter(new (withAuth(WsAdapter))(app)); import { withAuth } from 'nest-gatehouse/websockets'",
    });
  }
}

function clientOf(context: CallContext): object {
  const [client] = context.getArgs();
  if (typeof client === 'object' && client !== null) return client;
  throw new TypeError('A gateway was called without a client');
}
