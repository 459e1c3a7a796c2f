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

/** Tells whether a class or a handler brings the guard along by itself. */
export type BringsGuard = (target: object) => boolean;

/**
 * The rules of a handler: the nearest mark wins, the handler's over the class's. Where the guard runs
 * without any mark, a user is required.
 */
export function readRouteRules(
  route: RouteTarget,
  defaults: Required<OptionalAuthOptions>,
  bringsGuard: BringsGuard,
): RouteRules {
  const own = readLevel(route.getHandler(), defaults, bringsGuard);
  return own ?? readLevel(route.getClass(), defaults, bringsGuard) ?? { mode: 'required' };
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
