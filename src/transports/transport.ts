import type { CallContext, CallTransport, GuardContext } from '../access/guard-context.js';
import { type Answer, toAnswer } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { AuthUser } from '../user/auth-user.js';
import type { ConnectionWatch } from './connection-watch.js';

/** Whom the guard lets in: what the handler is to see of them, and the user of the token that they came with. */
export interface Caller {
  /** What `toUser` made of the user, or the user as is; `null` for an anonymous caller. */
  readonly user: unknown;
  readonly verified: AuthUser | null;
}

/** What the guard needs of a transport: see the request, hand over the user, send an answer in its own way. */
export abstract class Transport implements CallTransport {
  /** Nest's name of the contexts that it serves: `http`. */
  abstract readonly contextType: string;

  abstract view(context: CallContext): RequestView;

  /** The value of a route parameter, `undefined` where there is none. Left out by transports whose calls have no address. */
  findParameter?(context: CallContext, name: string): unknown;

  /** What Nest's injector takes for the request, which request-scoped providers hang on. Left out where it is the request. */
  injectorRequest?(context: CallContext): object;

  /** Puts the user (or `null`) where the handler's decorators look. */
  abstract setUser(context: CallContext, caller: Caller): void;

  /** Adds headers to the answer that the handler will give, where the transport has such. */
  abstract addHeaders(context: CallContext, headers: Readonly<Record<string, string>>): void;

  /** What is thrown so that the framework gives this answer. */
  abstract toException(answer: Answer, error: AuthError, context: CallContext): Error;

  /**
   * Whether its calls open a connection, and messages come over it later: what a route requires of a message (a policy,
   * an organization) is then not asked yet.
   */
  readonly opensConnection: boolean = false;

  /** Called when all handlers of the app are in place, before it listens. */
  start(): void {
    // Most transports have nothing to do.
  }
}

/** What an app has for the transports that it registers. */
export interface TransportContext {
  /** Closes connections whose token is over. */
  readonly connections: ConnectionWatch;
  /** Origins whose pages may open a socket with a token in a cookie, beside the app's own. */
  readonly socketOrigins: readonly string[];
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

/** A caller without a user. */
export const anonymousCaller: Caller = Object.freeze({ user: null, verified: null });

/** Lets the call continue, as this user or as an anonymous caller. */
export function admit({ transport, context }: GuardContext<Transport>, caller: Caller): true {
  transport.setUser(context, caller);
  return true;
}

/** What to throw so that the caller gets the error's answer. */
export function refuse(
  { transport, context }: Pick<GuardContext<Transport>, 'transport' | 'context'>,
  error: AuthError,
): Error {
  const answer = toAnswer(error);
  transport.addHeaders(context, answer.headers);
  return transport.toException(answer, error, context);
}
