import type { Clock } from '../clock/clock.js';
import type { BreakerState } from './call-policy.js';
import { ProviderClient } from './provider-client.js';
import { defaultLimits, type Fetch } from './upstream-client.js';

/** How an app lets providers be called. */
export interface ProviderClientsOptions {
  readonly clock: Clock;
  /** Carries the calls out, where the app hands in its own. @defaultValue connections kept for each provider */
  readonly fetch?: Fetch | undefined;
  /** Milliseconds for one call with all its repetitions. @defaultValue 5000 */
  readonly timeoutMs?: number | undefined;
}

/** The clients of an app: one for each provider's origin, shared by all who call it. */
export class ProviderClients {
  private readonly byOrigin = new Map<string, ProviderClient>();

  constructor(private readonly options: ProviderClientsOptions) {}

  /** The client of an origin, given as such or as any address under it. */
  readonly get = (address: string): ProviderClient => {
    const { origin } = new URL(address);
    const client = this.byOrigin.get(origin) ?? this.open(origin);
    this.byOrigin.set(origin, client);
    return client;
  };

  /** Which providers are called as usual and which are left alone, by their origins. */
  breakers(): ReadonlyMap<string, BreakerState> {
    return new Map([...this.byOrigin].map(([origin, { breaker }]) => [origin, breaker]));
  }

  /** Called by Nest when the app has answered its last request. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.byOrigin.values()].map((client) => client.close()));
  }

  private open(origin: string): ProviderClient {
    const { fetch, timeoutMs = defaultLimits.timeoutMs, clock } = this.options;
    return new ProviderClient(origin, { fetch, clock, limits: { ...defaultLimits, timeoutMs } });
  }
}
