import type { CallContext, CallTransport } from '../access/guard-context.js';
import type { Answer, HeaderLines } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import { setCallUser } from './call-user.js';
import type { ConnectionWatch } from './connection-watch.js';

/** The caller of a handler after the guard has let the call through. */
export interface Caller {
  /** The result of the app's `toUser`, or the verified user if the app has no `toUser`; `null` for an anonymous caller. */
  readonly user: unknown;
  /** The user of the verified credential; `null` for an anonymous caller. */
  readonly verified: AuthUser | null;
  /**
   * Whether the handler requires `@VerifyOnline()`. A transport passes it to the watch of the connection, so that the
   * issuer is asked about the token at each check.
   *
   * @defaultValue false
   */
  readonly online?: boolean;
  /**
   * Whether the handler has `@ResponseMayOutliveToken()`: its response, subscription or stream need not end with the token.
   *
   * @defaultValue false
   */
  readonly mayOutliveToken?: boolean;
}

/** The caller of a public handler, or of one with optional authentication that runs without a user. */
export const anonymousCaller: Caller = Object.freeze({ user: null, verified: null });

/**
 * The port for transports: how the guard reads the request of a call, sets its user and sends answers. An app adds a transport with
 * a class that extends this one and a `TransportPlugin` in the option `transports`.
 */
export abstract class Transport implements CallTransport {
  /** Nest's type of the contexts that the transport serves, as `getType()` returns it: `http`. */
  abstract readonly contextType: string;

  /** The request of a call, for token sources and schemes. Its `request` is the same object for all guards of one call. */
  abstract view(context: CallContext): RequestView;

  /** The value of a route parameter, `undefined` if there is none. Left out by transports whose calls have no route parameters. */
  findParameter?(context: CallContext, name: string): unknown;

  /** The object that Nest's injector treats as the request of request-scoped providers. Left out where it is the request itself. */
  injectorRequest?(context: CallContext): object;

  /**
   * Sets the user, or `null`, where the decorators of the handler's parameters read it. The default implementation keeps it with the
   * view's `request`, and `@CurrentUser()` finds it if that object is one of the handler's arguments.
   */
  setUser(context: CallContext, { user }: Caller): void {
    setCallUser(this.view(context).request, context.getHandler(), user);
  }

  /** Appends header lines to the answer of the call. Several lines may have the same name. Transports without headers do nothing. */
  abstract addHeaders(context: CallContext, headers: HeaderLines): void;

  /**
   * Appends the header lines of a refusal, before the guard throws it. Where another guard of the route then accepts the call, the
   * answer should not have them. @defaultValue as `addHeaders`
   */
  addRefusalHeaders(context: CallContext, headers: HeaderLines): void {
    this.addHeaders(context, headers);
  }

  /** The exception that makes the framework send this answer. */
  abstract toException(answer: Answer, error: AuthError, context: CallContext): Error;

  /**
   * Sends an exception of `toException` from an exception filter, and returns what Nest expects of a filter for contexts of
   * this type. If a transport leaves it out, the filter throws the exception.
   */
  sendException?(exception: Error, host: ArgumentsOfCall): unknown;

  /**
   * The user of the connection on which a message came, when the credential of the connection has expired and the
   * connection stays open nevertheless (`AuthenticationScheme.extend`); otherwise `null`. Left out by transports without
   * connections.
   */
  findExtendedUser?(context: CallContext): MaybePromise<AuthUser | null>;

  /** Called once, after Nest has created all handlers and before the app listens. */
  start(): void {
    // Most transports have nothing to do.
  }
}

/** The part of Nest's `ArgumentsHost` that `sendException` gets. */
export type ArgumentsOfCall = Pick<CallContext, 'getType' | 'getArgs'>;

/** What the module provides to a transport. */
export interface TransportContext {
  /** Closes connections whose token has expired or is refused. */
  readonly connections: ConnectionWatch;
  /** The app's HTTP server; `undefined` before the app has started, and for an app without one. */
  readonly findHttpServer: () => unknown;
  readonly report: ReportEvent;
}

/** A transport in addition to HTTP and GraphQL, for the option `transports`: what `webSockets()` and `microservices()` return. */
export interface TransportPlugin {
  /** Nest's type of the contexts that the transports serve: `ws`, `rpc`. */
  readonly contextType: string;
  /** Creates the transports when the app starts. */
  readonly open: (context: TransportContext) => readonly Transport[];
}
