import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type NestModule,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { APP_GUARD, ModuleRef, ModulesContainer } from '@nestjs/core';
import type { AuthModuleAsyncOptions, AuthModuleExtras, AuthModuleOptions } from './auth-module-options.js';
import { path, readSwitch } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';
import { noteAuthModule } from './errors/require-auth-module.js';
import { HandlerInventory } from './audit/handler-inventory.service.js';
import { AuthGuard } from './guard/auth.guard.js';
import { IdentityProviders } from './issuers/identity-provider.js';
import { Authenticator } from './authentication/authenticator.js';
import { RequestAuthentication } from './authentication/request-authentication.js';
import { RequirementChecker } from './access/requirement-checker.js';
import { AdapterRoutesModule } from './issuing/adapter-routes.module.js';
import type { AdapterRoutes } from './issuing/adapter-routes.service.js';
import { JwtStrategy } from './guard/jwt.strategy.js';
import { RouteRulesReader } from './access/route-rules.js';
import { AUTH_CONTEXT } from './auth-context-token.js';
import { authModuleProviders } from './auth-module-providers.js';
import { AuthErrorFilter } from './guard/auth-error.filter.js';
import { CallAnswers } from './transports/call-answers.js';
import { Transports } from './transports/transports.js';
import { RequestProfiles, UserProfileService } from './profiles/user-profile.service.js';
import { checkOptionsAreMade, provideAsyncOptions } from './provide-async-options.js';
import { RESOURCE_ROUTES } from './resource-metadata/resource-metadata-module-providers.js';
import { isProduction, READ_AUTH_OPTIONS, type ReadAuthOptions, readAuthOptions } from './read-auth-options.js';
import { isIndependent, resolveAuthOptions } from './resolve-auth-options.js';
import { AuthSettings } from './auth-settings.js';
import { Clock } from './clock/clock.js';
import { findNonceProblem } from './dpop/dpop-options.js';
import { DPOP_PROOFS } from './open-dpop.js';
import { Revocation } from './open-revocation.js';
import { OriginCheck } from './request/request-origin.js';
import { TokenSources } from './request/token-sources.js';
import { RevocationService } from './revocation/revocation.service.js';
import { EventLog } from './telemetry/event-log.service.js';
import { IssuerKeys, KeyHealth } from './token/issuer-keys.js';
import { TokenExplainer } from './explain/token-explainer.js';
import { TokenVerifier } from './token/token-verifier.js';

/**
 * Authentication for an app that is called with access tokens. Import it once, in the root module; then guard
 * routes with `@UseGuards(AuthGuard)` or everything with `guardEverything`, and read the caller with
 * `@CurrentUser()`. It provides `AuthGuard`, `TokenVerifier`, `UserProfileService`, `IssuerKeys`, `KeyHealth` and
 * `JwtStrategy` to every module.
 */
@Module({})
export class AuthModule implements NestModule, OnModuleInit {
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for the first option that is wrong, missing or unknown: which one, and what
   * to write instead.
   */
  static forRoot(options: AuthModuleOptions & AuthModuleExtras): DynamicModule {
    const { guardEverything, isGlobal, ...rest } = options;
    const read = readAuthOptions('AuthModule.forRoot', rest, { read: extraNames });
    // Resolved again when the app starts. A mistake is reported here, where the stack trace leads to the app's own line.
    if (isIndependent(read)) resolveAuthOptions(read);
    return assemble('AuthModule.forRoot', { guardEverything, isGlobal }, [
      { provide: READ_AUTH_OPTIONS, useValue: read },
    ]);
  }

  /**
   * Registers the module with options that a factory makes from other providers: a configuration service, or
   * the service that `toUser` asks. `guardEverything` and `isGlobal` are members of the same object, because they
   * must be known before the factory runs.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync(options: AuthModuleAsyncOptions): DynamicModule {
    const { guardEverything, isGlobal, ...rest } = options;
    const { imports, providers } = provideAsyncOptions('AuthModule.forRootAsync', rest, {
      token: READ_AUTH_OPTIONS,
      create: (factory) => factory.createAuthOptions(),
      resolve: (where, made, elsewhere) =>
        readAuthOptions(where, made, { ...(elsewhere !== undefined && { elsewhere }) }),
      extras: extraNames,
    });
    const assembled = assemble('AuthModule.forRootAsync', { guardEverything, isGlobal }, providers);
    return { ...assembled, imports: [...imports, AdapterRoutesModule] };
  }

  /** Called by Nest after the middleware of the app was added, and before its controllers are: not in an app without HTTP. */
  configure(): void {
    this.checkRegistration();
    // Injected, it would make the module wait for a request where its options do, and no check would ever run.
    this.moduleRef.get<AdapterRoutes | null>(RESOURCE_ROUTES, { strict: true })?.register();
  }

