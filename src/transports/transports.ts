import { path, type GivenOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { Transport, TransportPlugin } from './transport.js';

/** How to register the transports of this package, by Nest's type of their contexts. */
const knownFixes: Readonly<Record<string, string>> = {
  ws: "Add transports: [webSockets()] to the options of AuthModule; import { webSockets } from 'nest-gatehouse/websockets'",
  rpc: "Add transports: [microservices()] to the options of AuthModule; import { microservices } from 'nest-gatehouse/microservices'",
};

/** The transports of an app, by Nest's type of their contexts. */
export class Transports {
  private readonly byContextType: ReadonlyMap<string, Transport>;
  private readonly reported = new Set<string>();

  constructor(
    transports: readonly Transport[],
    private readonly report: ReportEvent,
    /** Creates Nest's exception for 403, which Nest answers on other transports than HTTP with an error without details. */
    private readonly toForbidden: (cause: Error) => Error,
  ) {
    this.byContextType = new Map(transports.map((transport) => [transport.contextType, transport]));
  }

  /**
   * The transport of a type of contexts.
   *
   * @throws the exception of `toForbidden` if no transport serves this type. Each type is reported once.
   */
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
    const problem = `No transport is registered for "${contextType}" contexts, so AuthGuard refuses every such call`;
    const known = `Known contexts: ${[...this.byContextType.keys()].join(', ')}`;
    const knownFix = Object.hasOwn(knownFixes, contextType) ? knownFixes[contextType] : undefined;
    const fix = knownFix ?? `${known}. Use another guard for these handlers, or register a transport of your own`;
    if (!this.reported.has(contextType)) {
      this.reported.add(contextType);
      this.report({ type: 'misconfigured', problem, fix });
    }
    return this.toForbidden(new ConfigurationError('AuthGuard', problem, fix));
  }
}

/**
 * Reads the option `transports`.
 *
 * @throws {ConfigurationError} if it is not a list of transports, or if there would be two transports of one type.
 */
export function readTransports(where: string, options: GivenOptions): readonly TransportPlugin[] {
  const given = options['transports'] ?? [];
  const transports: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (!Array.isArray(given) || !transports.every(isTransportPlugin)) {
    throw new ConfigurationError(
      path(where, 'transports'),
      'a list of transports is expected',
      'Write [webSockets(), microservices()] or one of them, with the parentheses: both are functions',
    );
  }
  const contextTypes = transports.map(({ contextType }) => contextType);
  // HTTP and GraphQL are always registered by the module.
  const twice = contextTypes.find(
    (type, at) => type === 'http' || type === 'graphql' || contextTypes.indexOf(type) < at,
  );
  if (twice === undefined) return Object.freeze([...transports]);
  throw new ConfigurationError(path(where, 'transports'), `there are two for "${twice}" contexts`, 'Leave one out');
}

function isTransportPlugin(value: unknown): value is TransportPlugin {
  return typeof value === 'object' && value !== null && 'contextType' in value && 'open' in value;
}
