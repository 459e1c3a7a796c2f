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
import { OwnTokens, ProviderSessions } from '../issuers/module-issuer.js';
import { StackAuthSessionApi } from '../issuers/stack-auth/stack-auth-session-api.js';
import { IssuingModule } from '../issuing/issuing.module.js';
import { controllerAt, findRoutePath, namesOfRoutes } from '../issuing/own-routes.controller.js';
import { RouteClaims } from '../issuing/route-claims.js';
import { type AsyncModuleOptions, checkOptionsAreMade, provideAsyncOptions } from '../provide-async-options.js';
import { TokenSources } from '../request/token-sources.js';
import { readsCookie } from '../sessions/session-cookies.js';
import { readRoutePath } from '../sessions/session-options.js';
import {
  CallbackAddress,
  GIVEN_STACK_AUTH_OPTIONS,
  STACK_AUTH_TERMS,
  stackAuthModuleProviders,
} from './stack-auth-module-providers.js';
import type { StackAuthLoginRequests } from './stack-auth-login-requests.js';
import {
  type StackAuthModuleOptions,
  type StackAuthOptionsFactory,
  stackAuthOptionNames,
  type StackAuthTerms,
} from './stack-auth-options.js';
import { loginRoutes, stackAuthRoutes } from './stack-auth-routes.js';
import { StackAuthSessions } from './stack-auth-sessions.service.js';
import { StackAuthSignIn } from './stack-auth-sign-in.service.js';

const ROUTES = Symbol('nest-gatehouse.stack-auth-routes');
const moduleName = 'StackAuthModule.forRoot';

/** Where the routes are, and the controllers that answer them. */
interface Routes {
  readonly path: string | false;
  readonly controllers: readonly Type[];
}

/** The options of `StackAuthModule.forRootAsync`. `path` stands next to the factory, because Nest reads it before that. */
export interface StackAuthModuleAsyncOptions
  extends AsyncModuleOptions<Omit<StackAuthModuleOptions, 'path'>, StackAuthOptionsFactory>,
    Pick<StackAuthModuleOptions, 'path'> {}

/**
 * Sessions that Stack Auth keeps, in the cookies of this app. Import it once, together with `AuthModule.forRoot({ issuers: stackAuth({ … }),
 * publicUrl })`, whose guarded routes then read the access cookie, too. It is global: it provides `StackAuthSessions` and
 * `StackAuthSignIn` to every module, and the routes by which people sign up, in and out.
 */
