import { ConfigurationError } from '../errors/configuration-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { Transport } from './transport.js';

/** The wires that an app has registered, by Nest's names of their contexts. */
export class Transports {
  private readonly byContextType: ReadonlyMap<string, Transport>;
  private readonly reported = new Set<string>();

  constructor(
    transports: readonly Transport[],
    private readonly report: ReportEvent,
  ) {
    this.byContextType = new Map(transports.map((transport) => [transport.contextType, transport]));
  }

  /** The transport of a context; `undefined` for one that nobody registered, which is reported once. */
  find(contextType: string): Transport | undefined {
    const transport = this.byContextType.get(contextType);
    if (transport === undefined && !this.reported.has(contextType)) {
      this.reported.add(contextType);
      this.report({
        type: 'miswired',
        problem: `AuthGuard guards a handler of a "${contextType}" context, which it does not know; the call was refused`,
        mend: `Known contexts: ${[...this.byContextType.keys()].join(', ')}`,
      });
    }
    return transport;
  }

  /** What a call of an unknown context is refused with. */
  static refusal(contextType: string): ConfigurationError {
    return new ConfigurationError(
      'AuthGuard',
      `it cannot see who calls in a "${contextType}" context`,
      'Guard such handlers by a guard that knows this transport',
    );
  }
}
