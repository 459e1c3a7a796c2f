import { readMark } from './auth-mark.js';
import type { OptionalAuthOptions } from './optional-auth-options.js';

/** What a handler asks of its caller. */
export type RouteRules =
  | { readonly mode: 'public' }
  | { readonly mode: 'required' }
  | {
      readonly mode: 'optional';
      readonly onInvalid: 'anonymous' | 'reject';
      readonly onUnavailable: 'reject' | 'anonymous';
    };

/** A handler and the class it is called on, as Nest gives them. */
export interface RouteTarget {
  getClass(): NamedTarget;
  getHandler(): NamedTarget;
}

/** A class or a function. */
type NamedTarget = object & { readonly name: string };

/** Tells whether the guard was put on this very class or handler; one that a class inherits does not count. */
export type BringsGuard = (target: object) => boolean;

/**
 * The rules of a handler: the nearest mark wins. Nearest is the handler itself, then its class, then the
 * classes which that one extends. Where the guard runs without any mark, a user is required.
 */
export function readRouteRules(
  route: RouteTarget,
  defaults: Required<OptionalAuthOptions>,
  bringsGuard: BringsGuard,
): RouteRules {
  for (const level of [route.getHandler(), ...lineageOf(route.getClass())]) {
    const rules = readLevel(level, defaults, bringsGuard);
    if (rules !== undefined) return rules;
  }
  return { mode: 'required' };
}

/** A class and the classes that it extends, nearest first. */
function lineageOf(target: object): object[] {
  const lineage: object[] = [];
  for (let level: unknown = target; isClass(level); level = Object.getPrototypeOf(level)) lineage.push(level);
  return lineage;
}

function isClass(value: unknown): value is object {
  return typeof value === 'function' && value !== Function.prototype;
}

function readLevel(
  target: object,
  defaults: Required<OptionalAuthOptions>,
  bringsGuard: BringsGuard,
): RouteRules | undefined {
  const mark = readMark(target);
  // @OptionalAuth() brings the guard itself, so the guard beside it says nothing more.
  if (mark?.mode === 'optional') return { ...defaults, ...mark.options, mode: 'optional' };
  // The guard written beside @Public() contradicts it, and the stricter of the two holds.
  if (bringsGuard(target)) return { mode: 'required' };
  return mark?.mode === 'public' ? { mode: 'public' } : undefined;
}
