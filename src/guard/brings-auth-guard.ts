import 'reflect-metadata';

import { AuthGuard } from './auth.guard.js';

/** Where Nest keeps what @UseGuards() was given; the name has been the same since its first version. */
const guardsKey = '__guards__';

/** Whether `@UseGuards(AuthGuard)`, or a guard that extends it, stands on this class or handler. */
export function bringsAuthGuard(target: object): boolean {
  const guards: unknown = Reflect.getMetadata(guardsKey, target);
  return Array.isArray(guards) && guards.some(isAuthGuard);
}

function isAuthGuard(guard: unknown): boolean {
  if (guard instanceof AuthGuard || guard === AuthGuard) return true;
  return typeof guard === 'function' && guard.prototype instanceof AuthGuard;
}
