import { ForbiddenException, type HttpException } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';

import { toHeaderlessBody, type Answer, type AnswerStatus, type HeaderLines } from '../challenge/error-answers.js';
import { ConfigurationError, type AuthError } from '../errors/auth-error.js';
import { viewHttpRequest, type HttpRequest, type RequestView } from '../request/request-view.js';
import { viewSocketRequest } from '../request/socket-request-view.js';
import type { AuthUser } from '../user/auth-user.js';
import { endSocket, isSocketOpen } from './connection-watch.js';
import {
  findGraphqlRequest,
  findGraphqlResponse,
  type GraphqlRequest,
  type GraphqlSocket,
  readGraphqlCall,
} from './graphql-call.js';
import { appendHeaders, toNestException } from './http.transport.js';
import type { CallContext } from '../access/guard-context.js';
import { type Caller, Transport, type TransportContext } from './transport.js';
import { readOwn, hasCallUser, setCallUser, setFieldUser } from './call-user.js';

/** As Apollo and Nest's drivers call them. */
const codes = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
} satisfies Record<AnswerStatus, string>;

/** graphql-ws clients take 4401 for final, and come back after 4403 with new `connectionParams`. */
const closeCode = 4403;

/**
 * GraphQL on whatever engine Nest drives: queries, mutations and fields over HTTP, and everything over graphql-ws.
 * Nothing of @nestjs/graphql is needed for it: a resolver's arguments are the same everywhere.
 */
export class GraphqlTransport extends Transport {
  override readonly contextType = 'graphql';
  private hasReported = false;

  constructor(
    private readonly context: TransportContext,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    super();
  }

  override view(context: CallContext): RequestView {
    const call = readGraphqlCall(context.getArgs());
    const { http, socket } = this.requestOf(call.context);
    if (socket === null) return viewHttpRequest(http);
    // Many operations come over one socket, and each of them has a context of its own.
    return this.viewSocket(call.context as object, http, socket);
  }

  /** GraphQL has no routes; what a field is asked with has a name all the same. */
  override findParameter(context: CallContext, name: string): unknown {
    return readOwn(readGraphqlCall(context.getArgs()).fieldArguments, name);
  }

  /** Nest takes the operation's context for the request. */
  override injectorRequest(context: CallContext): object {
    return readGraphqlCall(context.getArgs()).context as object;
  }

  override setUser(context: CallContext, { user, verified }: Caller): void {
    const call = readGraphqlCall(context.getArgs());
    const request = this.requestOf(call.context);
    setFieldUser(call, context.getHandler(), user);
    this.setRequestUser(request.holder, user);
    if (verified !== null && call.isSubscription) this.watch(context, request, verified);
  }

  /** For what reads `request.user`. Fields that are open to everybody may run beside those of the user. */
  private setRequestUser(holder: { user?: unknown }, user: unknown): void {
    if (user !== null || !hasCallUser(holder)) holder.user = user;
    setCallUser(holder, holder, user);
  }

  override addHeaders(context: CallContext, headers: HeaderLines): void {
    const response = findGraphqlResponse(readGraphqlCall(context.getArgs()).context);
    if (response !== undefined) appendHeaders(this.adapterHost, response, headers);
  }

  /** An error that a resolver returns counts as thrown. */
  override sendException(exception: Error): Error {
    return exception;
  }

  /**
   * Nest's own exception, so that exception filters work as on HTTP. Its `extensions` are what every engine copies
   * into the error. The body goes without `statusCode`: Nest's Apollo driver would take the code of its own table.
   */
  override toException(answer: Answer, error: AuthError): HttpException {
    const originalError = toHeaderlessBody(error);
    const { reason } = originalError;
    const body = { ...originalError, statusCode: undefined };
    return Object.assign(toNestException(answer.status, body, error), {
      extensions: { code: codes[answer.status], ...(reason !== undefined && { reason }), originalError },
    });
  }

  private requestOf(context: unknown): GraphqlRequest {
    const request = findGraphqlRequest(context);
    if (request !== undefined) return request;
    const problem = 'the GraphQL context has no request in it, so every guarded field is refused';
    const fix =
      'Let the context function of GraphQLModule keep it, as it is without one: context: ({ req }) => ({ req })';
    if (!this.hasReported) this.context.report({ type: 'misconfigured', problem, fix });
    this.hasReported = true;
    throw new ForbiddenException(undefined, { cause: new ConfigurationError('AuthGuard', problem, fix) });
  }

  private viewSocket(request: object, upgrade: HttpRequest, { connectionParams }: GraphqlSocket): RequestView {
    return viewSocketRequest(request, { upgrade, connectionParameters: connectionParams });
  }

  /** What a subscription sends comes without a call that the guard could judge. */
  private watch(context: CallContext, { http, socket }: GraphqlRequest, user: AuthUser): void {
    if (socket === null) return;
    const { connection } = socket;
    this.context.connections.watch(connection, {
      request: this.viewSocket(connection, http, socket),
      user,
      handler: `${context.getClass().name}.${context.getHandler().name}`,
      isOpen: () => isSocketOpen(connection),
      close: ({ code, reason }) => {
        endSocket(connection, closeCode, `${code}: ${String(reason)}`);
      },
    });
  }
}
