import { createPrivateSlot, type PrivateSlot } from '../request/private-slot.js';
import {
  findGraphqlRequest,
  isTold,
  lineageOf,
  nameOfField,
  readGraphqlCall,
  type GraphqlCall,
} from './graphql-call.js';

/** The parts of an execution context that tell where the user of its handler is kept. */
export interface HandlerCall {
  getType(): string;
  getArgs(): readonly unknown[];
  getHandler(): object;
}

/** Of each call, by handler; or by another name that the transport has for what is called. */
type UserSlots = PrivateSlot<Map<unknown, unknown>>;

const userSlotsKey = Symbol.for('nest-gatehouse.userSlots');
// One for the process, so that a decorator finds what the guard of a second installed copy has kept.
const registry = globalThis as Record<symbol, UserSlots | undefined>;
const userSlots: UserSlots = (registry[userSlotsKey] ??= createPrivateSlot());

/**
 * Keeps the user of a call on a transport that has no request object to put it on. Two handlers of one GraphQL
 * operation, or of one socket, may run at the same time, one for a user and one for anonymousCaller, so a setUser is of a
 * call and of a handler.
 */
export function setCallUser(call: object, handler: unknown, user: unknown): void {
  const handlers = userSlots.find(call);
  if (handlers === undefined) userSlots.set(call, new Map([[handler, user]]));
  else handlers.set(handler, user);
}

/** The user of a setUser; `undefined` when anonymousCaller has been let in to it, not even anonymousCaller. */
export function findCallUser(call: object, handler: unknown): unknown {
  return userSlots.find(call)?.get(handler);
}

/** Whether any user, or anonymousCaller, was let in by this call. */
export function hasCallUser(call: object): boolean {
  return userSlots.find(call) !== undefined;
}

/** Keeps the user of a GraphQL field, for it and for the fields in it. */
export function setFieldUser({ context, path, isSubscription }: GraphqlCall, handler: object, user: unknown): void {
  if (path !== null) {
    setCallUser(path, handler, user);
    setCallUser(path, path, user);
  }
  if (!isObject(context)) return;
  if (isTold(path)) setCallUser(context, nameOfField(path), user);
  // It is the only one at the root of its operation, and its events have paths that know nothing of it.
  if (isSubscription) setCallUser(context, context, user);
}

/** The user whom the guard has let in to this handler; `null` for anonymousCaller, and where no guard ran. */
export function findUser(call: HandlerCall): unknown {
  if (call.getType() === 'http') return userOfRequest(call.getArgs()[0]) ?? null;
  for (const [of, name] of userSlotsOf(call)) {
    const user = findCallUser(of, name);
    if (user !== undefined) return user;
  }
  return call.getType() === 'graphql' ? (userOfGraphqlRequest(call) ?? null) : null;
}

/** Where to look, nearest first. */
function* userSlotsOf(call: HandlerCall): Generator<readonly [call: object, handler: unknown]> {
  const handler = call.getHandler();
  const [first, second] = call.getArgs();
  switch (call.getType()) {
    case 'graphql':
      yield* graphqlUserSlotsOf(readGraphqlCall(call.getArgs()), handler);
      return;
    case 'ws':
      if (isObject(first)) yield* [[first, handler] as const, [first, first] as const];
      return;
    case 'rpc':
      if (isObject(second)) yield [second, handler];
      return;
    default:
      // A transport of the app's own keeps the user with the request, which is one of the arguments.
      for (const argument of call.getArgs()) if (isObject(argument)) yield [argument, handler];
  }
}

/** A field that no guard stands before has the user of the field around it, or of its subscription. */
function* graphqlUserSlotsOf({ context, path }: GraphqlCall, handler: object): Generator<readonly [object, unknown]> {
  if (path !== null) yield [path, handler];
  for (const field of lineageOf(path)) yield [field, field];
  if (!isObject(context)) return;
  if (isTold(path)) for (const field of lineageOf(path)) yield [context, nameOfField(field)];
  yield [context, context];
}

/**
 * What passport's guard has put there. What ours has put is another field's, which may run beside this one or not
 * have been reached yet.
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

/** A member that an object has itself; never one of its prototype, which a name that a caller chose might reach. */
export function readOwn(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
