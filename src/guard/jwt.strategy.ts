import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { Strategy } from 'passport-jwt';

import { statusOf } from '../challenge/error-answers.js';
import { Authenticator } from '../authentication/authenticator.js';
import { findPackage } from '../configuration/load-package.js';
import { isAuthError, isRefusal, RefusalError } from '../errors/auth-error.js';
import { type HttpRequest, viewHttpRequest } from '../request/request-view.js';
import { servesCallers } from './nest-internals.js';
import { markAnswered } from '../transports/answered-exception.js';
import { CallAnswers } from '../transports/call-answers.js';
import { toNestException } from '../transports/http.transport.js';

/** The methods that passport adds to a strategy for one request. The strategy calls one of them, once. */
interface PassportActions {
  success(user: unknown): void;
  fail(challenge: unknown, status: number): void;
  error(error: unknown): void;
}

/** The part of passport-jwt's `Strategy` that is used here. Declared here so that the published types do not depend on its types. */
type PassportStrategyClass = new (
  options: object,
  verify: () => never,
) => { authenticate(request: unknown, options?: unknown): void };

/** Options that passport-jwt requires. They are not used, because `authenticate` is overridden. */
const unusedOptions = {
  jwtFromRequest: () => null,
  secretOrKeyProvider: (_request: unknown, _token: unknown, done: (error: Error) => void): void => {
    done(new Error('tokens are verified by the Authenticator'));
  },
};

/** passport-jwt calls it with the claims of a token that it has verified, which it never does. */
function verifyUnused(): never {
  throw new Error('tokens are verified by the Authenticator');
}

const PassportJwt = Strategy as unknown as PassportStrategyClass;

/** The name in passport's registry of strategies. passport-jwt gives it to each of its strategies. */
const strategyName = 'jwt';

// A registered symbol, because an ES module and a CommonJS copy of the package may register a strategy each.
const strategyBrand = Symbol.for('nest-gatehouse.JwtStrategy');

/** Passport keeps its strategies in this member, which it reads by `_strategy`; both are the same since passport 0.1. */
interface StrategyRegistry {
  _strategy(name: string): object | undefined;
  use(name: string, strategy: object): unknown;
}

// Passport has one registry of strategies for the process: of two apps, the one that starts later replaces the strategy of the
// other. Each request is therefore authenticated by the strategy of the app that has received it.
const strategyOfApp = new WeakMap<object, JwtStrategy>();

/**
 * The passport-jwt strategy named `jwt`, for apps that use Nest's passport guards: `AuthGuard('jwt')` of `@nestjs/passport`, or
 * several strategies in one guard. It verifies tokens by the same rules as the `AuthGuard` of this package. A refused token is a
 * failed login with the `AuthError` as its info; an outage is an error, answered with 503 and `Retry-After`.
 *
 * The strategy takes the name `jwt` when the modules of the app are initialized, and only if no other strategy has it. An
 * app's own strategy named `jwt` therefore keeps its guards, and the log states that this one is not registered.
 */
@Injectable()
export class JwtStrategy extends PassportJwt implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger('Gatehouse');
  /** Passport's registry, where this strategy has its name; `null` where it has not, and in an app without passport. */
  private registry: StrategyRegistry | null = null;

  constructor(
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(CallAnswers) private readonly answers: CallAnswers,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    super(unusedOptions, verifyUnused);
  }

  get [strategyBrand](): true {
    return true;
  }

  /** Nest has created the app's own strategies by now, whose constructors register them. */
  async onModuleInit(): Promise<void> {
    const app: unknown = (this.adapterHost as Partial<HttpAdapterHost>).httpAdapter?.getInstance<object>();
    if (typeof app === 'object' || typeof app === 'function') strategyOfApp.set(app as object, this);
    const registry = await findRegistry();
    // Without passport there are no guards that could use the strategy.
    if (registry === null) return;
    const other = findForeignStrategy(registry);
    if (other === undefined) {
      registry.use(strategyName, this);
      this.registry = registry;
      return;
    }
    if (!servesCallers(this.adapterHost, this.modules)) return;
    this.logger.warn(
      `Passport's name "jwt" belongs to ${nameOf(other)}, which was registered first. AuthGuard('jwt') of @nestjs/passport ` +
        'uses it and does not accept the tokens of AuthModule; JwtStrategy of nest-gatehouse is not registered. If that ' +
        "is not intended, name the other strategy: PassportStrategy(Strategy, 'another-name')",
    );
  }

  /** Called by Nest before the app listens. Strategies that modules have registered meanwhile are reported. */
  onApplicationBootstrap(): void {
    const other = this.registry === null ? undefined : findForeignStrategy(this.registry);
    if (other === undefined) return;
    this.logger.warn(
      `Passport's name "jwt" was taken from JwtStrategy of nest-gatehouse by ${nameOf(other)}, which was registered later. ` +
        "AuthGuard('jwt') of @nestjs/passport does not accept the tokens of AuthModule any more. If that is not intended, " +
        "name the other strategy: PassportStrategy(Strategy, 'another-name')",
    );
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
    this.answers.reportOnce(request, error, { handler: "AuthGuard('jwt')", anonymous: false });
    if (isRefusal(error)) {
      actions.fail(error, statusOf(error));
      return;
    }
    // A fault is no failed login. Passport's guard throws the error that it gets here.
    const { status, body } = this.answers.answers.toAnswer(error, viewHttpRequest(request));
    // Passport gives the strategy no response object, so AuthErrorFilter adds Retry-After.
    actions.error(markAnswered(toNestException(status, { ...body }, error)));
  }
}

/** Passport is loaded when the app starts, because an app that does not use it need not install it. */
async function findRegistry(): Promise<StrategyRegistry | null> {
  const loaded: { readonly default?: unknown } | null = await findPackage(() => import('passport'), 'passport');
  return loaded === null ? null : ((loaded.default ?? loaded) as StrategyRegistry);
}

/** The strategy that has the name, if it is not one of this package. */
function findForeignStrategy(registry: StrategyRegistry): object | undefined {
  const strategy = registry._strategy(strategyName);
  return strategy === undefined || strategyBrand in strategy ? undefined : strategy;
}

function nameOf({ constructor }: object): string {
  return constructor.name === '' ? 'another strategy' : constructor.name;
}

async function findAppUser(authenticator: Authenticator, request: HttpRequest): Promise<unknown> {
  const view = viewHttpRequest(request);
  const appUser = await authenticator.toAppUser(view, await authenticator.authenticate(view));
  // An Authenticator of the app's own may give no user, whatever its type says.
  if (appUser === null || appUser === undefined) throw RefusalError.unknownUser();
  return appUser;
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
