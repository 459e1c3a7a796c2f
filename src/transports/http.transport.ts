import {
  type ArgumentsHost,
  BadRequestException,
  ConflictException,
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  NotFoundException,
  PayloadTooLargeException,
  ServiceUnavailableException,
  UnauthorizedException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core';

import { toHeaderlessBody, type Answer, type AnswerStatus, type HeaderLines } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import { viewHttpRequest, type HttpRequest, type RequestView } from '../request/request-view.js';
import type { CallContext } from '../access/guard-context.js';
import { readOwn } from './call-user.js';
import { formatEvent, ResponseWatch } from './response-watch.js';
import { type ArgumentsOfCall, type Caller, Transport, type TransportContext } from './transport.js';

/** Nest has no exception of its own for this status. */
class TooManyRequestsException extends HttpException {
  constructor(body: object, options: { cause: unknown }) {
    super(body, 429, options);
  }
}

const exceptions = {
  400: BadRequestException,
  401: UnauthorizedException,
  403: ForbiddenException,
  404: NotFoundException,
  409: ConflictException,
  413: PayloadTooLargeException,
  415: UnsupportedMediaTypeException,
  429: TooManyRequestsException,
  500: InternalServerErrorException,
  503: ServiceUnavailableException,
} satisfies Record<AnswerStatus, new (body: object, options: { cause: unknown }) => HttpException>;

/** HTTP on Express and on Fastify. The first arguments of a context are request and response; Nest's adapter covers the differences. */
export class HttpTransport extends Transport {
  override readonly contextType = 'http';

  private readonly responses: ResponseWatch;

  constructor(
    { connections }: Pick<TransportContext, 'connections'>,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    super();
    this.responses = new ResponseWatch({ connections, view: (context) => this.view(context), lastEvents });
  }

  override view(context: CallContext): RequestView {
    return viewHttpRequest(context.getArgs()[0] as HttpRequest);
  }

  override findParameter(context: CallContext, name: string): unknown {
    return readOwn((context.getArgs()[0] as { readonly params?: unknown }).params, name);
  }

  override setUser(context: CallContext, caller: Caller): void {
    const [request, response] = context.getArgs();
    (request as { user?: unknown }).user = caller.user;
    if (caller.verified !== null && caller.mayOutliveToken !== true) this.responses.note(response, context, caller);
  }

  override addHeaders(context: CallContext, headers: HeaderLines): void {
    appendHeaders(this.adapterHost, context.getArgs()[1], headers);
  }

  override addRefusalHeaders(context: CallContext, headers: HeaderLines): void {
    const response = context.getArgs()[1];
    appendHeaders(this.adapterHost, response, headers);
    if (headers.length > 0) withdrawIfAccepted(response, headers);
  }

  override toException({ status, body }: Answer, error: AuthError): HttpException {
    return toNestException(status, { ...body }, error);
  }

  override sendException(exception: Error, host: ArgumentsOfCall): void {
    new BaseExceptionFilter(this.adapterHost.httpAdapter).catch(exception, host as ArgumentsHost);
  }
}

/** The last event of an event stream whose token has ended: the body of the refusal, as a request with the token would get it. */
function lastEvents(refusal: AuthError): string {
  return formatEvent('error', JSON.stringify(toHeaderlessBody(refusal)));
}

/**
 * Appends header lines to a response of Express or Fastify. A line that the response has already is not added again, and nothing is
 * added after the headers have been sent.
 */
export function appendHeaders(host: HttpAdapterHost, response: unknown, headers: HeaderLines): void {
  const { httpAdapter } = host;
  if (headers.length === 0 || httpAdapter.isHeadersSent(response)) return;
  for (const name of new Set(headers.map(([each]) => each))) {
    const sent = [httpAdapter.getHeader(response, name) as string | readonly string[] | undefined].flat();
    const values = new Set(headers.flatMap(([each, value]) => (each === name && !sent.includes(value) ? [value] : [])));
    if (sent[0] === undefined) setLines(httpAdapter, response, name, [...values]);
    else for (const value of values) httpAdapter.appendHeader(response, name, value);
  }
}

/** What routes of the package change of a response, on Express and Fastify. */
export interface ResponseChanges {
  /** Forbids every cache to keep the response. */
  readonly forbidCaching: (response: object) => void;
  readonly addHeaders: (response: object, lines: HeaderLines) => void;
  /** Sends the browser to another address, when the handler has returned. */
  readonly redirect: (response: object, url: string) => void;
}

export function responseChangesOf(host: HttpAdapterHost): ResponseChanges {
  return {
    forbidCaching: (response) => {
      host.httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    },
    addHeaders: (response, lines) => {
      appendHeaders(host, response, lines);
    },
    redirect: (response, url) => {
      host.httpAdapter.status(response, 302);
      host.httpAdapter.setHeader(response, 'Location', url);
    },
  };
}

/** In one step: with each line that is appended, Express checks the ones before again, which are as long as cookies are. */
function setLines(
  httpAdapter: { setHeader(response: unknown, name: string, value: string | string[]): unknown },
  response: unknown,
  name: string,
  lines: string[],
): void {
  const [line] = lines;
  if (line !== undefined) httpAdapter.setHeader(response, name, lines.length === 1 ? line : lines);
}

/** The part of Node's response that is used; Fastify's reply has it as `raw`. */
interface NodeResponse {
  writeHead(status: number, ...rest: readonly unknown[]): unknown;
  getHeader(name: string): unknown;
  setHeader(name: string, value: unknown): unknown;
  removeHeader(name: string): void;
}

/**
 * Withdraws header lines when the response turns out to be none of a refusal: another guard of the route has accepted the call. They
 * are appended before, and not by an exception filter, because a filter of the app may send the refusal.
 */
function withdrawIfAccepted(response: unknown, headers: HeaderLines): void {
  const raw = ((response as { readonly raw?: unknown }).raw ?? response) as Partial<NodeResponse>;
  if (typeof raw.writeHead !== 'function') return;
  const writeHead = raw.writeHead.bind(raw);
  raw.writeHead = (status, ...rest) => {
    if (status >= 400) return writeHead(status, ...rest);
    for (const [name, value] of headers) withdrawLine(raw as NodeResponse, name, value);
    // Fastify passes its headers here, by their names in lower case.
    return writeHead(status, ...rest.map((part) => (isHeaders(part) ? withoutLines(part, headers) : part)));
  };
}

function withdrawLine(raw: NodeResponse, name: string, value: string): void {
  const sent = raw.getHeader(name);
  if (sent === undefined) return;
  const left = [sent].flat().filter((line) => line !== value);
  if (left.length === 0) raw.removeHeader(name);
  else raw.setHeader(name, left.length === 1 ? left[0] : left);
}

function isHeaders(part: unknown): part is Readonly<Record<string, unknown>> {
  return typeof part === 'object' && part !== null && !Array.isArray(part);
}

function withoutLines(given: Readonly<Record<string, unknown>>, lines: HeaderLines): Record<string, unknown> {
  const entries = Object.entries(given).flatMap(([name, value]): [string, unknown][] => {
    const withdrawn = lines
      .filter(([line]) => line.toLowerCase() === name.toLowerCase())
      .map(([, text]) => text as unknown);
    if (withdrawn.length === 0) return [[name, value]];
    const left = [value].flat().filter((text) => !withdrawn.includes(text));
    return left.length === 0 ? [] : [[name, left.length === 1 ? left[0] : left]];
  });
  return Object.fromEntries(entries);
}

/** Nest's own exception for a status, so that exception filters of the app recognise it. */
export function toNestException(status: AnswerStatus, body: object, cause: AuthError): HttpException {
  return new exceptions[status](body, { cause });
}
