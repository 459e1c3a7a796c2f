import 'reflect-metadata';

import type { OptionalAuthOptions } from './optional-auth-options.js';

/** What a decorator has written on a handler or on a class. */
export type AuthMark =
  | { readonly mode: 'public' }
  | { readonly mode: 'optional'; readonly options: OptionalAuthOptions };

// Registered, so that a mark is found although the package is installed twice.
const markKey = Symbol.for('nest-gatehouse.mark');

/** Writes a mark. The decorator nearest to the name runs first, so of two on one place the upper one counts. */
export function writeMark(target: object, mark: AuthMark): void {
  Reflect.defineMetadata(markKey, mark, target);
}

/** The mark that stands on this very handler or class; not one that a class inherits. */
export function readMark(target: object): AuthMark | undefined {
  return Reflect.getOwnMetadata(markKey, target) as AuthMark | undefined;
}
