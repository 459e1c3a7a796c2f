import { scopesOf } from '../access/authority-evaluator.js';
import { decideWithoutUser } from '../access/decision.js';
import { type GuardContext, handlerNameOf } from '../access/guard-context.js';
import type { ErrorAnswers, HeaderLines } from '../challenge/error-answers.js';
import type { RouteRequirements, RouteRules } from '../access/route-rules.js';
import { type AuthError, isAuthError, isConfigurationError, RefusalError, withScheme } from '../errors/auth-error.js';
import type { RefusedEvent, ReportEvent } from '../telemetry/auth-event.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { RequestView } from '../request/request-view.js';
import { anonymousCaller, type Transport } from './transport.js';

/** At most so many handlers of one request are reported, because a GraphQL operation may call any number of fields. */
const maxReportedHandlers = 100;

/** A call whose caller was not authenticated, or not authorized. */
type Call = Pick<GuardContext<Transport>, 'context' | 'transport' | 'view'> & Partial<Pick<GuardContext, 'rules'>>;

/** Answers errors of authentication and authorization: reports them, adds their headers, and creates the exception for the transport. */
export class CallAnswers {
  /** The names of the handlers that were reported, by request: two guards of one handler report once, two handlers twice. */
  private readonly reported = createPrivateSlot<Set<string>>();
  /** Of routes that require scopes, for errors of their handlers: Nest does not tell a filter which handler has thrown. */
  private readonly requirements = createPrivateSlot<RouteRequirements>();

  constructor(
    readonly answers: ErrorAnswers,
    private readonly report: ReportEvent,
    /** The headers of a successful answer; `null` where there are none. */
    private readonly headersOfSuccess: ((request: RequestView) => HeaderLines) | null = null,
  ) {}

  /** Adds the headers of a successful answer. */
  addHeadersOfSuccess({ transport, context, view }: Call): void {
    if (this.headersOfSuccess !== null) transport.addHeaders(context, this.headersOfSuccess(view));
  }

  /**
   * Lets the call continue without a user if the rules of the route allow it for this error.
   *
   * @throws the exception of the transport if they do not; any error that is no `AuthError`, unchanged.
   */
  continueWithoutUser(call: GuardContext<Transport>, error: unknown): true {
    if (!isAuthError(error)) throw error;
    const decision = decideWithoutUser(call.rules, error);
    const anonymous = decision.kind === 'anonymous';
    // On a route with optional authentication a missing token is not reported.
    if (!anonymous || error.code !== 'MISSING_TOKEN') {
      this.reportOnce(call.view.request, error, { handler: handlerNameOf(call), anonymous });
    }
    if (decision.kind === 'refuse') throw this.toException(call, error);
    if (decision.challenge) {
      call.transport.addHeaders(call.context, this.answers.challengesFor(error, call.view, scopesOfRules(call.rules)));
    }
    call.transport.setUser(call.context, anonymousCaller);
    return true;
  }

  /** Reports the error, adds its headers to the answer, and returns the exception that the caller has to throw or send. */
  refuse(call: Call, error: AuthError, handler = handlerNameOf(call)): Error {
    this.reportOnce(call.view.request, error, { handler, anonymous: false });
    return this.toException(call, this.withScopesOfRoute(call, error));
  }

  /** Notes which scopes the route of an accepted call requires, in case that its handler asks for further ones. */
  noteRequirements({ view }: Pick<Call, 'view'>, requirements: RouteRequirements): void {
    if (requirements.all.some(({ kind }) => kind === 'scopes')) this.requirements.set(view.request, requirements);
  }

  /** Adds the headers of the answer to an exception that was created, and reported, without its response. */
  withHeaders<Thrown extends Error>({ transport, context, view }: Call, exception: Thrown): Thrown {
    const { cause } = exception;
    if (isAuthError(cause)) transport.addHeaders(context, this.answers.toAnswer(cause, view).headers);
    return exception;
  }

  /** Reports an error, at most once for each request and handler. */
  reportOnce(
    request: object,
    error: AuthError,
    { handler, anonymous }: Pick<RefusedEvent, 'handler' | 'anonymous'>,
  ): void {
    const handlers = this.reported.find(request) ?? new Set();
    if (handlers.has(handler) || handlers.size >= maxReportedHandlers) return;
    this.reported.set(request, handlers.add(handler));
    const { code, reason, explanation } = error;
    if (isConfigurationError(error)) this.report({ type: 'misconfigured', problem: explanation, fix: error.fix });
    this.report({ type: 'refused', code, reason, explanation, handler, anonymous });
  }

  /** A client needs the scopes that a handler asks for in addition to those of the route, so the challenge names all of them. */
  private withScopesOfRoute(call: Call, error: AuthError): AuthError {
    if (error.code !== 'INSUFFICIENT_SCOPE') return error;
    const ofRoute = this.scopesFor(call);
    const { requiredScopes = [] } = error as Partial<RefusalError>;
    if (ofRoute.length === 0) return error;
    const complete = RefusalError.scopes([...new Set([...ofRoute, ...requiredScopes])], error.explanation);
    return withScheme(complete, error.scheme) as AuthError;
  }

  private scopesFor({ view, rules }: Call): readonly string[] {
    if (rules !== undefined) return scopesOfRules(rules);
    return scopesOf(this.requirements.find(view.request)?.all ?? []);
  }

  private toException(call: Call, error: AuthError): Error {
    const { transport, context, view } = call;
    const answer = this.answers.toAnswer(error, view, this.scopesFor(call));
    transport.addRefusalHeaders(context, answer.headers);
    return transport.toException(answer, error, context);
  }
}

function scopesOfRules(rules: RouteRules): readonly string[] {
  return rules.mode === 'public' ? [] : scopesOf(rules.requirements?.all ?? []);
}
