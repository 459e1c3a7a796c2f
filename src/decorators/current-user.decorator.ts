import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import { findUser } from '../transports/call-user.js';
import type { AuthUser } from '../user/auth-user.js';

/** How deep a path may go, so that the type of a user who contains users ends. */
type Shorter = [never, 0, 1, 2, 3, 4];

/** A value that a path ends at: there is nothing below it to name. */
type Leaf = string | number | boolean | bigint | symbol | Date | null | undefined | ((...args: never[]) => unknown);

/**
 * The paths to the properties of a type, as texts: `'id'`, `'organizations.0.name'`, `'claims.any.thing'`.
 */
export type PropertyPath<Of, Depth extends number = 4> = [Depth] extends [never]
  ? never
  : Of extends Leaf
    ? never
    : Of extends readonly (infer Member)[]
      ? `${number}` | `${number}.${PropertyPath<Member, Shorter[Depth]>}`
      : string extends keyof Of
        ? string
        : {
            [Name in keyof Of & string]: Name | `${Name}.${PropertyPath<NonNullable<Of[Name]>, Shorter[Depth]>}`;
          }[keyof Of & string];

/**
 * What a path leads to: own properties only, and of lists only their members; `undefined` where it ends in
 * nothing. What a prototype has (`constructor`, methods) is out of reach.
 */
function readPath(value: unknown, path: string): unknown {
  let reached: unknown = value;
  for (const name of path.split('.')) {
    if (typeof reached !== 'object' || reached === null || !Object.hasOwn(reached, name)) return undefined;
    if (Array.isArray(reached) && !/^\d+$/.test(name)) return undefined;
    reached = (reached as Readonly<Record<string, unknown>>)[name];
  }
  return reached;
}

/** A pipe, or the class of one. */
type Pipe = Type<PipeTransform> | PipeTransform;

const readCurrentUser = createParamDecorator((path: string | undefined, context: ExecutionContext): unknown => {
  const user = findUser(context);
  return path === undefined || user === null ? user : readPath(user, path);
});

/**
 * The user of the request: what `toUser` made of them, or the `AuthUser` itself. `null` under `@Public()`,
 * and under `@OptionalAuth()` for a guest.
 *
 * With a path it is one property, `@CurrentUser('id')` or `@CurrentUser('organizations.0.name')`: own
 * properties only, list members by their index, `undefined` where there is none. The path is checked against
 * `AuthUser` when compiling; where `toUser` gives something else, name its type: `@CurrentUser<Account>('plan')`.
 * Pipes may follow, with or without a path.
 */
export function CurrentUser<User = AuthUser>(path: PropertyPath<NoInfer<User>>, ...pipes: Pipe[]): ParameterDecorator;
export function CurrentUser(...pipes: Pipe[]): ParameterDecorator;
export function CurrentUser(...pathAndPipes: (string | Pipe)[]): ParameterDecorator {
  const [first, ...rest] = pathAndPipes;
  return typeof first === 'string'
    ? readCurrentUser(first, ...(rest as Pipe[]))
    : readCurrentUser(undefined, ...(pathAndPipes as Pipe[]));
}
