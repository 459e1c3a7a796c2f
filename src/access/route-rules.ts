import { type AuthMark, readMark } from './auth-mark.js';

/** What optional authentication does with a token that does not pass, or that cannot be judged. */
export interface OptionalAuthOptions {
  /**
   * A token came and was refused: `'anonymous'` runs the handler without a user and puts the reason into a
   * challenge, so that the client knows to refresh; `'reject'` answers 401.
   *
   * @defaultValue 'anonymous'
   */
  readonly onInvalid?: 'anonymous' | 'reject';
  /**
   * The issuer's keys cannot be had: `'reject'` answers 503; `'anonymous'` runs the handler without a user,
   * and so shows signed-in people the page for strangers until the issuer is back.
   *
   * @defaultValue 'reject'
   */
  readonly onUnavailable?: 'reject' | 'anonymous';
}

/** What a handler asks of its caller. */
export type RouteRules =
  | { readonly mode: 'public' }
  | { readonly mode: 'required' }
  | { readonly mode: 'optional'; readonly onInvalid: 'anonymous' | 'reject'; readonly onUnavailable: 'reject' | 'anonymous' };

/** A handler and the class it is called on, as Nest gives them. */
export interface RouteTarget {
  getClass(): object;
  getHandler(): object;
}

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
  const mark: AuthMark | undefined = readMark(target);
  // @OptionalAuth() brings the guard itself, so the guard beside it says nothing more.
  if (mark?.mode === 'optional') return { ...defaults, ...mark.options, mode: 'optional' };
  // The guard written beside @Public() contradicts it, and the stricter of the two holds.
  if (bringsGuard(target)) return { mode: 'required' };
  return mark?.mode === 'public' ? { mode: 'public' } : undefined;
}
