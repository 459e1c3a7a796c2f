import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Optional } from '@nestjs/common';
import type { ApplicationConfig, ModuleRef } from '@nestjs/core';

import type { CallContext } from '../access/guard-context.js';
import { AuthError, requireAuthModule } from '../errors/auth-error.js';
import { CallAnswers } from '../transports/call-answers.js';
import { Transports } from '../transports/transports.js';
import { applicationConfigOf } from './nest-internals.js';

/**
 * Answers an `AuthError` that leaves a handler (thrown by `TokenVerifier`, `UserProfileService` or the app itself) as the
 * guard would: status, challenge and body of RFC 6750, 503 with `Retry-After` for a fault. `AuthModule` registers it for
 * HTTP, GraphQL and microservices; filters of the app run first. Nest has no global filters for gateways,
 * and none for a microservice that is connected without `inheritAppConfig`: `@UseFilters(AuthErrorFilter)` on the class does
 * the same there.
 */
@Catch(AuthError)
export class AuthErrorFilter implements ExceptionFilter<AuthError> {
  private readonly transports: Transports;

  constructor(
    @Optional() @Inject(Transports) transports: Transports | undefined,
    @Optional() @Inject(CallAnswers) private readonly answers: CallAnswers,
  ) {
    // Optional, so that the error names the missing line and not a part of this package.
    this.transports = requireAuthModule('AuthErrorFilter', transports);
  }

  /** What it returns is what Nest's context of this type expects of a filter. */
  catch(error: AuthError, host: ArgumentsHost): unknown {
    const transport = this.transports.get(host.getType());
    // A filter is not told the handler; a transport reads the arguments only.
    const context = host as unknown as CallContext;
    const call = { context, transport, view: transport.view(context) };
    const exception = this.answers.refuse(call, error, 'AuthErrorFilter');
    if (transport.sendException === undefined) throw exception;
    return transport.sendException(exception, host);
  }
}

/** The token of the provider that registers the filter for the whole app. */
export const AUTH_ERROR_FILTER_REGISTRATION = Symbol('nest-gatehouse.auth-error-filter-registration');

/**
 * Puts the filter before all other global filters. Nest asks the last one first, so each filter of the app takes precedence.
 * It has to run before Nest reads the list, which is while providers are created.
 */
export function registerFilter(filter: AuthErrorFilter, moduleRef: ModuleRef): AuthErrorFilter {
  applicationConfigOf<ApplicationConfig>(moduleRef).getGlobalFilters().unshift(filter);
  return filter;
}
