import 'reflect-metadata';

import type { Requirement } from './requirement.js';

/** What a decorator adds to whatever else a handler or a class demands. */
export type Demand = Requirement | VerifyOnline;

/** The issuer itself must say, now, that the token is good. */
interface VerifyOnline {
  readonly kind: 'online';
}

// Registered, as marks are.
const demandsKey = Symbol.for('nest-gatehouse.demands');

/** Adds a demand to a handler or a class; those that stand there stay. */
export function addDemand(target: object, demand: Demand): void {
  // The decorator nearest to the name runs first, and is read last.
  Reflect.defineMetadata(demandsKey, [demand, ...readDemands(target)], target);
}

/** The demands on this very handler or class, as they are written from top to bottom; none that a class inherits. */
export function readDemands(target: object): readonly Demand[] {
  return (Reflect.getOwnMetadata(demandsKey, target) as readonly Demand[] | undefined) ?? [];
}
