import type { RequestView } from '../request/request-view.js';
import { isOfUserAlone } from './requirement.js';
import type { RouteRequirements, RouteRules, RouteTarget } from './route-rules.js';

/** The part of Nest's `ExecutionContext` that a guard works with. */
export interface CallContext extends RouteTarget {
  getType(): string;
  getArgs(): readonly unknown[];
}

/** What requirements read of a call through its transport. */
export interface CallTransport {
  /** The value of a route parameter, `undefined` where there is none. Left out by transports whose calls have no address. */
  findParameter?(context: CallContext, name: string): unknown;

  /** The object that Nest's injector treats as the request of request-scoped providers. Left out where it is the request itself. */
  injectorRequest?(context: CallContext): object;

  /**
   * Whether its calls open a connection over which messages come later. A requirement that concerns a message (a policy,
   * an organization) cannot be decided yet when the connection is opened.
   */
  readonly opensConnection: boolean;
}

/** One guarded call: what the guard, the evaluators and the decorators share. */
export interface GuardContext<Of extends CallTransport = CallTransport> {
  readonly context: CallContext;
  readonly transport: Of;
  readonly rules: RouteRules;
  readonly view: RequestView;
}

/** What the route requires of the user of this call; `null` where being authenticated is enough. */
export function requirementsOf({
  rules,
  transport,
}: Pick<GuardContext, 'rules' | 'transport'>): RouteRequirements | null {
  if (rules.mode === 'public' || rules.requirements === null) return null;
  if (!transport.opensConnection) return rules.requirements;
  return { ...rules.requirements, all: rules.requirements.all.filter(isOfUserAlone) };
}

/** The handler that is called, as logs name it: `CatsController.list`. */
export function handlerNameOf({ context }: Pick<GuardContext, 'context'>): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}
