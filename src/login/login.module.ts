import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type NestModule,
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { IssuingModule } from '../issuing/issuing.module.js';
import {
  controllerAt,
  findRoutePath,
  namesOfRoutes,
  ownRoutes,
  type OwnRoutes,
} from '../issuing/own-routes.controller.js';
import { RouteClaims } from '../issuing/route-claims.js';
import { type AsyncModuleOptions, checkOptionsAreMade, provideAsyncOptions } from '../provide-async-options.js';
import { readRoutePath } from '../sessions/session-options.js';
import { LOGIN_TERMS, loginModuleProviders, LoginAppParts } from './login-module-providers.js';
import {
  type LoginModuleOptions,
  loginOptionNames,
  type LoginOptionsFactory,
  readLoginTerms,
} from './login-options.js';
import { LoginDoctorCheck } from './login-doctor-check.js';
import { LoginRequests } from './login-requests.js';
import { LoginService } from './login.service.js';

const ROUTES = Symbol('nest-gatehouse.login-routes');

/** The routes of logins. */
const loginRoutes: OwnRoutes = ownRoutes('LoginController', LoginRequests, [
  ['GET', 'login/:provider', 'startByLink'],
  ['POST', 'login/:provider', 'start'],
  ['GET', 'callback/:provider', 'callbackByLink'],
  ['POST', 'callback/:provider', 'callback'],
  ['POST', 'back-channel-logout/:provider', 'backChannelLogout'],
]);

/** Where the routes are, and the controller that answers them. */
interface Routes {
  readonly path: string;
  readonly controller: Type;
}

/** The options of `LoginModule.forRootAsync`. `path` stands next to the factory, because Nest reads it before that. */
export interface LoginModuleAsyncOptions
  extends AsyncModuleOptions<Omit<LoginModuleOptions, 'path'>, LoginOptionsFactory>,
    Pick<LoginModuleOptions, 'path'> {}

/**
 * Lets people sign in by Google, GitHub, Facebook, LinkedIn, Microsoft or any other OpenID or OAuth provider. Import it once, together with
 * `SessionsModule` and a module with stores, such as `SqlStoresModule`. It is global: it provides `LoginService` to every module, and the
 * routes of logins.
 */
@Module({})
export class LoginModule implements NestModule, OnModuleInit {
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(RouteClaims) private readonly claims: RouteClaims,
    @Inject(ROUTES) private readonly routes: Routes,
  ) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for the first option that is wrong, missing or unknown.
   */
  static forRoot(options: LoginModuleOptions): DynamicModule {
    const where = 'LoginModule.forRoot';
    const { path, ...rest } = readOptions(where, options, [...loginOptionNames, 'path']);
    return assemble(where, path, [{ provide: LOGIN_TERMS, useValue: readLoginTerms(where, rest) }]);
  }

  /**
   * Registers the module with options that a factory makes from other providers.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync(options: LoginModuleAsyncOptions): DynamicModule {
    const where = 'LoginModule.forRootAsync';
    const { path, ...rest } = options;
    const { imports, providers } = provideAsyncOptions(where, rest, {
      token: LOGIN_TERMS,
      create: (factory) => factory.createLoginOptions(),
      resolve: readLoginTerms,
      extras: ['path'],
    });
    const assembled = assemble(where, path, providers);
    return { ...assembled, imports: [...imports, IssuingModule] };
  }

  /** Called by Nest before the controllers. @throws {ConfigurationError} when another module has one of the routes. */
  configure(): void {
    this.claims.claim('LoginModule.forRoot', namesOfRoutes(this.routes.path, [loginRoutes]));
  }

  /** Called by Nest. @throws {ConfigurationError} for what does not go with the modules of the app. */
  async onModuleInit(): Promise<void> {
    const fix = 'Inject ModuleRef instead, and resolve the provider where it is needed';
    checkOptionsAreMade('LoginModule.forRootAsync', this.moduleRef, LOGIN_TERMS, fix);
    const count = [...this.modules.values()].filter(({ metatype }) => metatype === LoginModule).length;
    if (count !== 1) {
      throw new ConfigurationError(
        'LoginModule.forRoot',
        `the module is registered ${count} times`,
        'Call forRoot or forRootAsync once, in the root module',
      );
    }
    await this.moduleRef.get(LoginAppParts, { strict: true }).open(this.findCallbackPath());
    const logger = new Logger('Gatehouse');
    for (const { id, callbackUrl } of this.moduleRef.get(LoginService, { strict: true }).providers()) {
      logger.log(`Callback address to register at ${id}: ${callbackUrl}`);
    }
  }

  private findCallbackPath(): string {
    return callbackPathOf(this.routes, this.moduleRef, this.modules);
  }
}

function callbackPathOf({ controller, path }: Routes, moduleRef: ModuleRef, modules: ModulesContainer): string {
  const route = { module: LoginModule, controller, answer: 'callbackByLink' satisfies keyof LoginRequests };
  return findRoutePath(moduleRef, modules, route) ?? `/${path}/callback/:provider`;
}

const doctorCheck: Provider = {
  provide: LoginDoctorCheck,
  inject: [ROUTES, ModuleRef, ModulesContainer, LoginAppParts, LoginService],
  useFactory: (
    routes: Routes,
    moduleRef: ModuleRef,
    modules: ModulesContainer,
    parts: LoginAppParts,
    service: LoginService,
  ) =>
    new LoginDoctorCheck(async () => {
      await parts.open(callbackPathOf(routes, moduleRef, modules));
      return service.providers();
    }),
};

function assemble(where: string, path: unknown, options: readonly Provider[]): DynamicModule {
  const routes = readRoutePath(where, path);
  if (routes === false) {
    throw new ConfigurationError(`${where}({ path })`, 'false: nobody could sign in', "Write a path such as 'auth'");
  }
  const controller = controllerAt(routes, loginRoutes);
  return {
    module: LoginModule,
    global: true,
    imports: [IssuingModule],
    controllers: [controller],
    providers: [
      ...options,
      { provide: ROUTES, useValue: { path: routes, controller } satisfies Routes },
      doctorCheck,
      ...loginModuleProviders,
    ],
    exports: [LoginService],
  };
}
