import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Optional } from '@nestjs/common';
import type { ApplicationConfig, ModuleRef } from '@nestjs/core';

import type { CallContext } from '../access/guard-context.js';
import { AuthError, isAuthError } from '../errors/auth-error.js';
import { requireAuthModule } from '../errors/require-auth-module.js';
import type { RequestView } from '../request/request-view.js';
import { AnsweredException } from '../transports/answered-exception.js';
import { CallAnswers } from '../transports/call-answers.js';
import { Transports } from '../transports/transports.js';
import { applicationConfigOf } from './nest-internals.js';

/**
 * Answers an `AuthError` that a handler throws (from `TokenVerifier`, from `UserProfileService` or its own) as the guard does:
 * with status, challenge and body of RFC 6750, or with 503 and `Retry-After` for a fault, also one that passport's guard throws. `AuthModule` registers the filter for
 * HTTP, GraphQL and microservices; filters of the app take precedence. Gateways, and microservices that are connected without
 * `inheritAppConfig`, have no global filters in Nest: add `@UseFilters(AuthErrorFilter)` to their classes.
 */
@Catch(AuthError, AnsweredException)
export class AuthErrorFilter implements ExceptionFilter<AuthError | AnsweredException> {
  private readonly transports: Transports;

  constructor(
    @Optional() @Inject(Transports) transports: Transports | undefined,
    @Optional() @Inject(CallAnswers) private readonly answers: CallAnswers,
  ) {
    // The parameters are optional so that a missing AuthModule is a ConfigurationError with a fix, as with AuthGuard.
    this.transports = requireAuthModule('AuthErrorFilter', transports);
  }

  /** Returns what Nest expects of a filter for contexts of this type. */
  catch(error: AuthError | AnsweredException, host: ArgumentsHost): unknown {
    const transport = this.transports.find(host.getType());
    // The library that has called the handler decides what an error means.
    if (transport === undefined) throw error;
    // Nest does not pass the handler to a filter. `view` and the methods that answer use only the arguments of the call.
    const context = host as unknown as CallContext;
    const call = { context, transport, view: transport.view(context) };
    const exception = isAuthError(error)
      ? this.answers.refuse(call, error, routeOf(call.view) ?? 'AuthErrorFilter')
      : this.answers.withHeaders(call, error);
    if (transport.sendException === undefined) throw exception;
    return transport.sendException(exception, host);
  }
}

/** The members of the requests of Express and Fastify that say which route was called. */
interface RoutedRequest {
  /** Express. */
  readonly route?: { readonly path?: unknown };
  /** Fastify. */
  readonly routeOptions?: { readonly url?: unknown };
}

/** The route of an HTTP request, `GET /cats/:id`, which never has the values of parameters; `null` for any other call. */
function routeOf({ method, request }: RequestView): string | null {
  const { route, routeOptions } = request as RoutedRequest;
  const pattern = route?.path ?? routeOptions?.url;
  return method !== null && typeof pattern === 'string' ? `${method} ${pattern}` : null;
}

/** The injection token of the provider that registers the filter for the whole app. */
export const AUTH_ERROR_FILTER_REGISTRATION = Symbol('nest-gatehouse.auth-error-filter-registration');

/**
 * Adds the filter as the first of the global filters. Nest tries the last one first, so each filter of the app takes precedence.
 * It has to run while providers are created, because Nest reads the list after that.
 */
export function registerFilter(filter: AuthErrorFilter, moduleRef: ModuleRef): AuthErrorFilter {
  applicationConfigOf<ApplicationConfig>(moduleRef).getGlobalFilters().unshift(filter);
  return filter;
}
