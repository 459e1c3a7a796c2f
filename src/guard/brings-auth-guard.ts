import 'reflect-metadata';

/** Where Nest keeps what @UseGuards() was given; the name has been the same since its first version. */
const guardsKey = '__guards__';

/**
 * Marks `AuthGuard` and the guards that extend it. A registered symbol, because an ES module and a CommonJS copy of the
 * package may be loaded in one app, each with an `AuthGuard` of its own.
 */
export const authGuardBrand = Symbol.for('nest-gatehouse.AuthGuard');

/** Whether something given to `@UseGuards()` is `AuthGuard` or a guard that extends it, as a class or as an instance. */
export function isAuthGuard(guard: unknown): boolean {
  const instance: unknown = typeof guard === 'function' ? guard.prototype : guard;
  return typeof instance === 'object' && instance !== null && authGuardBrand in instance;
}

/**
 * Whether `@UseGuards(AuthGuard)`, or a guard that extends it, was written on this class or handler. Nest keeps the guards
 * that a class inherits at the front of its own list; those were written on another class.
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
