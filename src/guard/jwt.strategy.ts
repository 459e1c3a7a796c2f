import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';

import { statusOf } from '../challenge/error-answers.js';
import type { CallContext } from '../access/guard-context.js';
import { Authenticator } from '../authentication/authenticator.js';
import { isAuthError, RefusalError } from '../errors/auth-error.js';
import { type HttpRequest, viewHttpRequest } from '../request/request-view.js';
import { CallAnswers } from '../transports/call-answers.js';
import { Transports } from '../transports/transports.js';

/** The methods that passport adds to a strategy for one request. The strategy calls one of them, once. */
interface PassportActions {
  success(user: unknown): void;
  fail(challenge: unknown, status: number): void;
  error(error: unknown): void;
}

/** The part of passport-jwt's `Strategy` that is used here. Declared here so that the published types do not depend on its types. */
type PassportStrategyClass = new (options: object) => { authenticate(request: unknown, options?: unknown): void };

/** Options that passport-jwt requires. They are not used, because `authenticate` is overridden. */
const unusedOptions = {
  jwtFromRequest: () => null,
  secretOrKeyProvider: (_request: unknown, _token: unknown, done: (error: Error) => void): void => {
    done(new Error('tokens are verified by the Authenticator'));
  },
};

const PassportJwt = PassportStrategy(Strategy, 'jwt') as unknown as PassportStrategyClass;

// Passport has one registry of strategies for the process: of two apps, the one that starts later replaces the strategy of the
// other. Each request is therefore authenticated by the strategy of the app that has received it.
const strategyOfApp = new WeakMap<object, JwtStrategy>();

/**
 * The passport-jwt strategy named `jwt`, for apps that use Nest's passport guards: `AuthGuard('jwt')` of `@nestjs/passport`, or
 * several strategies in one guard. It verifies tokens by the same rules as the `AuthGuard` of this package. A refused token is a
 * failed login with the `AuthError` as its info; an outage is an error, answered with 503.
 */
@Injectable()
export class JwtStrategy extends PassportJwt implements OnModuleInit {
  constructor(
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(CallAnswers) private readonly answers: CallAnswers,
    @Inject(Transports) private readonly transports: Transports,
  ) {
    super(unusedOptions);
  }

  onModuleInit(): void {
    const app: unknown = (this.adapterHost as Partial<HttpAdapterHost>).httpAdapter?.getInstance<object>();
    if (typeof app === 'object' || typeof app === 'function') strategyOfApp.set(app as object, this);
  }

  override authenticate(request: HttpRequest): void {
    // Passport calls this method on a copy of the strategy for one request, to which it has added the actions.
    const actions = this as unknown as PassportActions;
    const strategy = findStrategy(request) ?? this;
    findAppUser(strategy.authenticator, request).then(
      (user) => {
        actions.success(user);
      },
      (error: unknown) => {
        strategy.finishWithError(error, request, actions);
      },
    );
  }

  private finishWithError(error: unknown, request: HttpRequest, actions: PassportActions): void {
    if (!isAuthError(error)) {
      actions.error(error);
      return;
    }
    const handler = "AuthGuard('jwt')";
    const { answers } = this.answers;
    if (error.code !== 'SERVER_ERROR' && error.code !== 'CONFIGURATION_ERROR') {
      this.answers.reportOnce(request, error, { handler, anonymous: false });
      actions.fail(error, statusOf(error));
      return;
    }
    // A fault is no failed login. Passport's guard throws the error that it gets here.
    actions.error(
      this.transports
        .get('http')
        .toException(answers.toAnswer(error, viewHttpRequest(request)), error, contextOf(request)),
    );
  }
}

async function findAppUser(authenticator: Authenticator, request: HttpRequest): Promise<unknown> {
  const view = viewHttpRequest(request);
  const appUser = await authenticator.toAppUser(view, await authenticator.authenticate(view));
  // An Authenticator of the app's own may give no user, whatever its type says.
  if (appUser === null || appUser === undefined) throw RefusalError.unknownUser();
  return appUser;
}

/** A context without a real handler, because passport passes only the request. */
function contextOf(request: HttpRequest): CallContext {
  const target = { name: "AuthGuard('jwt')" };
  return { getType: () => 'http', getArgs: () => [request], getClass: () => target, getHandler: () => target };
}

/** Express sets `request.app`. Fastify sets `request.server`, which may be a child instance whose prototype is the app. */
function findStrategy(request: HttpRequest & { app?: unknown; server?: unknown }): JwtStrategy | undefined {
  let app = request.app ?? request.server;
  while (typeof app === 'function' || (typeof app === 'object' && app !== null)) {
    const strategy = strategyOfApp.get(app);
    if (strategy !== undefined) return strategy;
    app = Object.getPrototypeOf(app);
  }
  return undefined;
}
