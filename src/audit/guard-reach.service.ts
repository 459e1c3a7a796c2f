import type { ApplicationConfig } from '@nestjs/core';

import { AuthGuard } from '../guard/auth.guard.js';
import type { HandlerKind } from './handler-info.js';
import type { ResolvedRouteAudit } from './route-audit-options.js';

/** Where Nest keeps what @UseGuards() was given. */
const guardsKey = '__guards__';

/** Tells whether a guard that counts runs before a handler: one of its own, one of its class, or a global one. */
export class GuardReach {
  private readonly counting: readonly unknown[];
  private readonly everywhere: boolean;
  private readonly reached: ReadonlySet<HandlerKind>;

  constructor(config: ApplicationConfig, hasHttp: boolean, options: ResolvedRouteAudit) {
    this.counting = [AuthGuard, ...options.otherGuards];
    const globals = [...config.getGlobalGuards(), ...config.getGlobalRequestGuards().map(({ metatype }) => metatype)];
    this.everywhere = globals.some((guard) => this.counts(guard));
    this.reached = new Set(['http', 'graphql', ...(hasHttp ? [] : ['message' as const]), ...options.globalGuardsReach]);
  }

  covers(kind: HandlerKind, of: object, method: object): boolean {
    if (this.everywhere && this.reached.has(kind)) return true;
    return [of, method].some((target) => this.stands(target));
  }

  /** Whether such a guard is written on this very method or class. Guards of a class that it extends run as well. */
  stands(target: object): boolean {
    const guards: unknown = Reflect.getMetadata(guardsKey, target);
    return Array.isArray(guards) && guards.some((guard) => this.counts(guard));
  }

  private counts(guard: unknown): boolean {
    return this.counting.some((known) => isOrMakes(guard, known));
  }
}

/** A guard is written as a class or as an object of one; a class that extends a guard is one as well. */
function isOrMakes(guard: unknown, known: unknown): boolean {
  if (typeof known !== 'function') return false;
  if (typeof guard === 'function') return guard === known || guard.prototype instanceof known;
  return guard instanceof known;
}