@Module({})
export class StackAuthModule implements NestModule, OnModuleInit {
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(RouteClaims) private readonly claims: RouteClaims,
    @Inject(ROUTES) private readonly routes: Routes,
  ) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for an unknown option and for a wrong `path` at once; for others when the app starts.
   */
  static forRoot(options: StackAuthModuleOptions = {}): DynamicModule {
    readOptions(moduleName, options, [...stackAuthOptionNames, 'path']);
    const { path, ...rest } = options;
    const given = { where: moduleName, options: rest };
    return assemble(moduleName, path, [{ provide: GIVEN_STACK_AUTH_OPTIONS, useValue: given }]);
  }

  /**
   * Registers the module with options that a factory makes from other providers.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync(options: StackAuthModuleAsyncOptions): DynamicModule {
    const where = 'StackAuthModule.forRootAsync';
    const { path, ...rest } = options;
    const { imports, providers } = provideAsyncOptions(where, rest, {
      token: GIVEN_STACK_AUTH_OPTIONS,
      create: (factory) => factory.createStackAuthOptions(),
      resolve: (from, made) => ({ where: from, options: made }),
      extras: ['path'],
    });
    const assembled = assemble(where, path, providers);
    return { ...assembled, imports: [...imports, IssuingModule] };
  }

  /** Called by Nest before the controllers. @throws {ConfigurationError} when another module has one of the routes. */
  configure(): void {
    const { path } = this.routes;
    if (path !== false) this.claims.claim(moduleName, namesOfRoutes(path, stackAuthRoutes));
  }

  /** Called by Nest. @throws {ConfigurationError} for what does not go with the modules of the app. */
  onModuleInit(): void {
    const fix = 'Inject ModuleRef instead, and resolve the provider where it is needed';
    checkOptionsAreMade('StackAuthModule.forRootAsync', this.moduleRef, GIVEN_STACK_AUTH_OPTIONS, fix);
    const count = [...this.modules.values()].filter(({ metatype }) => metatype === StackAuthModule).length;
    if (count !== 1) {
      throw new ConfigurationError(
        moduleName,
        `the module is registered ${count} times`,
        'Call forRoot or forRootAsync once, in the root module',
      );
    }
    this.checkCookies();
    this.openLogins();
  }

  /** Finds the callback address, which depends on a global prefix, and logs what logins by other providers depend on. */
  private openLogins(): void {
    const { path, controllers } = this.routes;
    const controller = controllers[stackAuthRoutes.indexOf(loginRoutes)];
    const terms = this.moduleRef.get<StackAuthTerms>(STACK_AUTH_TERMS, { strict: true });
    if (path === false || controller === undefined || !terms.delivery.includes('cookies')) return;
    const route = { module: StackAuthModule, controller, answer: 'callback' satisfies keyof StackAuthLoginRequests };
    const address = this.moduleRef.get(CallbackAddress, { strict: true });
    address.path = findRoutePath(this.moduleRef, this.modules, route) ?? `/${path}/callback/:provider`;
    const logger = new Logger('Gatehouse');
    logger.log(
      `Logins by other providers come back to ${address.of(':provider')}. Its domain must be a trusted domain of the Stack Auth project`,
    );
    const { project } = this.moduleRef.get(StackAuthSessionApi, { strict: true });
    if (terms.encryptionKeys !== null || project.secretServerKey !== null) return;
    logger.log(
      'The cookies of logins are encrypted with a random key of this process, so a login must end at the instance where it began. Set StackAuthModule.forRoot({ encryptionKey }) or GATEHOUSE_ENCRYPTION_KEY for several instances',
    );
  }

  private checkCookies(): void {
    const { cookies, delivery } = this.moduleRef.get<StackAuthTerms>(STACK_AUTH_TERMS, { strict: true });
    if (!delivery.includes('cookies')) return;
    const { accessName, domain } = cookies;
    const own = this.findOwnTokens()?.cookieSource?.parameter?.name;
    if (own === accessName) {
      throw new ConfigurationError(
        'StackAuthModule.forRoot({ cookies })',
        `SessionsModule of this app has cookies of the same names, such as ${accessName}`,
        "Give them a name: cookies: { name: 'stack' }",
      );
    }
    const logger = new Logger('Gatehouse');
    if (domain !== null) {
      logger.warn(
        `StackAuthModule sends its cookies to all hosts of ${domain}, and each of them can replace them. Leave cookies: { domain } out if one host is enough`,
      );
    }
    if (!readsCookie(this.moduleRef.get(TokenSources, { strict: false }).all, accessName)) {
      logger.warn(
        "StackAuthModule delivers cookies, and guarded routes do not read the access token from its cookie. Add fromSessionCookie() to AuthModule.forRoot({ tokenFrom }), or set StackAuthModule.forRoot({ delivery: ['body'] })",
      );
    }
  }

  private findOwnTokens(): OwnTokens | null {
    try {
      return this.moduleRef.get<OwnTokens>(OwnTokens, { strict: false });
    } catch {
      return null;
    }
  }
}

function assemble(where: string, path: unknown, options: readonly Provider[]): DynamicModule {
  const routePath = readRoutePath(where, path);
  const controllers = routePath === false ? [] : stackAuthRoutes.map((group) => controllerAt(routePath, group));
  const routes: Routes = { path: routePath, controllers };
  return {
    module: StackAuthModule,
    global: true,
    imports: [IssuingModule],
    controllers,
    providers: [...options, { provide: ROUTES, useValue: routes }, ...stackAuthModuleProviders],
    exports: [StackAuthSessions, StackAuthSignIn, ProviderSessions],
  };
}
