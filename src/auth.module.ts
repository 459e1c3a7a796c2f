import {
  type DynamicModule,
  ForbiddenException,
  Inject,
  Module,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { type AbstractHttpAdapter, APP_GUARD, HttpAdapterHost, ModuleRef } from '@nestjs/core';

import { PermissionSources } from './access/issuer-permissions.js';
import type { AuthModuleAsyncOptions, AuthModuleExtras, AuthModuleOptions } from './auth-module-options.js';
import { Timer, NodeTimer } from './clock/clock.js';
import { readSwitch } from './configuration/read-options.js';
import { ConfigurationError } from './errors/auth-error.js';
import { HandlerInventory } from './audit/handler-inventory.service.js';
import { type MissingCapabilities, CapabilityCheck } from './audit/capability-check.service.js';
import { RouteAudit } from './audit/route-audit.service.js';
import { AuthGuard } from './guard/auth.guard.js';
import { AppRules } from './access/app-rules.js';
import { Authenticator } from './authentication/authenticator.js';
import { bringsAuthGuard } from './guard/brings-auth-guard.js';
import { ConnectionWatch } from './transports/connection-watch.js';
import { RequirementChecker } from './access/requirement-checker.js';
import { GraphqlTransport } from './transports/graphql.transport.js';
import { HttpTransport } from './transports/http.transport.js';
import { JwtStrategy } from './guard/jwt.strategy.js';
import { OrganizationEvaluator } from './access/organization-evaluator.js';
import { Policies } from './access/policies.service.js';
import { PolicyEvaluator } from './access/policy-evaluator.js';
import { RouteRulesReader } from './access/route-rules.js';
import { TokenAuthenticator } from './authentication/request-authenticator.js';
import type { TransportContext } from './transports/transport.js';
import { Transports } from './transports/transports.js';
import type { AuthContext } from './issuers/identity-provider.js';
import { claimMapsOf, openIssuers, openPermissions, openProfiles } from './open-providers.js';
import { RequestProfiles, UserProfileService } from './profiles/user-profile.service.js';
import { provideAsyncOptions } from './provide-async-options.js';
import { AUTH_MODULE_OPTIONS, type ResolvedAuthOptions, resolveAuthOptions } from './resolve-auth-options.js';
import { TokenSources } from './request/token-sources.js';
import { EventLog } from './telemetry/event-log.service.js';
import { IssuerKeys, KeyHealth } from './token/issuer-keys.js';
import { IssuerRegistry } from './token/issuer-registry.js';
import { TokenVerifier } from './token/token-verifier.js';
import { VerifiedTokenCache } from './token/verified-token-cache.js';
import { ProviderClients } from './upstream/provider-clients.js';

/** What the app lends to its issuers. */
function authContextOf(
  { clock, upstream }: ResolvedAuthOptions,
  clients: ProviderClients,
  { report }: EventLog,
): AuthContext {
  return { clock, upstream, providerClient: clients.get, report };
}

/** What the options, once read, are made into. */
const parts: Provider[] = [
  EventLog,
  {
    provide: ProviderClients,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ providerClients }: ResolvedAuthOptions) => new ProviderClients(providerClients),
  },
  {
    provide: IssuerRegistry,
    inject: [AUTH_MODULE_OPTIONS, ProviderClients, EventLog],
    useFactory: (options: ResolvedAuthOptions, clients: ProviderClients, log: EventLog) =>
      openIssuers(options.providers, authContextOf(options, clients, log)),
  },
  {
    provide: PermissionSources,
    inject: [AUTH_MODULE_OPTIONS, ProviderClients, EventLog],
    useFactory: (options: ResolvedAuthOptions, clients: ProviderClients, log: EventLog) =>
      openPermissions(options.providers, options.profiles, authContextOf(options, clients, log)),
  },
  {
    provide: UserProfileService,
    inject: [AUTH_MODULE_OPTIONS, ProviderClients, PermissionSources, EventLog],
    useFactory: (
      options: ResolvedAuthOptions,
      clients: ProviderClients,
      permissions: PermissionSources,
      log: EventLog,
    ) =>
      openProfiles(
        options.providers,
        options.profiles,
        clients,
        authContextOf(options, clients, log),
        permissions.forget,
      ),
  },
  {
    provide: RequestProfiles,
    inject: [UserProfileService, AUTH_MODULE_OPTIONS],
    useFactory: (service: UserProfileService, { clock }: ResolvedAuthOptions) => new RequestProfiles(service, clock),
  },
  {
    provide: IssuerKeys,
    inject: [AUTH_MODULE_OPTIONS, IssuerRegistry],
    useFactory: ({ warmUp }: ResolvedAuthOptions, issuers: IssuerRegistry) => new IssuerKeys(issuers, warmUp),
  },
  {
    provide: KeyHealth,
    inject: [IssuerKeys],
    useFactory: (keys: IssuerKeys) => new KeyHealth(keys),
  },
  {
    provide: TokenVerifier,
    inject: [AUTH_MODULE_OPTIONS, IssuerRegistry],
    useFactory: (options: ResolvedAuthOptions, issuers: IssuerRegistry) => {
      const { cacheEntries, claimsCheck, clock, onlineVerdictSeconds } = options;
      const cache = new VerifiedTokenCache(cacheEntries, clock);
      return new TokenVerifier({ issuers, clock, cache, claimsCheck, onlineVerdictSeconds });
    },
  },
  {
    provide: Authenticator,
    inject: [AUTH_MODULE_OPTIONS, TokenVerifier],
    useFactory: (options: ResolvedAuthOptions, verifier: TokenVerifier) => {
      const { sources, toUser } = options;
      return new TokenAuthenticator({ sources, toUser, verifier, claimMaps: claimMapsOf(options.providers) });
    },
  },
  {
    provide: RouteRulesReader,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ optionalAuth }: ResolvedAuthOptions) => new RouteRulesReader(optionalAuth, bringsAuthGuard),
  },
  { provide: Timer, useClass: NodeTimer },
  {
    provide: ConnectionWatch,
    inject: [AUTH_MODULE_OPTIONS, Authenticator, Timer, EventLog],
    useFactory: ({ clock }: ResolvedAuthOptions, authenticator: Authenticator, timer: Timer, { report }: EventLog) =>
      new ConnectionWatch({ authenticator, clock, timer, report }),
  },
  {
    provide: Transports,
    inject: [AUTH_MODULE_OPTIONS, HttpAdapterHost, ConnectionWatch, EventLog],
    useFactory: openTransports,
  },
  {
    provide: TokenSources,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ sources }: ResolvedAuthOptions) => new TokenSources(sources),
  },
  HandlerInventory,
  {
    provide: RouteAudit,
    inject: [HandlerInventory, AUTH_MODULE_OPTIONS],
    useFactory: (handlerInventory: HandlerInventory, { routeAudit }: ResolvedAuthOptions) =>
      new RouteAudit(handlerInventory, routeAudit),
  },
  {
    provide: CapabilityCheck,
    inject: [HandlerInventory, AUTH_MODULE_OPTIONS, Authenticator],
    useFactory: (
      handlerInventory: HandlerInventory,
      { providers }: ResolvedAuthOptions,
      authenticator: Authenticator,
    ) => new CapabilityCheck(handlerInventory, missingCapabilitiesOf(providers), authenticator),
  },
  Policies,
  {
    provide: RequirementChecker,
    inject: [Policies, PermissionSources, RequestProfiles, EventLog],
    useFactory: (policies: Policies, sources: PermissionSources, profiles: RequestProfiles, { report }: EventLog) => {
      const rules = new AppRules(report);
      return new RequirementChecker({
        organizations: new OrganizationEvaluator(rules, sources),
        policies: new PolicyEvaluator(rules, policies),
        sources,
        profiles,
      });
    },
  },
  AuthGuard,
  JwtStrategy,
];

