import type { OptionalAuthOptions } from './optional-auth-options.js';
import { type BringsGuard, readRouteRules, type RouteRules, type RouteTarget } from './route-rules.js';

/** The rules of a handler in one class, and in the others that inherit it. */
interface KnownRules {
  readonly ofClass: object;
  readonly rules: RouteRules;
  readonly next: KnownRules | undefined;
}

/** Reads the rules of each handler once: decorators do not change while an app runs. */
export class RouteRulesReader {
  private readonly known = new WeakMap<object, KnownRules>();

  constructor(
    private readonly defaults: Required<OptionalAuthOptions>,
    private readonly bringsGuard: BringsGuard,
  ) {}

  /** A handler that several controllers inherit has rules of its own in each of them. */
  read(route: RouteTarget): RouteRules {
    const ofClass = route.getClass();
    const first = this.known.get(route.getHandler());
    for (let known = first; known !== undefined; known = known.next) {
      if (known.ofClass === ofClass) return known.rules;
    }
    const rules = readRouteRules(route, this.defaults, this.bringsGuard);
    this.known.set(route.getHandler(), { ofClass, rules, next: first });
    return rules;
  }
}
