import 'reflect-metadata';

import { AuthGuard } from './auth.guard.js';

/** Where Nest keeps what @UseGuards() was given; the name has been the same since its first version. */
const guardsKey = '__guards__';

/**
 * Whether `@UseGuards(AuthGuard)`, or a guard that extends it, stands on this very class or handler. Nest
 * keeps the guards that a class inherits at the front of its own list; those stand on another class.
 */
export function bringsAuthGuard(target: object): boolean {
  const own = toGuards(Reflect.getOwnMetadata(guardsKey, target));
  const inherited = toGuards(Reflect.getMetadata(guardsKey, Object.getPrototypeOf(target) as object));
  const startsInherited = inherited.every((guard, at) => own[at] === guard);
  return (startsInherited ? own.slice(inherited.length) : own).some(isAuthGuard);
}

function toGuards(metadata: unknown): readonly unknown[] {
  return Array.isArray(metadata) ? metadata : [];
}

function isAuthGuard(guard: unknown): boolean {
  if (guard instanceof AuthGuard || guard === AuthGuard) return true;
  return typeof guard === 'function' && guard.prototype instanceof AuthGuard;
}
