import type { RouteTarget } from '../access/route-rules.js';
import type { Answer } from '../challenge/answer.js';
import type { AuthError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';

/** The part of Nest's `ExecutionContext` that a transport works with. */
export interface CallContext extends RouteTarget {
  getType(): string;
  getArgs(): readonly unknown[];
}

/** What the guard needs of a wire: see the request, hand over the user, send an answer in its own way. */
export abstract class Transport {
  /** Nest's name of the contexts that it serves: `http`. */
  abstract readonly contextType: string;

  abstract view(context: CallContext): RequestView;

  /** Puts the user (or `null`) where the handler's decorators look. */
  abstract setUser(context: CallContext, user: unknown): void;

  /** Adds headers to the answer that the handler will give. */
  abstract addHeaders(context: CallContext, headers: Readonly<Record<string, string>>): void;

  /** What is thrown so that the framework gives this answer. */
  abstract toException(answer: Answer, error: AuthError): Error;
}
