import type { Clock } from '../clock/clock.js';
import type { BreakerState } from './circuit-breaker.js';
import { HttpClient } from './http-client.js';
import type { Fetch } from './http-exchange.js';

/** How an app wants its providers to be called. */
export interface ProviderClientsOptions {
  readonly clock: Clock;
  /** Sends the requests, when the app has a function of its own. @defaultValue connections kept for each provider */
  readonly fetch?: Fetch | undefined;
  /** Milliseconds for one call with all its repetitions. @defaultValue 5000 */
  readonly timeoutMs?: number | undefined;
}

/** The HTTP clients of an app: one for each provider's origin, shared by all callers of that origin. */
export class ProviderClients {
  private readonly byOrigin = new Map<string, HttpClient>();

  constructor(private readonly options: ProviderClientsOptions) {}

  /** The client of an origin, found by any address of it. */
  readonly get = (address: string): HttpClient => {
    const { origin } = new URL(address);
    const client = this.byOrigin.get(origin) ?? this.create(origin);
    this.byOrigin.set(origin, client);
    return client;
  };

  /** The state of each provider's circuit breaker, by origin. */
  breakers(): ReadonlyMap<string, BreakerState> {
    return new Map([...this.byOrigin].map(([origin, { breaker }]) => [origin, breaker]));
  }

  /** Called by Nest when the app has answered its last request. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.byOrigin.values()].map((client) => client.close()));
  }

  private create(origin: string): HttpClient {
    const { fetch, timeoutMs, clock } = this.options;
    const limits = timeoutMs === undefined ? {} : { timeoutMs };
    return new HttpClient({ origin, keepAlive: true, retry: true, fetch, clock, limits });
  }
}
