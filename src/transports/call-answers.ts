import { decideWithoutUser } from '../access/decision.js';
import { type GuardContext, handlerNameOf } from '../access/guard-context.js';
import type { ErrorAnswers } from '../challenge/error-answers.js';
import { type AuthError, isAuthError, isConfigurationError } from '../errors/auth-error.js';
import type { RefusedEvent, ReportEvent } from '../telemetry/auth-event.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { anonymousCaller, type Transport } from './transport.js';

/** How many handlers of one request are reported: a GraphQL operation may select one field many times. */
const mostReported = 100;

/** A call whose caller was not authenticated, or not authorized. */
type Call = Pick<GuardContext<Transport>, 'context' | 'transport' | 'view'>;

/** Answers errors on the way to the user: logs the reason, sends the challenges, throws what the transport answers with. */
export class CallAnswers {
  /** By request: two guards of one handler report once. GraphQL operations and sockets report each handler. */
  private readonly reported = createPrivateSlot<Set<string>>();

  constructor(
    readonly answers: ErrorAnswers,
    private readonly report: ReportEvent,
  ) {}

  /**
   * Lets the call continue without a user where its route allows that.
   *
   * @throws what the transport answers with, where the route requires a user; what is no `AuthError`, as it is.
   */
  continueWithout(call: GuardContext<Transport>, error: unknown): true {
    if (!isAuthError(error)) throw error;
    const decision = decideWithoutUser(call.rules, error);
    const anonymous = decision.kind === 'anonymous';
    // A missing token is no event where it may be missing.
    if (!anonymous || error.code !== 'MISSING_TOKEN') {
      this.explain(call.view.request, error, { handler: handlerNameOf(call), anonymous });
    }
    if (decision.kind === 'refuse') throw this.toException(call, error);
    if (decision.challenge) {
      call.transport.addHeaders(call.context, this.answers.challengesFor(error, call.view));
    }
    call.transport.setUser(call.context, anonymousCaller);
    return true;
  }

  /** Logs the error and gives what to throw for it. */
  refuse(call: Call, error: AuthError, handler = handlerNameOf(call)): Error {
    this.explain(call.view.request, error, { handler, anonymous: false });
    return this.toException(call, error);
  }

  /** Reports an error once for each request and handler. */
  explain(
    request: object,
    error: AuthError,
    { handler, anonymous }: Pick<RefusedEvent, 'handler' | 'anonymous'>,
  ): void {
    const handlers = this.reported.find(request) ?? new Set();
    if (handlers.has(handler) || handlers.size >= mostReported) return;
    this.reported.set(request, handlers.add(handler));
    const { code, reason, explanation } = error;
    if (isConfigurationError(error)) this.report({ type: 'misconfigured', problem: explanation, fix: error.fix });
    this.report({ type: 'refused', code, reason, explanation, handler, anonymous });
  }

  private toException({ transport, context, view }: Call, error: AuthError): Error {
    const answer = this.answers.toAnswer(error, view);
    transport.addHeaders(context, answer.headers);
    return transport.toException(answer, error, context);
  }
}
