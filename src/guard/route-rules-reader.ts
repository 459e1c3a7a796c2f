import type { OptionalAuthOptions } from '../access/optional-auth-options.js';
import { type BringsGuard, readRouteRules, type RouteRules, type RouteTarget } from '../access/route-rules.js';

/** Reads the rules of each handler once: decorators do not change while an app runs. */
export class RouteRulesReader {
  private readonly rules = new WeakMap<object, WeakMap<object, RouteRules>>();

  constructor(
    private readonly defaults: Required<OptionalAuthOptions>,
    private readonly bringsGuard: BringsGuard,
  ) {}

  read(route: RouteTarget): RouteRules {
    // A handler that several controllers inherit has rules of its own in each of them.
    const ofClass = this.rules.get(route.getClass()) ?? new WeakMap<object, RouteRules>();
    this.rules.set(route.getClass(), ofClass);
    const rules = ofClass.get(route.getHandler()) ?? readRouteRules(route, this.defaults, this.bringsGuard);
    ofClass.set(route.getHandler(), rules);
    return rules;
  }
}
