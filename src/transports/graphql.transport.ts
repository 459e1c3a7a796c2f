import { ForbiddenException, type HttpException } from '@nestjs/common';
import type { AbstractHttpAdapter, HttpAdapterHost } from '@nestjs/core';

import { statusOf, toHeaderlessBody } from '../challenge/error-answers.js';
import type { Answer, AnswerStatus, HeaderlessBody, HeaderLines } from '../challenge/error-answers.js';
import { ConfigurationError, type AuthError } from '../errors/auth-error.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { viewHttpRequest, type HttpRequest, type RequestView } from '../request/request-view.js';
import { viewSocketRequest } from '../request/socket-request-view.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import {
  findGraphqlRequest,
  findGraphqlResponse,
  findResponse,
  type GraphqlRequest,
  type GraphqlSocket,
  readGraphqlCall,
} from './graphql-call.js';
import { appendHeaders, toNestException } from './http.transport.js';
import { type CallContext, handlerNameOf } from '../access/guard-context.js';
import { formatEvent, ResponseWatch } from './response-watch.js';
import { type Caller, Transport, type TransportContext } from './transport.js';
import { endSocket, isSocketOpen, onEvents, type WatchedConnection } from './watched-connection.js';
import { readOwn, hasCallUser, setCallUser, setFieldUser } from './call-user.js';

/** The codes that Apollo and Nest's drivers use in `extensions.code`. */
const codes = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
} satisfies Record<AnswerStatus, string>;

/** The close code: graphql-ws clients do not reconnect after 4401; after 4403 they reconnect, with new `connectionParams`. */
const closeCode = 4403;

/** The part of a Fastify instance that is used here. */
interface FastifyApp {
  addHook(name: 'onRequest', hook: (request: object, reply: object, done: () => void) => void): void;
}

/**
 * GraphQL with any of Nest's drivers: queries, mutations and fields over HTTP, and all operations over graphql-ws. It does not
 * import `@nestjs/graphql`, because resolvers have the same arguments with every driver.
 */
export class GraphqlTransport extends Transport {
  override readonly contextType = 'graphql';
  private readonly responses: ResponseWatch;
  private hasReported = false;
  /** Fastify's reply to each request. */
  private readonly replies = createPrivateSlot<object>();

  constructor(
    private readonly context: TransportContext,
    private readonly adapterHost: HttpAdapterHost,
    /** Whether the app has a GraphQL module. Called when the modules are initialized, not earlier. */
    private readonly isUsed: () => boolean,
  ) {
    super();
    const { connections } = context;
    this.responses = new ResponseWatch({ connections, view: (call) => this.view(call), lastEvents });
  }

  override start(): void {
    const adapter = this.adapterHost.httpAdapter as AbstractHttpAdapter | undefined;
    if (adapter?.getType() !== 'fastify' || !this.isUsed()) return;
    // Nest's Apollo driver has only the request in its context. Express's request leads to the response, Fastify's does not.
    adapter.getInstance<FastifyApp>().addHook('onRequest', (request, reply, done) => {
      this.replies.set(request, reply);
      done();
    });
  }

  override view(context: CallContext): RequestView {
    const call = readGraphqlCall(context.getArgs());
    const { http, socket } = this.requestOf(call.context);
    if (socket === null) return viewHttpRequest(http);
    // One socket carries many operations. The context is the object that each of them has for itself.
    return this.viewSocket(call.context as object, http, socket);
  }

  /** GraphQL has no route parameters; the arguments of the field take their place. */
  override findParameter(context: CallContext, name: string): unknown {
    return readOwn(readGraphqlCall(context.getArgs()).fieldArguments, name);
  }

  /** Nest uses the operation's context as the request. */
  override injectorRequest(context: CallContext): object {
    return readGraphqlCall(context.getArgs()).context as object;
  }

