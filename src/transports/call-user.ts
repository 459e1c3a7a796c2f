import { createPrivateSlot, type PrivateSlot } from '../request/private-slot.js';
import {
  findGraphqlRequest,
  fieldChainOf,
  isPathCopied,
  pathTextOf,
  readGraphqlCall,
  type GraphqlCall,
} from './graphql-call.js';

/** The parts of an execution context by which the user of its handler is found. */
export interface HandlerCall {
  getType(): string;
  getArgs(): readonly unknown[];
  getHandler(): object;
}

/** The users of a call, by handler or by another key of the transport, such as the path of a GraphQL field. */
type UserSlots = PrivateSlot<Map<unknown, unknown>>;

const userSlotsKey = Symbol.for('nest-gatehouse.userSlots');
// One slot for the process, so that a decorator finds the user that the guard of a second installed copy has set.
const registry = globalThis as Record<symbol, UserSlots | undefined>;
const userSlots: UserSlots = (registry[userSlotsKey] ??= createPrivateSlot());

/**
 * Sets the user of one handler in a call, for transports without a request object of their own for each handler. Two handlers of
 * one GraphQL operation, or of one socket, may run at the same time, one with a user and one without, so the key is the call
 * together with the handler.
 *
 * @param user `null` for an anonymous caller
 */
export function setCallUser(call: object, handler: unknown, user: unknown): void {
  const handlers = userSlots.find(call);
  if (handlers === undefined) userSlots.set(call, new Map([[handler, user]]));
  else handlers.set(handler, user);
}

/** The user that was set for a handler in a call: `null` for an anonymous caller, `undefined` if no guard has run. */
export function findCallUser(call: object, handler: unknown): unknown {
  return userSlots.find(call)?.get(handler);
}

/** Whether the guard has run for any handler of the call, with a user or without. */
export function hasCallUser(call: object): boolean {
  return userSlots.find(call) !== undefined;
}

/** Sets the user of a GraphQL field, for its resolver and for the fields that it contains. */
export function setFieldUser({ context, path, isSubscription }: GraphqlCall, handler: object, user: unknown): void {
  if (path !== null) {
    setCallUser(path, handler, user);
    setCallUser(path, path, user);
  }
  if (!isObject(context)) return;
  if (isPathCopied(path)) setCallUser(context, pathTextOf(path), user);
  // A subscription is the only root field of its operation. The paths of its events do not lead to the path of this call.
  if (isSubscription) setCallUser(context, context, user);
}

/** The user that the guard has set for this handler; `null` for an anonymous caller, and if no guard has run. */
export function findUser(call: HandlerCall): unknown {
  if (call.getType() === 'http') return userOfRequest(call.getArgs()[0]) ?? null;
  for (const [holder, key] of userKeysOf(call)) {
    const user = findCallUser(holder, key);
    if (user !== undefined) return user;
  }
  return call.getType() === 'graphql' ? (userOfGraphqlRequest(call) ?? null) : null;
}

/** The arguments of `findCallUser` with which a user may have been set for this handler, most specific first. */
function* userKeysOf(call: HandlerCall): Generator<readonly [call: object, handler: unknown]> {
  const handler = call.getHandler();
  const [first, second] = call.getArgs();
  switch (call.getType()) {
    case 'graphql':
      yield* graphqlUserKeysOf(readGraphqlCall(call.getArgs()), handler);
      return;
    case 'ws':
      if (isObject(first)) yield* [[first, handler] as const, [first, first] as const];
      return;
    case 'rpc':
      if (isObject(second)) yield [second, handler];
      return;
    default:
      // Transports of the app use the default `setUser`, whose request is one of the arguments.
      for (const argument of call.getArgs()) if (isObject(argument)) yield [argument, handler];
  }
}

/** A field without a guard has the user of the nearest field that contains it, or of its subscription. */
function* graphqlUserKeysOf({ context, path }: GraphqlCall, handler: object): Generator<readonly [object, unknown]> {
  if (path !== null) yield [path, handler];
  for (const field of fieldChainOf(path)) yield [field, field];
  if (!isObject(context)) return;
  if (isPathCopied(path)) for (const field of fieldChainOf(path)) yield [context, pathTextOf(field)];
  yield [context, context];
}

/**
 * The `user` of the request, if passport's guard has set it. One that our guard has set belongs to another field of the operation
 * and is not returned.
 */
function userOfGraphqlRequest(call: HandlerCall): unknown {
  const holder = findGraphqlRequest(readGraphqlCall(call.getArgs()).context)?.holder;
  return holder === undefined || hasCallUser(holder) ? undefined : holder.user;
}

function userOfRequest(request: unknown): unknown {
  return isObject(request) && 'user' in request ? request.user : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A property that the object has itself. Properties of its prototype are not returned, because the caller may choose the name. */
export function readOwn(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
