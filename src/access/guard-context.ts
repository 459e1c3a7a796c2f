import { isOfUserAlone } from './requirement.js';
import type { RouteRequirements, RouteRules } from './route-rules.js';
import { toAnswer } from '../challenge/answer.js';
import type { AuthError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { CallContext, Caller, Transport } from '../transports/transport.js';

/** One call at the gate. */
export interface GuardContext {
  readonly context: CallContext;
  readonly transport: Transport;
  readonly rules: RouteRules;
  readonly request: RequestView;
}

/** What is asked of the user of this call; `null` where being one is enough. */
export function requirementsOf({ rules, transport }: GuardContext): RouteRequirements | null {
  if (rules.mode === 'public' || rules.demands === null) return null;
  if (!transport.opensConnection) return rules.demands;
  return { ...rules.demands, requirements: rules.demands.requirements.filter(isOfUserAlone) };
}

/** Who comes in without a user. */
export const anonymousCaller: Caller = Object.freeze({ user: null, verified: null });

/** The handler that is called, as logs name it: `CatsController.list`. */
export function handlerNameOf({ context }: Pick<GuardContext, 'context'>): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}

/** Lets the call go on, as this user or as anonymousCaller. */
export function admit({ transport, context }: GuardContext, caller: Caller): true {
  transport.setUser(context, caller);
  return true;
}

/** What to throw so that the caller gets the error's answer. */
export function refuse({ transport, context }: Pick<GuardContext, 'transport' | 'context'>, error: AuthError): Error {
  const answer = toAnswer(error);
  transport.addHeaders(context, answer.headers);
  return transport.toException(answer, error, context);
}
