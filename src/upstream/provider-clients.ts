import { ProviderClient } from './provider-client.js';
import { defaultLimits, type Fetch } from './upstream-client.js';

/** How an app lets providers be called. */
export interface ProviderClientOptions {
  /** Carries the calls out, where the app hands in its own. */
  readonly fetch?: Fetch | undefined;
  /** Milliseconds for one call with all its repetitions. @defaultValue 5000 */
  readonly timeoutMs?: number | undefined;
}

/** The clients of an app: one for each provider's origin, shared by all who call it. */
export class ProviderClients {
  private readonly byOrigin = new Map<string, ProviderClient>();

  constructor(private readonly options: ProviderClientOptions = {}) {}

  /** The client of an origin, given as such or as any address under it. */
  readonly get = (address: string): ProviderClient => {
    const { origin } = new URL(address);
    const known = this.byOrigin.get(origin);
    if (known !== undefined) return known;
    const client = new ProviderClient(origin, this.options.fetch ?? ((url, init) => globalThis.fetch(url, init)), {
      ...defaultLimits,
      ...(this.options.timeoutMs !== undefined && { timeoutMs: this.options.timeoutMs }),
    });
    this.byOrigin.set(origin, client);
    return client;
  };
}
