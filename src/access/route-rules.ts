import {
  type DeclaredRequirement,
  type OptionalAuthOptions,
  readAcceptedCredentials,
  readAuthMetadata,
  readMayOutliveToken,
  readRequirements,
} from './route-metadata.js';
import { combineStepUps } from './combine-step-ups.js';
import type { Requirement } from './requirement.js';

/** The rules of a route: who may call the handler, and by which credentials. */
export type RouteRules = PublicRules | RequiredRules | OptionalRules;

interface PublicRules {
  readonly mode: 'public';
}

interface GuardedRules {
  /** What the route requires of the user; `null` if the user only has to be authenticated. */
  readonly requirements: RouteRequirements | null;
  /** The kinds of credentials that the route accepts; `null` for all. */
  readonly credentials: readonly string[] | null;
  /** Whether the response may go on after the token has ended. */
  readonly mayOutliveToken: boolean;
}

interface RequiredRules extends GuardedRules {
  readonly mode: 'required';
}

interface OptionalRules extends GuardedRules, Required<OptionalAuthOptions> {
  readonly mode: 'optional';
}

/** The requirements of a handler, its class and the classes that it extends. */
export interface RouteRequirements {
  /** Whether the issuer must confirm the token at each request. */
  readonly online: boolean;
  /** The user must satisfy all of them. They are checked in this order. */
  readonly all: readonly Requirement[];
}

/** A handler and the class it is called on, as Nest gives them. */
export interface RouteTarget {
  getClass(): NamedTarget;
  getHandler(): NamedTarget;
}

/** A class or a function. */
type NamedTarget = object & { readonly name: string };

/** Whether the guard is on exactly this class or handler. A guard on a class that it extends does not count. */
export type BringsGuard = (target: object) => boolean;

/**
 * Reads the rules of a handler from the handler, then its class, then the classes that this one extends. The first of them that
 * has `@Public()`, `@OptionalAuth()` or the guard decides whether a user is required; if none has, a user is. Requirements add up
 * over all of them. The first that limits the kinds of credentials decides which are accepted.
 *
 * @throws {ConfigurationError} for requirements of a sign-in that no sign-in satisfies.
 */
export function readRouteRules(
  route: RouteTarget,
  defaults: Required<OptionalAuthOptions>,
  bringsGuard: BringsGuard,
): RouteRules {
  const levels = [route.getHandler(), ...classChainOf(route.getClass())];
  const mode = readMode(levels, defaults, bringsGuard);
  if (mode.mode === 'public') return mode;
  const requirements = toRouteRequirements(levels.toReversed().flatMap(readRequirements), route);
  const credentials = levels.map(readAcceptedCredentials).find((kinds) => kinds !== undefined) ?? null;
  const guarded = { requirements, credentials, mayOutliveToken: levels.some(readMayOutliveToken) };
  // An anonymous caller cannot satisfy a requirement, so any requirement makes authentication mandatory.
  return requirements !== null && requirements.all.length > 0
    ? { mode: 'required', ...guarded }
    : { ...mode, ...guarded };
}

function toRouteRequirements(
  requirements: readonly DeclaredRequirement[],
  route: RouteTarget,
): RouteRequirements | null {
  if (requirements.length === 0) return null;
  return {
    online: requirements.some(({ kind }) => kind === 'online'),
    all: combineStepUps(
      requirements.filter((requirement) => requirement.kind !== 'online'),
      () => `${route.getClass().name}.${route.getHandler().name}`,
    ).sort((one, other) => orderOf(one) - orderOf(other)),
  };
}

/**
 * The cheapest requirements are checked first: those that the token decides, of which the sign-in is the last, so that no person signs
 * in again for a route that is closed to them; then those that may need a request to the provider,
 * and the app's policies last, so that they run only for callers whom nothing else refuses.
 */
function orderOf({ kind }: Requirement): number {
  switch (kind) {
    case 'scopes':
    case 'roles':
      return 0;
    case 'step-up':
      return 1;
    case 'permissions':
    case 'organization':
    case 'profile':
      return 2;
    case 'policy':
      return 3;
  }
}

/** The rules for which the first of handler, class and extended classes decides. */
type Mode = PublicRules | Omit<RequiredRules, keyof GuardedRules> | Omit<OptionalRules, keyof GuardedRules>;

function readMode(levels: readonly object[], defaults: Required<OptionalAuthOptions>, bringsGuard: BringsGuard): Mode {
  for (const level of levels) {
    const mode = readModeOf(level, defaults, bringsGuard);
    if (mode !== undefined) return mode;
  }
  return { mode: 'required' };
}

/** A class and the classes that it extends, nearest first. */
export function classChainOf(target: object): object[] {
  const lineage: object[] = [];
  for (let level: unknown = target; isClass(level); level = Object.getPrototypeOf(level)) lineage.push(level);
  return lineage;
}

function isClass(value: unknown): value is object {
  return typeof value === 'function' && value !== Function.prototype;
}

function readModeOf(
  target: object,
  defaults: Required<OptionalAuthOptions>,
  bringsGuard: BringsGuard,
): Mode | undefined {
  const metadata = readAuthMetadata(target);
  // @OptionalAuth() adds the guard itself, so a guard on the same target does not make the user mandatory.
  if (metadata?.mode === 'optional') return { ...defaults, ...metadata.options, mode: 'optional' };
  // @Public() and the guard on the same target contradict each other. The stricter one wins.
  if (bringsGuard(target)) return { mode: 'required' };
  return metadata?.mode === 'public' ? { mode: 'public' } : undefined;
}

/** The remembered rules of a handler in one class, as a linked list over the classes that inherit the handler. */
interface KnownRules {
  readonly ofClass: object;
  readonly rules: RouteRules;
  readonly next: KnownRules | undefined;
}

/** Reads the rules of each handler once, because decorators do not change while an app runs. */
export class RouteRulesReader {
  private readonly known = new WeakMap<object, KnownRules>();

  constructor(
    private readonly defaults: Required<OptionalAuthOptions>,
    private readonly bringsGuard: BringsGuard,
  ) {}

  /** Whether a decorator on the handler, its class or a class that it extends concerns authentication. */
  isDeclared(route: RouteTarget): boolean {
    return [route.getHandler(), ...classChainOf(route.getClass())].some(
      (level) =>
        readAuthMetadata(level) !== undefined ||
        readAcceptedCredentials(level) !== undefined ||
        readRequirements(level).length > 0 ||
        this.bringsGuard(level),
    );
  }

  /** A handler that several controllers inherit has its own rules in each of them. */
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
