import { ForbiddenException, type Provider } from '@nestjs/common';
import { type AbstractHttpAdapter, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import { PermissionSources } from './access/issuer-permissions.js';
import { Timer, NodeTimer } from './clock/clock.js';
import { ExternalHandlers } from './audit/external-handlers.service.js';
import { HandlerInventory } from './audit/handler-inventory.service.js';
import { CapabilityCheck } from './audit/capability-check.service.js';
import { RouteAudit } from './audit/route-audit.service.js';
import { UserParameters } from './audit/user-parameters.service.js';
import { createTokenExplainer } from './open-explainer.js';
import { TokenExplainer } from './explain/token-explainer.js';
import { AuthGuard } from './guard/auth.guard.js';
import { AppRules } from './access/app-rules.js';
import { Authenticator } from './authentication/authenticator.js';
import { bringsAuthGuard, hasGraphqlModule, servesCallers } from './guard/nest-internals.js';
import { ConnectionWatch } from './transports/connection-watch.js';
import { RequirementChecker } from './access/requirement-checker.js';
import { StepUpEvaluator } from './access/step-up-evaluator.js';
import { GraphqlTransport } from './transports/graphql.transport.js';
import { HttpTransport } from './transports/http.transport.js';
import { JwtStrategy } from './guard/jwt.strategy.js';
import { OrganizationEvaluator } from './access/organization-evaluator.js';
import { Policies } from './access/policies.service.js';
import { PolicyEvaluator } from './access/policy-evaluator.js';
import { RouteRulesReader } from './access/route-rules.js';
import { AuthenticationSchemes } from './authentication/authentication-scheme.js';
import type { DpopProofs } from './dpop/dpop-proofs.js';
import { RequestAuthentication } from './authentication/request-authentication.js';
import { AUTH_ERROR_FILTER_REGISTRATION, AuthErrorFilter, registerFilter } from './guard/auth-error.filter.js';
import { CallAnswers } from './transports/call-answers.js';
import type { TransportContext } from './transports/transport.js';
import { Transports } from './transports/transports.js';
import { createDpopProofs, DPOP_PROOFS, openSchemes } from './open-dpop.js';
import { createRevocation, findRevocationStore, Revocation } from './open-revocation.js';
import {
  missingCapabilitiesOf,
  openAuthenticator,
  openCallAnswers,
  openIssuers,
  openKeySchemes,
  openOriginCheck,
  openPermissions,
  openProfiles,
} from './open-providers.js';
import { RequestProfiles, UserProfileService } from './profiles/user-profile.service.js';
import { AUTH_MODULE_OPTIONS, READ_AUTH_OPTIONS } from './read-auth-options.js';
import { authDoctorProviders } from './auth-doctor-providers.js';
import { AUTH_CONTEXT } from './auth-context-token.js';
import { authOptionProviders } from './auth-option-providers.js';
import type { ResolvedAuthOptions } from './resolve-auth-options.js';
import { resourceMetadataProviders } from './resource-metadata/resource-metadata-module-providers.js';
import { OriginCheck } from './request/request-origin.js';
import { TokenSources } from './request/token-sources.js';
import { RevocationService } from './revocation/revocation.service.js';
import { EventLog } from './telemetry/event-log.service.js';
import { IssuerKeys, KeyHealth } from './token/issuer-keys.js';
import { IssuerRegistry } from './token/issuer-registry.js';
import { TokenVerifier } from './token/token-verifier.js';
import { VerifiedTokenCache } from './token/verified-token-cache.js';
import type { AuthContext } from './upstream/auth-context.js';
import { ProviderClients } from './upstream/provider-clients.js';

/** What the options, once read, are made into. */
export const authModuleProviders: Provider[] = [
  ...authOptionProviders,
  {
    provide: AUTH_CONTEXT,
    inject: [AUTH_MODULE_OPTIONS, ProviderClients, EventLog],
    useFactory: (
      { clock, upstream }: ResolvedAuthOptions,
      clients: ProviderClients,
      { report }: EventLog,
    ): AuthContext => ({ clock, upstream, providerClient: clients.get, report }),
  },
  {
    provide: IssuerRegistry,
    inject: [AUTH_MODULE_OPTIONS, AUTH_CONTEXT],
    useFactory: ({ providers, resources }: ResolvedAuthOptions, context: AuthContext) =>
      openIssuers(providers, context, resources),
  },
  {
    provide: PermissionSources,
    inject: [AUTH_MODULE_OPTIONS, AUTH_CONTEXT],
    useFactory: ({ providers, profiles }: ResolvedAuthOptions, context: AuthContext) =>
      openPermissions(providers, profiles, context),
  },
  {
    provide: UserProfileService,
    inject: [AUTH_MODULE_OPTIONS, ProviderClients, PermissionSources, AUTH_CONTEXT],
    useFactory: (
      { providers, profiles }: ResolvedAuthOptions,
      clients: ProviderClients,
      permissions: PermissionSources,
      context: AuthContext,
    ) => openProfiles(providers, profiles, clients, context, permissions.forget),
  },
  {
    provide: RequestProfiles,
    inject: [UserProfileService, AUTH_MODULE_OPTIONS],
    useFactory: (service: UserProfileService, { clock }: ResolvedAuthOptions) => new RequestProfiles(service, clock),
  },
  {
    provide: IssuerKeys,
    inject: [AUTH_MODULE_OPTIONS, IssuerRegistry, HttpAdapterHost, ModulesContainer],
    useFactory: (
      { warmUp }: ResolvedAuthOptions,
      issuers: IssuerRegistry,
      host: HttpAdapterHost,
      modules: ModulesContainer,
    ) => new IssuerKeys(issuers, warmUp, () => servesCallers(host, modules)),
  },
  { provide: KeyHealth, inject: [IssuerKeys], useFactory: (keys: IssuerKeys) => new KeyHealth(keys) },
  {
    provide: Revocation,
    inject: [AUTH_MODULE_OPTIONS, ModulesContainer, EventLog],
    useFactory: (
      { providers, revocation: terms, clock }: ResolvedAuthOptions,
      modules: ModulesContainer,
      { report }: EventLog,
    ): Revocation => {
      const findStore = (): ReturnType<typeof findRevocationStore> => findRevocationStore(modules);
      return createRevocation({ providers, terms, clock, timer: new NodeTimer(), findStore, report });
    },
  },
  {
    provide: RevocationService,
    inject: [Revocation],
    useFactory: ({ service }: Revocation) => service,
  },
  {
    provide: TokenVerifier,
    inject: [AUTH_MODULE_OPTIONS, IssuerRegistry, Revocation],
    useFactory: (
      options: ResolvedAuthOptions,
      issuers: IssuerRegistry,
      { check: statusCheck }: Revocation,
    ): TokenVerifier => {
      const { cacheEntries, claimsCheck, clock, onlineVerdictSeconds } = options;
      const cache = new VerifiedTokenCache(cacheEntries, clock);
      return new TokenVerifier({ issuers, clock, cache, claimsCheck, onlineVerdictSeconds, statusCheck });
    },
  },
  {
    provide: TokenExplainer,
    inject: [AUTH_MODULE_OPTIONS, IssuerRegistry, TokenVerifier, AuthenticationSchemes],
    useFactory: createTokenExplainer,
  },
  {
    provide: AuthenticationSchemes,
    inject: [AUTH_MODULE_OPTIONS, TokenVerifier, AUTH_CONTEXT, IssuerRegistry, Revocation, DPOP_PROOFS],
    useFactory: (
      options: ResolvedAuthOptions,
      verifier: TokenVerifier,
      context: AuthContext,
      issuers: IssuerRegistry,
      { check }: Revocation,
      proofs: DpopProofs | null,
    ) => openSchemes(options, openKeySchemes(options, context, issuers, check), { verifier, proofs, ...context }),
  },
  {
    provide: DPOP_PROOFS,
    inject: [AUTH_MODULE_OPTIONS, ModulesContainer, OriginCheck, EventLog],
    useFactory: createDpopProofs,
  },
  { provide: OriginCheck, inject: [READ_AUTH_OPTIONS, HttpAdapterHost], useFactory: openOriginCheck },
  {
    provide: Authenticator,
    inject: [AUTH_MODULE_OPTIONS, AuthenticationSchemes, OriginCheck],
    useFactory: (options: ResolvedAuthOptions, { inOrder }: AuthenticationSchemes, check: OriginCheck) =>
      openAuthenticator(options, inOrder, check),
  },
  {
    provide: RequestAuthentication,
    inject: [Authenticator],
    useFactory: (authenticator: Authenticator) => new RequestAuthentication(authenticator),
  },
  {
    provide: CallAnswers,
    inject: [AUTH_MODULE_OPTIONS, AuthenticationSchemes, EventLog],
    useFactory: openCallAnswers,
  },
  {
    provide: RouteRulesReader,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ optionalAuth }: ResolvedAuthOptions) => new RouteRulesReader(optionalAuth, bringsAuthGuard),
  },
  { provide: Timer, useClass: NodeTimer },
  {
    provide: ConnectionWatch,
    inject: [AUTH_MODULE_OPTIONS, Authenticator, Timer, EventLog, Revocation],
    useFactory: (
      { clock }: ResolvedAuthOptions,
      authenticator: Authenticator,
      timer: Timer,
      { report }: EventLog,
      revocation: Revocation,
    ): ConnectionWatch => {
      const watch = new ConnectionWatch({ authenticator, clock, timer, report });
      revocation.onChange(() => {
        watch.recheckAll();
      });
      return watch;
    },
  },
  {
    provide: Transports,
    inject: [AUTH_MODULE_OPTIONS, HttpAdapterHost, ModulesContainer, ConnectionWatch, EventLog],
    useFactory: openTransports,
  },
  {
    provide: TokenSources,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ sources }: ResolvedAuthOptions) => new TokenSources(sources),
  },
  ExternalHandlers,
  HandlerInventory,
  {
    provide: RouteAudit,
    inject: [HandlerInventory, AUTH_MODULE_OPTIONS, HttpAdapterHost, ModulesContainer],
    useFactory: (
      handlerInventory: HandlerInventory,
      { routeAudit }: ResolvedAuthOptions,
      host: HttpAdapterHost,
      modules: ModulesContainer,
    ) => new RouteAudit(handlerInventory, routeAudit, () => servesCallers(host, modules)),
  },
  {
    provide: UserParameters,
    inject: [HandlerInventory, HttpAdapterHost, ModulesContainer],
    useFactory: (handlerInventory: HandlerInventory, host: HttpAdapterHost, modules: ModulesContainer) =>
      new UserParameters(handlerInventory, () => servesCallers(host, modules)),
  },
  {
    provide: CapabilityCheck,
    inject: [HandlerInventory, AUTH_MODULE_OPTIONS, Authenticator],
    useFactory: (handlerInventory: HandlerInventory, options: ResolvedAuthOptions, authenticator: Authenticator) =>
      new CapabilityCheck(handlerInventory, missingCapabilitiesOf(options), authenticator),
  },
  Policies,
  {
    provide: RequirementChecker,
    inject: [AUTH_MODULE_OPTIONS, Policies, PermissionSources, RequestProfiles, EventLog],
    useFactory: (
      { scopes, providers, clock }: ResolvedAuthOptions,
      policies: Policies,
      sources: PermissionSources,
      profiles: RequestProfiles,
      { report }: EventLog,
    ): RequirementChecker => {
      const rules = new AppRules(report);
      const terms = providers.flatMap(({ issuers }) => issuers.map((issuer) => issuer.terms));
      const tolerances = new Map(terms.map(({ issuer, clockToleranceSeconds }) => [issuer, clockToleranceSeconds]));
      return new RequirementChecker({
        organizations: new OrganizationEvaluator(rules, sources),
        policies: new PolicyEvaluator(rules, policies),
        stepUps: new StepUpEvaluator({ clock, toleranceSecondsOf: (issuer) => tolerances.get(issuer) ?? 0 }),
        sources,
        profiles,
        scopes,
      });
    },
  },
  AuthGuard,
  AuthErrorFilter,
  {
    provide: AUTH_ERROR_FILTER_REGISTRATION,
    inject: [AuthErrorFilter, ModuleRef],
    useFactory: registerFilter,
  },
  JwtStrategy,
  ...resourceMetadataProviders,
  ...authDoctorProviders,
];

function openTransports(
  { transports, unguardedContexts }: ResolvedAuthOptions,
  host: HttpAdapterHost,
  modules: ModulesContainer,
  connections: ConnectionWatch,
  { report }: EventLog,
): Transports {
  const context: TransportContext = {
    connections,
    // An app of microservices alone has no adapter, whatever the type says.
    findHttpServer: () => (host.httpAdapter as AbstractHttpAdapter | undefined)?.getHttpServer() as unknown,
    report,
  };
  return new Transports(
    [
      new HttpTransport(context, host),
      new GraphqlTransport(context, host, () => hasGraphqlModule(modules)),
      ...transports.flatMap((transport) => transport.open(context)),
    ],
    report,
    (cause) => new ForbiddenException(undefined, { cause }),
    unguardedContexts,
  );
}
