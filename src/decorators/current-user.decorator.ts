import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import { currentUserBrand } from '../guard/nest-internals.js';
import { findUser } from '../transports/call-user.js';
import type { AuthUser } from '../user/auth-user.js';

/** Limits the depth of a path, so that the type of a recursive user type is finite. */
type Shorter = [never, 0, 1, 2, 3, 4];

/** A value at which a path ends. */
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
 * Reads the value at a path: own properties only, and only members of lists; `undefined` where there is none.
 * Properties of a prototype (`constructor`, methods) are not accessible.
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

function readUser(path: string | undefined, context: ExecutionContext): unknown {
  const user = findUser(context);
  return path === undefined || user === null ? user : readPath(user, path);
}

const readCurrentUser = createParamDecorator(Object.assign(readUser, { [currentUserBrand]: true }));

/**
 * Injects the user of the request: the result of `toUser`, or the `AuthUser` itself. It is `null` with `@Public()`, and
 * for an anonymous caller with `@OptionalAuth()`.
 *
 * A path injects one property, `@CurrentUser('id')` or `@CurrentUser('organizations.0.name')`: own properties only, list
 * members by index, `undefined` where there is none. The compiler checks the path against `AuthUser`; where `toUser`
 * returns another type, state it: `@CurrentUser<Account>('plan')`.
 * Pipes may follow, with or without a path.
 */
export function CurrentUser<User = AuthUser>(
  // One signature and no overloads, so that a wrong path is one line of the compiler.
  pathOrPipe?: PropertyPath<NoInfer<User>> | Pipe,
  ...pipes: Pipe[]
): ParameterDecorator {
  const first: unknown = pathOrPipe;
  if (typeof first === 'string') return readCurrentUser(first, ...pipes);
  return first === undefined
    ? readCurrentUser(undefined, ...pipes)
    : readCurrentUser(undefined, first as Pipe, ...pipes);
}
