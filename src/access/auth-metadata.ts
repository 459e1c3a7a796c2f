import 'reflect-metadata';

import type { OptionalAuthOptions } from './optional-auth-options.js';

/** What a decorator has written on a handler or on a class. */
export type AuthMetadata =
  | { readonly mode: 'public' }
  | { readonly mode: 'optional'; readonly options: OptionalAuthOptions };

// Registered, so that a mark is found although the package is installed twice.
const authMetadataKey = Symbol.for('nest-gatehouse.mark');

/** Writes a mark. The decorator nearest to the name runs first, so of two on one place the upper one counts. */
export function writeAuthMetadata(target: object, mark: AuthMetadata): void {
  Reflect.defineMetadata(authMetadataKey, mark, target);
}

/** The mark that stands on this very handler or class; not one that a class inherits. */
export function readAuthMetadata(target: object): AuthMetadata | undefined {
  return Reflect.getOwnMetadata(authMetadataKey, target) as AuthMetadata | undefined;
}