  override setUser(context: CallContext, caller: Caller): void {
    const call = readGraphqlCall(context.getArgs());
    const request = this.requestOf(call.context);
    const { user, verified, online } = caller;
    setFieldUser(call, context.getHandler(), user);
    this.setRequestUser(request.holder, user);
    if (verified === null || caller.mayOutliveToken === true) return;
    if (request.socket === null) this.responses.note(findResponse(call.context, this.replies), context, caller);
    else if (call.isSubscription) this.watch(context, request, { user: verified, online });
  }

  override findExtendedUser(context: CallContext): MaybePromise<AuthUser | null> {
    const call = readGraphqlCall(context.getArgs());
    const { socket } = this.requestOf(call.context);
    if (socket === null) return this.responses.findExtended(findResponse(call.context, this.replies));
    return this.context.connections.findExtended(socket.connection);
  }

  /** Sets `request.user` for code that reads it. An anonymous field does not overwrite the user of another field of the operation. */
  private setRequestUser(holder: { user?: unknown }, user: unknown): void {
    if (user !== null || !hasCallUser(holder)) holder.user = user;
    setCallUser(holder, holder, user);
  }

  override addHeaders(context: CallContext, headers: HeaderLines): void {
    const call = readGraphqlCall(context.getArgs());
    const response = findGraphqlResponse(call.context, this.replies);
    if (response !== undefined) appendHeaders(this.adapterHost, response, headers);
  }

  /** A resolver may return an error instead of throwing it. */
  override sendException(exception: Error): Error {
    return exception;
  }

  /**
   * Returns one of Nest's HTTP exceptions, so that exception filters work as on HTTP. Every engine copies the `extensions` into the
   * error. The body has no `statusCode`, because Nest's Apollo driver would replace the code by one from its own table.
   */
  override toException(answer: Answer, error: AuthError): HttpException {
    const extensions = extensionsOf(error);
    const body = { ...extensions.originalError, statusCode: undefined };
    return Object.assign(toNestException(answer.status, body, error), { extensions });
  }

  private requestOf(context: unknown): GraphqlRequest {
    const request = findGraphqlRequest(context);
    if (request !== undefined) return request;
    const problem = 'the GraphQL context does not contain the request, so every guarded field is refused';
    const fix =
      'Return the request from the context function of GraphQLModule, as its default does: context: ({ req }) => ({ req })';
    if (!this.hasReported) this.context.report({ type: 'misconfigured', problem, fix });
    this.hasReported = true;
    throw new ForbiddenException(undefined, { cause: new ConfigurationError('AuthGuard', problem, fix) });
  }

  private viewSocket(request: object, upgrade: HttpRequest, { connectionParams }: GraphqlSocket): RequestView {
    return viewSocketRequest(request, { upgrade, connectionParameters: connectionParams });
  }

  /** Watches the connection of a subscription, because the guard does not run for the events that it sends. */
  private watch(
    context: CallContext,
    { http, socket }: GraphqlRequest,
    caller: Pick<WatchedConnection, 'user' | 'online'>,
  ): void {
    if (socket === null) return;
    const { connection } = socket;
    this.context.connections.watch(connection, {
      request: this.viewSocket(connection, http, socket),
      ...caller,
      handler: handlerNameOf({ context }),
      isOpen: () => isSocketOpen(connection),
      onClose: (listener) => {
        onEvents(connection, ['close'], listener);
      },
      close: ({ code, reason }) => {
        endSocket(connection, closeCode, `${code}: ${String(reason)}`);
      },
    });
  }
}

/** The `extensions` of a refusal. */
function extensionsOf(error: AuthError): { code: string; reason?: string; originalError: HeaderlessBody } {
  const originalError = toHeaderlessBody(error);
  const { reason } = originalError;
  return { code: codes[statusOf(error)], ...(reason !== undefined && { reason }), originalError };
}

/** The last events of an event stream whose token has ended (GraphQL over SSE, distinct connections): a result, and the end. */
function lastEvents(refusal: AuthError): string {
  const result = { errors: [{ message: refusal.message, extensions: extensionsOf(refusal) }] };
  return formatEvent('next', JSON.stringify(result)) + formatEvent('complete', '');
}
