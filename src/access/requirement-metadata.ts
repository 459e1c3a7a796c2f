import 'reflect-metadata';

import type { Requirement } from './requirement.js';

/** What a decorator adds to whatever else a handler or a class demands. */
export type DeclaredRequirement = Requirement | VerifyOnline;

/** The issuer itself must say, now, that the token is good. */
interface VerifyOnline {
  readonly kind: 'online';
}

// Registered, as marks are.
const requirementsKey = Symbol.for('nest-gatehouse.demands');

/** Adds a demand to a handler or a class; those that stand there stay. */
export function addRequirement(target: object, demand: DeclaredRequirement): void {
  // The decorator nearest to the name runs first, and is read last.
  Reflect.defineMetadata(requirementsKey, [demand, ...readRequirements(target)], target);
}

/** The demands on this very handler or class, as they are written from top to bottom; none that a class inherits. */
export function readRequirements(target: object): readonly DeclaredRequirement[] {
  return (Reflect.getOwnMetadata(requirementsKey, target) as readonly DeclaredRequirement[] | undefined) ?? [];
}
