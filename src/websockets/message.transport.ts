import type { ArgumentsHost } from '@nestjs/common';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';

import { toHeaderlessBody, type Answer } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import type { CallContext } from '../access/guard-context.js';
import { type ArgumentsOfCall, type Caller, Transport, type TransportContext } from '../transports/transport.js';
import { setCallUser } from '../transports/call-user.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { RequestView } from '../request/request-view.js';
import { viewSocketRequest } from '../request/socket-request-view.js';
import { findConnectionRequest, keepUpgradesOf, toWatchedClient } from './socket-client.js';

/** One message, as `toUser` is handed it for the request. */
export interface SocketMessage {
  readonly client: object;
  readonly data: unknown;
}

/** Messages to the handlers of gateways, on socket.io and on ws. */
export class MessageTransport extends Transport {
  override readonly contextType = 'ws';
  /** All guards of one message are handed one list of arguments; a client is that of all its messages. */
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
    // A message that comes after the token has ended is refused, and then the connection goes as well.
    this.context.connections.recheckIfDue(client);
    return this.viewOf(client, this.messageOf(context));
  }

  override setUser(context: CallContext, { user, verified }: Caller): void {
    const client = clientOf(context);
    setCallUser(client, context.getHandler(), user);
    if (verified === null) return;
    const handler = `${context.getClass().name}.${context.getHandler().name}`;
    const watched = toWatchedClient(client, { request: this.viewOf(client, client), user: verified, handler });
    this.context.connections.watch(client, watched);
  }

  override addHeaders(): void {
    // A message has none.
  }

  /** The client gets it as the event `exception`, as Nest sends it. */
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
    const opening = findConnectionRequest(client);
    if (opening === undefined) this.reportUnseen();
    const { upgrade, connectionParameters } = opening ?? {};
    return viewSocketRequest(request, { upgrade, connectionParameters });
  }

  private reportUnseen(): void {
    if (this.hasReported) return;
    this.hasReported = true;
    this.context.report({
      type: 'misconfigured',
      problem: 'The request that opened a WebSocket went by unseen, so its messages count as coming without a token',
      fix: "Let the adapter keep it: app.useWebSocketAdapter(new (withAuth(WsAdapter))(app)); import { withAuth } from 'nest-gatehouse/websockets'",
    });
  }
}

function clientOf(context: CallContext): object {
  const [client] = context.getArgs();
  if (typeof client === 'object' && client !== null) return client;
  throw new TypeError('A gateway was called without a client');
}
