import { type AuthenticationScheme, AuthenticationSchemes } from './authentication/authentication-scheme.js';
import { BearerScheme } from './authentication/bearer-scheme.js';
import { checkSchemes } from './authentication/request-authenticator.js';
import type { Clock } from './clock/clock.js';
import { path } from './configuration/read-options.js';
import { DpopProofs } from './dpop/dpop-proofs.js';
import type { DpopTerms } from './dpop/dpop-options.js';
import { DpopReplayStore } from './dpop/dpop-replay-store.js';
import { DpopScheme } from './dpop/dpop-scheme.js';
import { createBindingCheck } from './dpop/token-binding.js';
import { type AppModules, findAppProvider } from './find-app-provider.js';
import { claimMapsOf } from './open-providers.js';
import { ClientCertificates } from './mtls/client-certificate.js';
import type { OriginCheck } from './request/request-origin.js';
import type { ResolvedAuthOptions } from './resolve-auth-options.js';
import type { ReportEvent } from './telemetry/auth-event.js';
import type { TokenVerifier } from './token/token-verifier.js';

/** The token of the verification of proofs, for the guard and for the endpoint that issues tokens; `null` where DPoP is off. */
export const DPOP_PROOFS = Symbol('nest-gatehouse.dpop-proofs');

export interface DpopContext {
  readonly where: string;
  readonly dpop: DpopTerms;
  readonly publicUrl: string | null;
  readonly clock: Clock;
}

/** Creates the verification of proofs; `null` where DPoP is off. The store is looked for when the app starts. */
export function createDpopProofs(
  { where, dpop: terms, publicUrl, clock }: DpopContext,
  modules: AppModules,
  origins: OriginCheck,
  { report }: { readonly report: ReportEvent },
): DpopProofs | null {
  if (terms.mode === 'off') return null;
  return new DpopProofs({
    terms,
    clock,
    report,
    findBase: (request) => publicUrl ?? origins.findCalledOrigin(request),
    findStore: () => findAppProvider(modules, DpopReplayStore, path(where, 'dpop')),
  });
}

/** What the schemes of access tokens work with. */
interface SchemeTools {
  readonly verifier: TokenVerifier;
  /** `null` where DPoP is off. */
  readonly proofs: DpopProofs | null;
  readonly report: ReportEvent;
}

/**
 * Creates the schemes of the app: its own, those of API keys, and those of access tokens with and without a key of their client.
 *
 * @param ofProviders those of the API keys that providers issue
 * @throws {ConfigurationError} when the app has a scheme named DPoP itself.
 */
export function openSchemes(
  { where, dpop, clientCertificate, schemes, sources, providers }: ResolvedAuthOptions,
  ofProviders: readonly AuthenticationScheme[],
  { verifier, proofs, report }: SchemeTools,
): AuthenticationSchemes {
  const { check: checkCertificate } = new ClientCertificates(clientCertificate, report);
  const claimMaps = claimMapsOf(providers);
  const others = [...schemes, ...ofProviders];
  const checkUser = createBindingCheck(dpop.mode);
  const bearer = new BearerScheme({ sources, verifier, claimMaps, checkUser, checkCertificate });
  if (proofs === null) return new AuthenticationSchemes(others, bearer);
  const bound = new DpopScheme({ proofs, sources, verifier, claimMaps, checkCertificate });
  checkSchemes(path(where, 'schemes'), [...others, bound]);
  return new AuthenticationSchemes(others, bearer, bound);
}
