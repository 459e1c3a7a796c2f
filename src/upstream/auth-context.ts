import type { Clock, Timer } from '../clock/clock.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { HttpCaller } from './http-client.js';

/**
 * What a running app provides to its issuers: their keys, introspection, profiles and permissions are created with it.
 *
 * Connections of callers are not part of it. They belong to the transports, which get them by their own
 * `TransportContext`, and no issuer uses them.
 */
export interface AuthContext {
  readonly clock: Clock;
  /** Calls any address once, on a connection of its own: for key sets and metadata, which are fetched minutes apart. */
  readonly upstream: HttpCaller;
  /**
   * The client of a provider's API, found by any address of it. All callers of one origin share the client, with its
   * kept connections, its repetitions and its circuit breaker.
   */
  readonly providerClient: (address: string) => HttpCaller;
  /** Reports an event of the module, such as an outage. */
  readonly report: ReportEvent;
  /** Makes the timers that refresh keys and sweep caches. @defaultValue timers of the machine */
  readonly createTimer?: () => Timer;
}

/** The option that an app has to set so that an issuer has a capability. A `ConfigurationError` states it. */
export interface MissingOption {
  /** The option as it is written in code: `oidc({ introspection })`. */
  readonly option: string;
  /** What to write, as a sentence without its full stop. */
  readonly hint: string;
}

/**
 * Something that an issuer can do for an app: `create` makes it once for each app, when the app starts, and calls
 * nothing. Issuers that share the function `create` share what it makes. An issuer that cannot do it as it is configured
 * names the missing option.
 */
export type Capability<Value> =
  | { readonly create: (context: AuthContext) => Value }
  | { readonly missing: MissingOption };

/** Creates what a capability stands for; `null` when it is missing. */
export function createCapability<Value>(capability: Capability<Value>, context: AuthContext): Value | null {
  return 'create' in capability ? capability.create(context) : null;
}

/** The option that a capability lacks; `null` when it lacks none. */
export function missingOptionOf(capability: Capability<unknown>): MissingOption | null {
  return 'missing' in capability ? capability.missing : null;
}