function openTransports(
  { transports, socketOrigins }: ResolvedAuthOptions,
  host: HttpAdapterHost,
  connections: ConnectionWatch,
  { report }: EventLog,
): Transports {
  const context: TransportContext = {
    connections,
    socketOrigins,
    // An app of microservices alone has no adapter, whatever the type says.
    findHttpServer: () => (host.httpAdapter as AbstractHttpAdapter | undefined)?.getHttpServer() as unknown,
    report,
  };
  return new Transports(
    [
      new HttpTransport(host),
      new GraphqlTransport(context, host),
      ...transports.flatMap((transport) => transport.open(context)),
    ],
    report,
    (cause) => new ForbiddenException(undefined, { cause }),
  );
}

/**
 * Authentication for an app that is called with access tokens. Import it once, in the root module; then guard
 * routes with `@UseGuards(AuthGuard)` or everything with `guardEverything`, and read the caller with
 * `@CurrentUser()`. It provides `AuthGuard`, `TokenVerifier`, `UserProfileService`, `IssuerKeys`, `KeyHealth` and
 * `JwtStrategy` to every module.
 */
@Module({})
export class AuthModule implements OnModuleInit {
  constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for the first option that is wrong, missing or unknown: which one, and what
   * to write instead.
   */
  static forRoot(options: AuthModuleOptions & AuthModuleExtras): DynamicModule {
    const { guardEverything, isGlobal, ...rest } = options;
    const resolved = resolveAuthOptions('AuthModule.forRoot', rest);
    return assemble('AuthModule.forRoot', { guardEverything, isGlobal }, [
      { provide: AUTH_MODULE_OPTIONS, useValue: resolved },
    ]);
  }

