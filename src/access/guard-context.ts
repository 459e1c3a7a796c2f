import type { RequestView } from '../request/request-view.js';
import type { RouteRequirements, RouteRules, RouteTarget } from './route-rules.js';

/** The part of Nest's `ExecutionContext` that a guard works with. */
export interface CallContext extends RouteTarget {
  getType(): string;
  getArgs(): readonly unknown[];
}

/** The part of a transport that requirements use. */
export interface CallTransport {
  /** The value of a route parameter, `undefined` if there is none. Left out by transports whose calls have no route parameters. */
  findParameter?(context: CallContext, name: string): unknown;

  /** The object that Nest's injector treats as the request of request-scoped providers. Left out where it is the request itself. */
  injectorRequest?(context: CallContext): object;
}

/** One guarded call, with what the guard, the evaluators and the decorators need of it. */
export interface GuardContext<Of extends CallTransport = CallTransport> {
  readonly context: CallContext;
  readonly transport: Of;
  readonly rules: RouteRules;
  readonly view: RequestView;
}

/** The requirements that are checked for this call; `null` if the user only has to be authenticated. */
export function requirementsOf({ rules }: Pick<GuardContext, 'rules'>): RouteRequirements | null {
  return rules.mode === 'public' ? null : rules.requirements;
}

/** The name of the called handler, as logs show it: `CatsController.list`. */
export function handlerNameOf({ context }: Pick<GuardContext, 'context'>): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}
