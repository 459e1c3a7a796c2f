/** A verifier of presets, with the services as the module creates them, without Nest. */
import type { Timer, Clock } from '../../src/clock/clock.js';
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import { openIssuers } from '../../src/open-providers.js';
import type { AuthEvent } from '../../src/telemetry/auth-event.js';
import { createClaimsCheck } from '../../src/token/claims-class.js';
import type { IssuerRegistry } from '../../src/token/issuer-registry.js';
import { TokenVerifier } from '../../src/token/token-verifier.js';
import { VerifiedTokenCache } from '../../src/token/verified-token-cache.js';
import { ProviderClients } from '../../src/upstream/provider-clients.js';
import { HttpClient } from '../../src/upstream/http-client.js';
import type { Fetch } from '../../src/upstream/http-exchange.js';

export interface OpenedVerifier {
  readonly verifier: TokenVerifier;
  readonly issuers: IssuerRegistry;
  /** The events that were reported. */
  readonly events: readonly AuthEvent[];
}

export interface VerifierContext {
  readonly clock?: Clock;
  /** The option `AuthModule.forRoot({ http: { fetch } })`. */
  readonly fetch?: Fetch;
  readonly cacheEntries?: number;
  readonly claims?: unknown;
  /** The timeout of calls. */
  readonly timeoutMs?: number;
  readonly createTimer?: () => Timer;
  readonly onlineVerdictSeconds?: number;
}

export function openVerifier(
  providers: IdentityProvider | readonly IdentityProvider[],
  context: VerifierContext = {},
): OpenedVerifier {
  const { clock = { now: () => new Date() }, fetch, cacheEntries = 100, claims } = context;
  const { timeoutMs, createTimer, onlineVerdictSeconds } = context;
  const events: AuthEvent[] = [];
  const issuers = openIssuers([providers].flat(), {
    clock,
    upstream: new HttpClient({ fetch, limits: timeoutMs === undefined ? {} : { timeoutMs } }),
    providerClient: new ProviderClients({ fetch, clock, timeoutMs }).get,
    report: (event) => events.push(event),
    ...(createTimer !== undefined && { createTimer }),
  });
  const verifier = new TokenVerifier({
    issuers,
    clock,
    cache: new VerifiedTokenCache(cacheEntries, clock),
    claimsCheck: claims === undefined ? null : createClaimsCheck('claims', claims),
    onlineVerdictSeconds,
  });
  return { verifier, issuers, events };
}
