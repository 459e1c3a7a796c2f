import { path, type GivenOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { Transport, TransportPlugin } from './transport.js';

/** The line that is missing, by Nest's names of the contexts. */
const lines: Readonly<Record<string, string>> = {
  ws: "Add transports: [webSockets()] to the options of AuthModule; import { webSockets } from 'nest-gatehouse/websockets'",
  rpc: "Add transports: [microservices()] to the options of AuthModule; import { microservices } from 'nest-gatehouse/microservices'",
};

/** The transports that an app has registered, by Nest's names of their contexts. */
export class Transports {
  private readonly byContextType: ReadonlyMap<string, Transport>;
  private readonly reported = new Set<string>();

  constructor(
    transports: readonly Transport[],
    private readonly report: ReportEvent,
    /** Makes the exception that Nest answers with 403 on HTTP, and with a bare error elsewhere. */
    private readonly toForbidden: (cause: Error) => Error,
  ) {
    this.byContextType = new Map(transports.map((transport) => [transport.contextType, transport]));
  }

  /** @throws what Nest answers with, for a context that anonymousCaller registered; reported once for each kind. */
  get(contextType: string): Transport {
    const transport = this.byContextType.get(contextType);
    if (transport === undefined) throw this.refuse(contextType);
    return transport;
  }

  /** Called by Nest before the app listens. */
  onModuleInit(): void {
    for (const transport of this.byContextType.values()) transport.start();
  }

  private refuse(contextType: string): Error {
    const problem = `AuthGuard cannot see who calls in a "${contextType}" context, so it refuses every such call`;
    const known = `Known contexts: ${[...this.byContextType.keys()].join(', ')}`;
    const line = Object.hasOwn(lines, contextType) ? lines[contextType] : undefined;
    const fix = line ?? `${known}. Guard these handlers by a guard of their own`;
    if (!this.reported.has(contextType)) {
      this.reported.add(contextType);
      this.report({ type: 'misconfigured', problem, fix });
    }
    return this.toForbidden(new ConfigurationError('AuthGuard', problem, fix));
  }
}

/**
 * The transports that an app registers, each of its own kind.
 *
 * @throws {ConfigurationError}
 */
export function readTransports(where: string, options: GivenOptions): readonly TransportPlugin[] {
  const given = options['transports'] ?? [];
  const transports: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (!Array.isArray(given) || !transports.every(isTransportPlugin)) {
    throw new ConfigurationError(
      path(where, 'transports'),
      'a list of transports is expected',
      'Write [webSockets(), microservices()] or one of them, and call them: each is a function',
    );
  }
  const kinds = transports.map(({ contextType }) => contextType);
  const twice = kinds.find((kind, at) => kind === 'http' || kind === 'graphql' || kinds.indexOf(kind) < at);
  if (twice === undefined) return Object.freeze([...transports]);
  throw new ConfigurationError(path(where, 'transports'), `there are two for "${twice}" contexts`, 'Leave one out');
}

function isTransportPlugin(value: unknown): value is TransportPlugin {
  return typeof value === 'object' && value !== null && 'contextType' in value && 'open' in value;
}
