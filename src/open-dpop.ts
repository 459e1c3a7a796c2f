import type { AuthenticationScheme } from './authentication/authentication-scheme.js';
import type { Clock } from './clock/clock.js';
import { path } from './configuration/read-options.js';
import { DpopProofs } from './dpop/dpop-proofs.js';
import type { DpopTerms } from './dpop/dpop-options.js';
import { DpopReplayStore } from './dpop/dpop-replay-store.js';
import { ConfigurationError } from './errors/auth-error.js';
import { type AppModules, findAppProvider } from './find-app-provider.js';
import type { OriginCheck } from './request/request-origin.js';
import type { ReportEvent } from './telemetry/auth-event.js';

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
  report: ReportEvent,
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

/** @throws {ConfigurationError} when the app has a scheme of this name itself. */
export function checkDpopScheme(where: string, schemes: readonly AuthenticationScheme[]): void {
  if (!schemes.some(({ name }) => name === 'DPoP')) return;
  throw new ConfigurationError(
    path(where, 'schemes'),
    'there is a scheme named "DPoP", and dpop is on',
    "Leave it out, or write dpop: 'off'",
  );
}