  /**
   * Registers the module with options that a factory makes from other providers: a configuration service, or
   * the service that `toUser` asks. `guardEverything` and `isGlobal` stand beside the factory, as they must be
   * known before it runs.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync(options: AuthModuleAsyncOptions): DynamicModule {
    const { guardEverything, isGlobal, ...rest } = options;
    const { imports, providers } = provideAsyncOptions('AuthModule.forRootAsync', rest);
    return { ...assemble('AuthModule.forRootAsync', { guardEverything, isGlobal }, providers), imports };
  }

  /**
   * Stops an app whose options depend on the request. Nest would make the whole module anew for each one:
   * wrong options would show at a request, keys be fetched for every single one, an outage never be noticed.
   */
  onModuleInit(): void {
    if (this.areOptionsMade()) return;
    throw new ConfigurationError(
      'AuthModule.forRootAsync({ inject })',
      'the options depend on a request-scoped provider, and they are made once, when the app starts',
      'Inject ModuleRef instead, and let toUser(user, request) resolve the provider for the request',
    );
  }

  /** Whether the options of this registration are there. Nest refuses to hand out what waits for a request. */
  private areOptionsMade(): boolean {
    try {
      return this.moduleRef.get<unknown>(AUTH_MODULE_OPTIONS, { strict: true }) !== undefined;
    } catch {
      return false;
    }
  }
}

/** The extras as they came: what `exactOptionalPropertyTypes` calls a difference is none here. */
type GivenExtras = { readonly [Name in keyof AuthModuleExtras]: AuthModuleExtras[Name] | undefined };

function assemble(where: string, extras: GivenExtras, options: readonly Provider[]): DynamicModule {
  // An alias and not a second guard, so that a test that overrides AuthGuard overrides this one as well.
  const everywhere: Provider = { provide: APP_GUARD, useExisting: AuthGuard };
  return {
    module: AuthModule,
    global: readSwitch(where, extras, 'isGlobal', true),
    providers: [...options, ...parts, ...(readSwitch(where, extras, 'guardEverything', false) ? [everywhere] : [])],
    exports: [
      EventLog,
      TokenVerifier,
      UserProfileService,
      RequestProfiles,
      IssuerKeys,
      KeyHealth,
      Authenticator,
      RouteRulesReader,
      Transports,
      RequirementChecker,
      HandlerInventory,
      TokenSources,
      AuthGuard,
      JwtStrategy,
    ],
  };
}

/** What no provider can do, with the hint of the first of them. */
function missingCapabilitiesOf(providers: ResolvedAuthOptions['providers']): MissingCapabilities {
  const [first] = providers;
  const canAsk = providers.some(({ issuers }) => issuers.some(({ createStatusSource }) => createStatusSource !== null));
  const hasProfiles = providers.some(({ openProfiles: open }) => open !== null);
  return {
    online: canAsk || first === undefined ? null : first.statusSourceHint,
    profile: hasProfiles || first === undefined ? null : first.profileHint.get,
  };
}
