import {
  type ArgumentsHost,
  BadRequestException,
  ForbiddenException,
  type HttpException,
  InternalServerErrorException,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core';

import type { Answer, AnswerStatus, HeaderLines } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import { viewHttpRequest, type HttpRequest, type RequestView } from '../request/request-view.js';
import type { CallContext } from '../access/guard-context.js';
import { readOwn } from './call-user.js';
import { type ArgumentsOfCall, type Caller, Transport } from './transport.js';

const exceptions = {
  400: BadRequestException,
  401: UnauthorizedException,
  403: ForbiddenException,
  500: InternalServerErrorException,
  503: ServiceUnavailableException,
} satisfies Record<AnswerStatus, new (body: object, options: { cause: unknown }) => HttpException>;

/** HTTP on Express and on Fastify. The first arguments of a context are request and response; Nest's adapter covers the differences. */
export class HttpTransport extends Transport {
  override readonly contextType = 'http';

  constructor(private readonly adapterHost: HttpAdapterHost) {
    super();
  }

  override view(context: CallContext): RequestView {
    return viewHttpRequest(context.getArgs()[0] as HttpRequest);
  }

  override findParameter(context: CallContext, name: string): unknown {
    return readOwn((context.getArgs()[0] as { readonly params?: unknown }).params, name);
  }

  override setUser(context: CallContext, { user }: Caller): void {
    (context.getArgs()[0] as { user?: unknown }).user = user;
  }

  override addHeaders(context: CallContext, headers: HeaderLines): void {
    appendHeaders(this.adapterHost, context.getArgs()[1], headers);
  }

  override toException({ status, body }: Answer, error: AuthError): HttpException {
    return toNestException(status, { ...body }, error);
  }

  override sendException(exception: Error, host: ArgumentsOfCall): void {
    new BaseExceptionFilter(this.adapterHost.httpAdapter).catch(exception, host as ArgumentsHost);
  }
}

/**
 * Appends header lines to a response of Express or Fastify. A line that the response has already is not added again, and nothing is
 * added after the headers have been sent.
 */
export function appendHeaders(host: HttpAdapterHost, response: unknown, headers: HeaderLines): void {
  const { httpAdapter } = host;
  if (headers.length === 0 || httpAdapter.isHeadersSent(response)) return;
  for (const [name, value] of headers) {
    const sent = [httpAdapter.getHeader(response, name) as string | readonly string[] | undefined].flat();
    if (sent.includes(value)) continue;
    if (sent[0] === undefined) httpAdapter.setHeader(response, name, value);
    else httpAdapter.appendHeader(response, name, value);
  }
}

/** Nest's own exception for a status, so that exception filters of the app recognise it. */
export function toNestException(status: AnswerStatus, body: object, cause: AuthError): HttpException {
  return new exceptions[status](body, { cause });
}
