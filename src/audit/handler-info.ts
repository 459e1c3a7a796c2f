import type { RouteRequirements, RouteRules } from '../access/route-rules.js';

/** The transport that an entry point is called over. */
export type HandlerKind = 'http' | 'graphql' | 'websocket' | 'message';

/**
 * What stands before an entry point: the guard (`protected`, or `optional` where it forgives absence), a
 * `@Public()` that says nothing shall, or nothing at all.
 */
export type Protection = 'protected' | 'optional' | 'public' | 'unguarded';

/** A handler that the world can call. */
export interface HandlerInfo {
  readonly kind: HandlerKind;
  /** `CatsController.list` */
  readonly handler: string;
  /** What a caller writes: `GET /cats/:id`, `query cats`, `message "move"`. */
  readonly addresses: readonly string[];
  readonly protection: Protection;
  /** What is asked of the user, where the guard asks for more than one. */
  readonly demands: RouteRequirements | null;
  /** The statuses that the guard may answer with here, beside 400 for a request that contradicts itself. */
  readonly refusals: readonly (401 | 403 | 503)[];
}

/** What the marks on a handler come to, once it is known whether the guard runs before it. */
export function toProtection(
  rules: RouteRules,
  isGuarded: boolean,
): Pick<HandlerInfo, 'protection' | 'demands' | 'refusals'> {
  if (rules.mode === 'public') return { protection: 'public', demands: null, refusals: [] };
  // Without the guard anonymousCaller reads the marks.
  if (!isGuarded) return { protection: 'unguarded', demands: null, refusals: [] };
  const { demands } = rules;
  if (rules.mode === 'required') {
    const denied = demands === null || demands.requirements.length === 0 ? ([] as const) : ([403] as const);
    return { protection: 'protected', demands, refusals: [401, ...denied, 503] };
  }
  const invalid = rules.onInvalid === 'reject' ? ([401] as const) : [];
  const unavailable = rules.onUnavailable === 'reject' ? ([503] as const) : [];
  return { protection: 'optional', demands, refusals: [...invalid, ...unavailable] };
}