  /** Called by Nest. @throws {ConfigurationError} for a registration that cannot work */
  onModuleInit(): void {
    this.checkRegistration();
    if (!isProduction()) return;
    const logger = new Logger('Gatehouse');
    const options = this.moduleRef.get<ReadAuthOptions>(READ_AUTH_OPTIONS, { strict: true });
    for (const warning of warningsForProduction(options)) logger.warn(warning);
  }

  /**
   * Stops an app that has imported the class without options, or has registered it globally more than once, or whose options
   * depend on the request. For these, Nest would create the whole module again for each request: wrong options would show at a
   * request, keys would be fetched for each request, and an outage would never be noticed.
   */
  private checkRegistration(): void {
    const registrations = [...this.modules.values()].filter(({ metatype }) => metatype === AuthModule);
    const own = registrations.find(({ instance }) => (instance as unknown) === this);
    if (own?.providers.has(READ_AUTH_OPTIONS) === false) throw importedWithoutOptions();
    if (own?.isGlobal === true && registrations.filter(({ isGlobal }) => isGlobal).length > 1) throw registeredTwice();
    const fix = 'Inject ModuleRef instead, and let toUser(user, request) resolve the provider for the request';
    checkOptionsAreMade('AuthModule.forRootAsync', this.moduleRef, READ_AUTH_OPTIONS, fix);
  }
}

/** What works with one process, or on the developer's own machine, and may be a mistake where the app runs for its users. */
function warningsForProduction({ where, explainInAnswers, dpop }: ReadAuthOptions): readonly string[] {
  const warnings: string[] = [];
  if (explainInAnswers) {
    const problem = 'it has no effect with NODE_ENV=production, because explanations repeat texts of tokens';
    warnings.push(`${where}({ explainInAnswers }): ${problem}`);
  }
  const ofNonces = findNonceProblem(path(where, 'dpop'), dpop);
  if (ofNonces !== null) warnings.push(ofNonces);
  return warnings;
}

function importedWithoutOptions(): ConfigurationError {
  return new ConfigurationError(
    'AuthModule',
    'it is imported as a class, without options',
    'Remove it from the imports of this module: AuthModule.forRoot() in the root module serves all modules. With ' +
      'isGlobal: false, import the value that forRoot has returned, from a constant',
  );
}

function registeredTwice(): ConfigurationError {
  return new ConfigurationError(
    'AuthModule.forRoot',
    'it is called more than once for one app, and only one of the registrations would decide',
    'Call it once, in the root module. Where modules need different options, set isGlobal: false in all but one of the calls, ' +
      'and import the value of each call where it applies',
  );
}

const extraNames: readonly (keyof AuthModuleExtras)[] = ['guardEverything', 'isGlobal'];

/** The extras as they came: what `exactOptionalPropertyTypes` calls a difference is none here. */
type GivenExtras = { readonly [Name in keyof AuthModuleExtras]: AuthModuleExtras[Name] | undefined };

function assemble(where: string, extras: GivenExtras, options: readonly Provider[]): DynamicModule {
  noteAuthModule();
  // An alias and not a second guard, so that a test that overrides AuthGuard overrides this one as well.
  const everywhere: Provider = { provide: APP_GUARD, useExisting: AuthGuard };
  return {
    module: AuthModule,
    imports: [AdapterRoutesModule],
    global: readSwitch(where, extras, 'isGlobal', true),
    providers: [
      ...options,
      ...authModuleProviders,
      ...(readSwitch(where, extras, 'guardEverything', false) ? [everywhere] : []),
    ],
    exports: [
      AuthSettings,
      AUTH_CONTEXT,
      IdentityProviders,
      Clock,
      EventLog,
      TokenVerifier,
      TokenExplainer,
      UserProfileService,
      RequestProfiles,
      RevocationService,
      Revocation,
      IssuerKeys,
      KeyHealth,
      Authenticator,
      RequestAuthentication,
      RouteRulesReader,
      Transports,
      RequirementChecker,
      HandlerInventory,
      TokenSources,
      OriginCheck,
      DPOP_PROOFS,
      CallAnswers,
      AuthGuard,
      AuthErrorFilter,
      JwtStrategy,
    ],
  };
}
