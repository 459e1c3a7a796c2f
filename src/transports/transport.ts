import type { CallContext, CallTransport } from '../access/guard-context.js';
import type { Answer, HeaderLines } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { AuthUser } from '../user/auth-user.js';
import { setCallUser } from './call-user.js';
import type { ConnectionWatch } from './connection-watch.js';

/** The caller whom the guard has admitted. */
export interface Caller {
  /** What `toUser` made of the user, or the user as is; `null` for an anonymous caller. */
  readonly user: unknown;
  /** The user of the verified credential; `null` for an anonymous caller. */
  readonly verified: AuthUser | null;
}

/** A caller without a user. */
export const anonymousCaller: Caller = Object.freeze({ user: null, verified: null });

/**
 * What the guard needs of a transport: a view of the request, a place for the user, a form for answers. A transport of an
 * app's own extends this class; a `TransportPlugin` registers it.
 */
export abstract class Transport implements CallTransport {
  /** Nest's name of the contexts that it serves: `http`. */
  abstract readonly contextType: string;

  /** The request of a call, as token sources and schemes read it. The same `request` object for all guards of one call. */
  abstract view(context: CallContext): RequestView;

  /** The value of a route parameter, `undefined` where there is none. Left out by transports whose calls have no address. */
  findParameter?(context: CallContext, name: string): unknown;

  /** The object that Nest's injector treats as the request of request-scoped providers. Left out where it is the request itself. */
  injectorRequest?(context: CallContext): object;

  /**
   * Puts the user (or `null`) where `@CurrentUser()` looks. As it is, the user is kept with the view's `request`, which has to
   * be one of the handler's arguments to be found.
   */
  setUser(context: CallContext, { user }: Caller): void {
    setCallUser(this.view(context).request, context.getHandler(), user);
  }

  /** Appends headers to the answer that the handler will give; lines of one name add up. Transports without headers do nothing. */
  abstract addHeaders(context: CallContext, headers: HeaderLines): void;

  /** The exception that makes the framework send this answer. */
  abstract toException(answer: Answer, error: AuthError, context: CallContext): Error;

  /**
   * Sends an exception of `toException` from an exception filter, and returns what Nest expects of a filter for contexts of
   * this type. Left out, the filter throws it.
   */
  sendException?(exception: Error, host: ArgumentsOfCall): unknown;

  /**
   * Whether its calls open a connection over which messages come later. What a route requires of a message (a policy, an
   * organization) is then not decided yet.
   */
  readonly opensConnection: boolean = false;

  /** Called when all handlers of the app are in place, before it listens. */
  start(): void {
    // Most transports have nothing to do.
  }
}

/** The part of Nest's `ArgumentsHost` that an exception is sent with. */
export type ArgumentsOfCall = Pick<CallContext, 'getType' | 'getArgs'>;

/** What an app has for the transports that it registers. */
export interface TransportContext {
  /** Closes connections whose token is over. */
  readonly connections: ConnectionWatch;
  /** The app's HTTP server; `undefined` before the app has started, and where it has none. */
  readonly findHttpServer: () => unknown;
  readonly report: ReportEvent;
}

/** A transport beyond HTTP and GraphQL, as `transports` takes it: what `webSockets()` or `microservices()` gives. */
export interface TransportPlugin {
  /** Nest's name of the contexts that it serves: `ws`, `rpc`. */
  readonly contextType: string;
  readonly open: (context: TransportContext) => readonly Transport[];
}
