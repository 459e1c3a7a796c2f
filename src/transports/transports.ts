import { path, type GivenOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { Transport, TransportPlugin } from './transport.js';

/** How to register the transports of this package, by Nest's type of their contexts. */
const knownFixes: Readonly<Partial<Record<string, string>>> = {
  ws: "Add transports: [webSockets()] to the options of AuthModule; import { webSockets } from 'nest-gatehouse/websockets'",
  rpc: "Add transports: [microservices()] to the options of AuthModule; import { microservices } from 'nest-gatehouse/microservices'",
};

/** The types of Nest's contexts, and of the handshakes of the package. */
const ownContexts: readonly string[] = ['http', 'graphql', 'ws', 'rpc', 'ws-handshake'];

/** How the guard decides about a handler in a context that no transport serves. */
export interface UnreadHandler {
  /** Whether it is public. */
  readonly isPublic: boolean;
  /** Whether a decorator on it or on its class concerns authentication. */
  readonly isDeclared: boolean;
}

/** The transports of an app, by Nest's type of their contexts. */
export class Transports {
  private readonly byContextType: ReadonlyMap<string, Transport>;
  private readonly reported = new Set<string>();

  constructor(
    transports: readonly Transport[],
    private readonly report: ReportEvent,
    /** Creates Nest's exception for 403, which Nest answers on other transports than HTTP with an error without details. */
    private readonly toForbidden: (cause: Error) => Error,
    /** Types of contexts in which only handlers with decorators are guarded. */
    private readonly unguarded: readonly string[] = [],
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

  /** The transport of a type of contexts; `undefined` for a context of another library, of whose callers nothing can be read. */
  find(contextType: string): Transport | undefined {
    const transport = this.byContextType.get(contextType);
    return transport !== undefined || isOfOtherLibrary(contextType) ? transport : this.get(contextType);
  }

  /**
   * Accepts a call in a context of another library where the handler needs no user: it is public, or it has no decorator and
   * the app has taken the context out.
   *
   * @throws the exception of `toForbidden` otherwise.
   */
  acceptUnread(contextType: string, handler: UnreadHandler): true {
    if (isOfOtherLibrary(contextType) && this.needsNoUser(contextType, handler)) return true;
    throw this.refuse(contextType);
  }

  /** Whether the guard accepts every call of a handler in such a context. */
  needsNoUser(contextType: string, { isPublic, isDeclared }: UnreadHandler): boolean {
    return isPublic || (!isDeclared && this.unguarded.includes(contextType));
  }

  /** Called by Nest before the app listens. */
  onModuleInit(): void {
    for (const transport of this.byContextType.values()) transport.start();
  }

  private refuse(contextType: string): Error {
    const problem = `No transport is registered for "${contextType}" contexts, so AuthGuard refuses every such call`;
    const fix = knownFixes[contextType] ?? this.fixOf(contextType);
    if (!this.reported.has(contextType)) {
      this.reported.add(contextType);
      this.report({ type: 'misconfigured', problem, fix });
    }
    return this.toForbidden(new ConfigurationError('AuthGuard', problem, fix));
  }

  private fixOf(contextType: string): string {
    const known = `Known contexts: ${[...this.byContextType.keys()].join(', ')}`;
    const other = 'use another guard for these handlers, or register a transport of your own';
    if (this.unguarded.includes(contextType)) {
      return `${known}. unguardedContexts takes handlers without decorators out: remove the decorators, ${other}`;
    }
    const line = `unguardedContexts: ['${contextType}'] to the options of AuthModule`;
    return `${known}. If these handlers need no user, add ${line}, or @Public() to a handler; otherwise ${other}`;
  }
}

/** Whether contexts of this type are neither Nest's own nor ours. */
function isOfOtherLibrary(contextType: string): boolean {
  return !ownContexts.includes(contextType);
}

/**
 * Reads the option `unguardedContexts`.
 *
 * @throws {ConfigurationError} if it is no list of names, or names a context that a transport of the package serves.
 */
export function readUnguardedContexts(where: string, options: GivenOptions): readonly string[] {
  const given = options['unguardedContexts'] ?? [];
  const names: readonly unknown[] = Array.isArray(given) ? given : [given];
  const plugins = readTransports(where, options).map(({ contextType }) => contextType);
  const served = [...ownContexts, ...plugins].find((known) => names.includes(known));
  if (served !== undefined) {
    throw new ConfigurationError(
      path(where, 'unguardedContexts'),
      `"${served}" contexts have a transport, by which the guard reads their callers`,
      'Write @Public() on the handlers that need no user',
    );
  }
  if (!Array.isArray(given) || !names.every((name) => typeof name === 'string' && name !== '')) {
    throw new ConfigurationError(
      path(where, 'unguardedContexts'),
      'a list of types of execution contexts is expected',
      "Write what the library passes as the type, such as ['rmq']",
    );
  }
  return Object.freeze([...names]) as readonly string[];
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
