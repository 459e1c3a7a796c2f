import type { IncomingMessage, ServerResponse } from 'node:http';

import { Inject, Injectable } from '@nestjs/common';
import {
  type AbstractHttpAdapter,
  type ApplicationConfig,
  HttpAdapterHost,
  MetadataScanner,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';

import { HttpPaths } from '../audit/http-paths.service.js';
import { ErrorAnswers } from '../challenge/error-answers.js';
import { AuthUnavailableError, ConfigurationError, isAuthError, isConfigurationError } from '../errors/auth-error.js';
import { applicationConfigOf } from '../guard/nest-internals.js';
import { viewHttpRequest } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { type AdapterAnswer, type AdapterRoute, answerPreflight } from './adapter-route.js';
import { readsBody, readsBodyMember } from './reads-body.decorator.js';
import { keepParserFault } from './request-body.js';
import { RouteClaims, toPattern } from './route-claims.js';
import { limitUnreadBody } from './unread-body.js';

type ExpressNext = (error?: unknown) => void;
type ExpressMiddleware = (request: IncomingMessage, response: ServerResponse, next: ExpressNext) => void;
type ExpressErrorHandler = (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: ExpressNext,
) => void;

/** The parts of an Express 5 application that are used here. */
interface ExpressApp {
  use(handler: ExpressMiddleware | ExpressErrorHandler): void;
  readonly router?: { readonly stack?: unknown };
}

interface FastifyRequest {
  headers: IncomingMessage['headers'];
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly config?: Readonly<Record<string, unknown>> };
}

interface FastifyReply {
  code(status: number): FastifyReply;
  header(name: string, value: string): FastifyReply;
  send(body?: string): FastifyReply;
}

/** The parts of a Fastify instance that are used here. */
interface FastifyApp {
  readonly initialConfig: FastifyRouting & { readonly routerOptions?: FastifyRouting };
  route(options: {
    method: string;
    url: string;
    config: object;
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
  }): void;
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): void;
}

interface FastifyRouting {
  readonly ignoreTrailingSlash?: boolean;
}

/** A route, and what receives its errors. */
interface AddedRoute extends AdapterRoute {
  readonly report: ReportEvent;
}

/** The CORS settings of a public route, which @fastify/cors uses in the place of the app's. */
const publicCors = { origin: '*', credentials: false, exposedHeaders: null, preflight: false, dynamic: false };

/**
 * Puts routes of this package on the HTTP adapter itself, and lets handlers with `@ReadsBody()` read their bodies themselves.
 * `register` has to be called in `configure` of a module: this is after the middleware that the app has added by `app.use`,
 * and before its controllers, so that a route of the app that matches every path does not precede.
 */
