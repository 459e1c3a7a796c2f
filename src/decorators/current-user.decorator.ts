import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';

import { findUser } from '../transports/call-user.js';
import type { AuthUser } from '../user/auth-user.js';
import { type PropertyPath, readPath } from './property-path.js';

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
