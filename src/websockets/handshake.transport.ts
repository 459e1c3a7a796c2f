import { type CallContext, handlerNameOf } from '../access/guard-context.js';
import type { Answer } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import { type Caller, Transport, type TransportContext } from '../transports/transport.js';
import type { RequestView } from '../request/request-view.js';
import { viewSocketRequest } from '../request/socket-request-view.js';
import { HandshakeRefusal, handshakeType, type Handshake } from './handshake.js';
import { toWatchedClient } from './socket-client.js';

/** Handshakes: the guard runs before a client is connected to a gateway. */
export class HandshakeTransport extends Transport {
  override readonly contextType = handshakeType;

  constructor(private readonly context: TransportContext) {
    super();
  }

  override view(context: CallContext): RequestView {
    const handshake = handshakeOf(context);
    return this.viewOf(handshake, handshake.request);
  }

  override setUser(context: CallContext, caller: Caller): void {
    const handshake = handshakeOf(context);
    const { verified: user, online } = caller;
    const handler = handlerNameOf({ context });
    const watch = (client: object): void => {
      if (user === null) return;
      const request = this.viewOf(handshake, client);
      this.context.connections.watch(client, toWatchedClient(client, { request, user, handler, online }));
    };
    handshake.admit(caller, watch);
  }

  override addHeaders(): void {
    // An accepted handshake has no answer with headers. The headers of a refusal are part of the `HandshakeRefusal`.
  }

  override toException(answer: Answer, error: AuthError): HandshakeRefusal {
    return new HandshakeRefusal(answer, error);
  }

  private viewOf({ connectionRequest }: Handshake, request: object): RequestView {
    return viewSocketRequest(request, connectionRequest);
  }
}

function handshakeOf(context: CallContext): Handshake {
  return context.getArgs()[0] as Handshake;
}