@Injectable()
export class AdapterRoutes {
  private readonly routes = new Map<string, AddedRoute>();
  private readonly publicPaths = new Set<string>();
  private fastify: FastifyApp | null = null;
  private isRegistered = false;
  /** The paths of handlers that read their bodies; made when a body parser fails for the first time. */
  private bodyPaths: readonly RegExp[] | null = null;
  private readonly answers = new ErrorAnswers([]);

  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(RouteClaims) private readonly claims: RouteClaims,
  ) {}

  /**
   * Adds routes. Call it before the app listens.
   *
   * @param owner the module as it is written in code: `SessionsModule.forRoot`
   * @param report receives what was wrong with the app when a route could not answer
   * @throws {ConfigurationError} when another module has one of the routes.
   */
  add(owner: string, routes: readonly AdapterRoute[], report: ReportEvent): void {
    this.claims.claim(
      owner,
      routes.map(({ method, path }) => `${method} ${path}`),
    );
    for (const route of routes) {
      const added = { ...route, report };
      this.routes.set(`${route.method} ${route.path}`, added);
      if (route.isPublic) this.publicPaths.add(route.path);
      if (this.fastify !== null) this.addToFastify(this.fastify, added);
    }
  }

  /**
   * Registers the routes on Express or Fastify; does nothing at a second call.
   *
   * @throws {ConfigurationError} for any other adapter.
   */
  register(): void {
    // An application without HTTP has no adapter, which Nest's type does not state.
    const adapter = this.adapterHost.httpAdapter as AbstractHttpAdapter | undefined;
    if (this.isRegistered || adapter === undefined) return;
    this.isRegistered = true;
    const instance: unknown = adapter.getInstance();
    switch (adapter.getType()) {
      case 'express':
        this.registerOnExpress(instance as ExpressApp);
        return;
      case 'fastify':
        this.registerOnFastify(instance as FastifyApp);
        return;
      default:
        throw new ConfigurationError(
          'NestFactory.create',
          'the HTTP adapter is neither that of Express nor that of Fastify',
          'Use @nestjs/platform-express or @nestjs/platform-fastify',
        );
    }
  }

  private registerOnExpress(app: ExpressApp): void {
    const answer: ExpressMiddleware = (request, response, next) => {
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const added = this.routes.get(`${method} ${pathOf(request)}`);
      if (added === undefined) {
        next();
        return;
      }
      limitUnreadBody(request, response);
      void this.answer(added, request)
        .then((sent) => sendByExpress(response, sent, added.isPublic))
        .catch(next);
    };
    const keepFault: ExpressErrorHandler = (error, request, _response, next) => {
      next(this.readsBody(request) && keepParserFault(request, error) ? undefined : error);
    };
    const answerOptions: ExpressMiddleware = (request, response, next) => {
      if (request.method !== 'OPTIONS' || !this.publicPaths.has(pathOf(request))) {
        next();
        return;
      }
      limitUnreadBody(request, response);
      sendByExpress(response, answerPreflight(viewHttpRequest(request)), true);
    };
    // A body parser of the app has run before, and its error skips every middleware that is none for errors.
    app.use(keepFault);
    app.use(answer);
    app.use(answerOptions);
    moveToFront(app);
  }

  private registerOnFastify(app: FastifyApp): void {
    this.fastify = app;
    for (const route of this.routes.values()) this.addToFastify(app, route);
    app.addHook('onRequest', (request, _reply, done) => {
      // Fastify finds no body to parse then: it would answer an empty one and other media types itself. Node's request
      // keeps the headers, and the body, for `readJsonBody`.
      if (request.routeOptions.config?.[readsBodyMember] === true) request.headers = withoutBody(request.headers);
      done();
    });
  }

  private addToFastify(app: FastifyApp, route: AddedRoute): void {
    const { method, path, isPublic } = route;
    const { ignoreTrailingSlash, routerOptions } = app.initialConfig;
    const isOneRoute = ignoreTrailingSlash === true || routerOptions?.ignoreTrailingSlash === true;
    if (isOneRoute && path.endsWith('/') && this.routes.has(`${method} ${path.slice(0, -1)}`)) return;
    // Fastify reads a colon as the beginning of a parameter.
    const url = path.replaceAll(':', '::');
    const config = { [readsBodyMember]: true, ...(isPublic && { cors: publicCors }) };
    // HEAD comes first, as Fastify would otherwise add a route of its own for it.
    for (const each of method === 'GET' ? ['HEAD', 'GET'] : [method]) {
      app.route({
        method: each,
        url,
        config,
        handler: async (request, reply) => {
          limitUnreadBody(request, reply);
          return sendByFastify(reply, await this.answer(route, request.raw), isPublic);
        },
      });
    }
    if (!isPublic) return;
    app.route({
      method: 'OPTIONS',
      url,
      config,
      handler: (request, reply) => {
        limitUnreadBody(request, reply);
        return Promise.resolve(sendByFastify(reply, answerPreflight(viewHttpRequest(request.raw)), true));
      },
    });
  }

  /** Never rejects. */
  private async answer(route: AddedRoute, request: IncomingMessage): Promise<AdapterAnswer> {
    try {
      return await route.answer(viewHttpRequest(request));
    } catch (cause) {
      const error = isAuthError(cause) ? cause : new AuthUnavailableError('The route failed', undefined, { cause });
      if (isConfigurationError(error)) reportFor(route, error);
      const { status, headers, body } = this.answers.toAnswer(error, null);
      return {
        status,
        headers: [...headers, ['Content-Type', 'application/json; charset=utf-8'], ['Cache-Control', 'no-store']],
        body: JSON.stringify(body),
      };
    }
  }

  /** Whether the handler of a request reads the body itself. */
  private readsBody(request: IncomingMessage): boolean {
    const called = `${request.method} ${pathOf(request)}`;
    if (this.routes.has(called)) return true;
    this.bodyPaths ??= this.findBodyPaths();
    return this.bodyPaths.some((route) => route.test(called));
  }

  private findBodyPaths(): readonly RegExp[] {
    const paths = new HttpPaths(applicationConfigOf<ApplicationConfig>(this.moduleRef), this.modules);
    const scanner = new MetadataScanner();
    return [...this.modules.values()].flatMap((module) =>
      [...module.controllers.values()].flatMap(({ metatype }) => {
        if (typeof metatype !== 'function') return [];
        const prototype = metatype.prototype as Record<string, object>;
        const handlers = scanner.getAllMethodNames(prototype).flatMap((name) => prototype[name] ?? []);
        return handlers
          .filter(readsBody)
          .flatMap((handler) => paths.find(module.metatype, metatype, handler).map(toPattern));
      }),
    );
  }
}

/** No exception filter of Nest sees the error, so what a developer has to change is reported here. */
function reportFor({ method, path, report }: AddedRoute, { explanation, fix }: ConfigurationError): void {
  report({ type: 'misconfigured', problem: `${method} ${path} cannot be answered. ${explanation}`, fix });
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** Moves what was added last before all else: the app's own CORS, which was added earlier, would answer instead. */
function moveToFront({ router }: ExpressApp): void {
  const stack = router?.stack;
  if (Array.isArray(stack)) stack.unshift(stack.pop());
}

function withoutBody(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  return { ...headers, 'content-type': undefined, 'content-length': undefined, 'transfer-encoding': undefined };
}

function sendByExpress(response: ServerResponse, { status, headers, body }: AdapterAnswer, isPublic: boolean): void {
  // The app's own limit in time may have answered already.
  if (response.headersSent || response.writableEnded) return;
  response.statusCode = status;
  for (const [name, value] of headers) response.setHeader(name, value);
  if (isPublic) {
    // The CORS of the app may have set both for its own pages.
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.removeHeader('Access-Control-Allow-Credentials');
  }
  if (body !== null) response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body ?? undefined);
}

function sendByFastify(reply: FastifyReply, { status, headers, body }: AdapterAnswer, isPublic: boolean): FastifyReply {
  reply.code(status);
  for (const [name, value] of headers) reply.header(name, value);
  if (isPublic) reply.header('Access-Control-Allow-Origin', '*');
  return body === null ? reply.send() : reply.send(body);
}
