import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type NestModule,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { OwnTokens } from '../issuers/module-issuer.js';
import { IssuingModule } from '../issuing/issuing.module.js';
import { controllerAt, namesOfRoutes } from '../issuing/own-routes.controller.js';
import { RouteClaims } from '../issuing/route-claims.js';
import { SigningKeys } from '../issuing/signing-keys.js';
import { type AsyncModuleOptions, checkOptionsAreMade, provideAsyncOptions } from '../provide-async-options.js';
import { TokenSources } from '../request/token-sources.js';
import { AccessTokens } from './access-tokens.js';
import type { SessionOwnTokens } from './own-tokens.js';
import { readsCookie } from './session-cookies.js';
import {
  readRoutePath,
  type SessionOptionsFactory,
  sessionOptionNames,
  type SessionsModuleOptions,
  type SessionTerms,
} from './session-options.js';
import { SessionGate } from './session-gate.js';
import { SessionStores } from './session-stores.js';
import { SessionService } from './session.service.js';
import { sessionRoutes } from './session-routes.js';
import {
  GIVEN_SESSION_OPTIONS,
  IssuerEndpoints,
  SESSION_TERMS,
  SessionSubjects,
  sessionsModuleProviders,
} from './sessions-module-providers.js';

const ROUTE_PATH = Symbol('nest-gatehouse.session-routes');

/** The options of `SessionsModule.forRootAsync`. `path` stands beside the factory, because Nest reads it before that. */
export interface SessionsModuleAsyncOptions
  extends AsyncModuleOptions<Omit<SessionsModuleOptions, 'path'>, SessionOptionsFactory>,
    Pick<SessionsModuleOptions, 'path'> {}

/**
 * Sessions of the app's own users, with tokens that the app issues. Import it once, beside `AuthModule.forRoot({ issuers:
 * ownTokens(), publicUrl })` and a module with stores, such as `SqlStoresModule`. It is global: it provides `SessionService`
 * and `SigningKeys` to every module, and the routes `/auth/refresh`, `/auth/sign-out`, `/auth/sign-out-everywhere`,
 * `/auth/sessions` and `/auth/me`.
 */
@Module({})
export class SessionsModule implements NestModule, OnModuleInit {
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(RouteClaims) private readonly claims: RouteClaims,
    @Inject(ROUTE_PATH) private readonly path: string | false,
  ) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for an unknown option and for a wrong `path` at once; for others when the app starts.
   */
  static forRoot(options: SessionsModuleOptions = {}): DynamicModule {
    const { path, ...rest } = options;
    readOptions('SessionsModule.forRoot', rest, sessionOptionNames);
    const given = { where: 'SessionsModule.forRoot', options: rest };
    return assemble('SessionsModule.forRoot', path, [{ provide: GIVEN_SESSION_OPTIONS, useValue: given }]);
  }

  /**
   * Registers the module with options that a factory makes from other providers.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync(options: SessionsModuleAsyncOptions): DynamicModule {
    const { path, ...rest } = options;
    const { imports, providers } = provideAsyncOptions('SessionsModule.forRootAsync', rest, {
      token: GIVEN_SESSION_OPTIONS,
      create: (factory) => factory.createSessionOptions(),
      resolve: (where, made) => ({ where, options: made }),
      extras: ['path'],
    });
    const assembled = assemble('SessionsModule.forRootAsync', path, providers);
    return { ...assembled, imports: [...imports, IssuingModule] };
  }

  /** Called by Nest before the controllers. @throws {ConfigurationError} when another module has one of the routes. */
  configure(): void {
    this.moduleRef.get(IssuerEndpoints, { strict: true }).add();
    if (this.path === false) return;
    this.claims.claim('SessionsModule.forRoot', namesOfRoutes(this.path, [sessionRoutes]));
  }

  /** Called by Nest. @throws {ConfigurationError} for what does not go with the modules of the app. */
  async onModuleInit(): Promise<void> {
    const fix = 'Inject ModuleRef instead, and resolve the provider where it is needed';
    checkOptionsAreMade('SessionsModule.forRootAsync', this.moduleRef, GIVEN_SESSION_OPTIONS, fix);
    this.checkIsOnly();
    this.checkIsTrusted();
    this.moduleRef.get(SessionStores, { strict: true }).check(this.moduleRef.get(SigningKeys, { strict: true }));
    await this.moduleRef.get(SessionSubjects, { strict: true }).open();
    this.warn();
  }

  /** Logs what is allowed, and seldom meant. */
  private warn(): void {
    const { delivery, cookies } = this.moduleRef.get<SessionTerms>(SESSION_TERMS, { strict: true });
    const logger = new Logger('Gatehouse');
    if (cookies.domain !== null) {
      logger.warn(
        `SessionsModule sends its cookies to all hosts of ${cookies.domain}, and each of them can replace them. Leave cookies: { domain } out if one host is enough`,
      );
    }
    const { all } = this.moduleRef.get(TokenSources, { strict: false });
    if (delivery.includes('cookies') && !readsCookie(all, cookies.accessName)) {
      logger.warn(
        "SessionsModule delivers cookies, and guarded routes do not read the access token from its cookie. Add fromSessionCookie() to AuthModule.forRoot({ tokenFrom }), or set SessionsModule.forRoot({ delivery: ['body'] })",
      );
    }
  }

  private checkIsOnly(): void {
    const count = [...this.modules.values()].filter(({ metatype }) => metatype === SessionsModule).length;
    if (count === 1) return;
    throw new ConfigurationError(
      'SessionsModule.forRoot',
      `the module is registered ${count} times, and ownTokens() stands for one`,
      'Call forRoot or forRootAsync once, in the root module',
    );
  }

  private checkIsTrusted(): void {
    if (this.moduleRef.get<SessionOwnTokens>(OwnTokens, { strict: true }).isTrusted) return;
    throw new ConfigurationError(
      'AuthModule.forRoot({ issuers })',
      "SessionsModule issues tokens, and AuthModule does not accept the app's own tokens",
      'Add ownTokens() of nest-gatehouse/sessions to the issuers',
    );
  }
}

function assemble(where: string, path: unknown, options: readonly Provider[]): DynamicModule {
  const routes = readRoutePath(where, path);
  return {
    module: SessionsModule,
    global: true,
    imports: [IssuingModule],
    controllers: routes === false ? [] : [controllerAt(routes, sessionRoutes)],
    providers: [...options, { provide: ROUTE_PATH, useValue: routes }, ...sessionsModuleProviders],
    exports: [SessionService, SigningKeys, OwnTokens, AccessTokens, SessionSubjects, SessionGate],
  };
}
