import type { Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import { HandlerInventory } from './audit/handler-inventory.service.js';
import { RoutesDoctorCheck } from './audit/routes-doctor-check.js';
import { AUTH_CONTEXT } from './auth-context-token.js';
import { AuthenticationSchemes } from './authentication/authentication-scheme.js';
import { TokenDoctorCheck } from './explain/token-doctor-check.js';
import { acceptingTokens } from './issuers/identity-provider.js';
import { path } from './configuration/read-options.js';
import { BoundTokensDoctorCheck } from './dpop/bound-tokens-doctor-check.js';
import { DpopReplayStore } from './dpop/dpop-replay-store.js';
import { findAppProvider } from './find-app-provider.js';
import { IssuersDoctorCheck } from './issuers/issuers-doctor-check.js';
import { OwnTokens } from './issuers/module-issuer.js';
import { createTokenExplainer } from './open-explainer.js';
import { findRevocationStore } from './open-revocation.js';
import { AUTH_MODULE_OPTIONS } from './read-auth-options.js';
import { CookiesDoctorCheck } from './request/cookies-doctor-check.js';
import type { ResolvedAuthOptions } from './resolve-auth-options.js';
import { ResourcesDoctorCheck } from './resource-metadata/resources-doctor-check.js';
import { RevocationDoctorCheck } from './revocation/revocation-doctor-check.js';
import { IssuerRegistry } from './token/issuer-registry.js';
import { TokenVerifier } from './token/token-verifier.js';
import { VerifiedTokenCache } from './token/verified-token-cache.js';
import type { AuthContext } from './upstream/auth-context.js';

/** What `npx nest-gatehouse doctor` checks of `AuthModule`. */
export const authDoctorProviders: Provider[] = [
  {
    provide: IssuersDoctorCheck,
    inject: [AUTH_MODULE_OPTIONS, IssuerRegistry, AUTH_CONTEXT, { token: OwnTokens, optional: true }],
    useFactory: (
      { providers, sources }: ResolvedAuthOptions,
      issuers: IssuerRegistry,
      { upstream }: AuthContext,
      own?: OwnTokens,
    ) =>
      new IssuersDoctorCheck({
        ...{ issuers, upstream, sources },
        providers: acceptingTokens(providers),
        ownIssuer: own?.issuer ?? null,
      }),
  },
  {
    provide: TokenDoctorCheck,
    inject: [AUTH_MODULE_OPTIONS, IssuerRegistry, AuthenticationSchemes, { token: OwnTokens, optional: true }],
    useFactory: (
      options: ResolvedAuthOptions,
      issuers: IssuerRegistry,
      schemes: AuthenticationSchemes,
      own?: OwnTokens,
    ): TokenDoctorCheck => {
      const { clock, claimsCheck } = options;
      // Without the revocations, whose store would be opened for it.
      const cache = new VerifiedTokenCache(0, clock);
      const verifier = new TokenVerifier({ issuers, clock, claimsCheck, cache, onlineVerdictSeconds: 0 });
      return new TokenDoctorCheck(createTokenExplainer(options, issuers, verifier, schemes), own?.issuer ?? null);
    },
  },
  {
    provide: RoutesDoctorCheck,
    inject: [AUTH_MODULE_OPTIONS, HandlerInventory],
    useFactory: (options: ResolvedAuthOptions, inventory: HandlerInventory) =>
      new RoutesDoctorCheck(inventory, options),
  },
  {
    provide: CookiesDoctorCheck,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ sources, publicUrl, trustedOrigins }: ResolvedAuthOptions) =>
      new CookiesDoctorCheck({ sources, publicUrl, trustedOrigins }),
  },
  {
    provide: BoundTokensDoctorCheck,
    inject: [AUTH_MODULE_OPTIONS, ModulesContainer],
    useFactory: (
      { where, dpop, publicUrl, clientCertificate }: ResolvedAuthOptions,
      modules: ModulesContainer,
    ): BoundTokensDoctorCheck =>
      new BoundTokensDoctorCheck({
        dpop,
        publicUrl,
        findStoreName: () => findAppProvider(modules, DpopReplayStore, path(where, 'dpop'))?.constructor.name ?? null,
        certificateHeader: clientCertificate?.header ?? null,
        trustedProxies: clientCertificate?.trustedProxies ?? [],
      }),
  },
  {
    provide: ResourcesDoctorCheck,
    inject: [AUTH_MODULE_OPTIONS],
    useFactory: ({ resources }: ResolvedAuthOptions) => new ResourcesDoctorCheck(resources?.all ?? []),
  },
  {
    provide: RevocationDoctorCheck,
    inject: [AUTH_MODULE_OPTIONS, ModulesContainer],
    useFactory: ({ revocation }: ResolvedAuthOptions, modules: ModulesContainer) =>
      new RevocationDoctorCheck(revocation, () => findRevocationStore(modules)),
  },
];
