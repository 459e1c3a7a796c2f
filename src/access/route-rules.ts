import {
  type DeclaredRequirement,
  type OptionalAuthOptions,
  readAcceptedCredentials,
  readAuthMetadata,
  readRequirements,
} from './route-metadata.js';
import type { Requirement } from './requirement.js';

/** What a handler asks of its caller. */
export type RouteRules = PublicRules | RequiredRules | OptionalRules;

interface PublicRules {
  readonly mode: 'public';
}

interface GuardedRules {
  /** What the route requires of the user; `null` where being authenticated is enough. */
  readonly requirements: RouteRequirements | null;
  /** The kinds of credentials that the route accepts; `null` for all. */
  readonly credentials: readonly string[] | null;
}

interface RequiredRules extends GuardedRules {
  readonly mode: 'required';
}

interface OptionalRules extends GuardedRules, Required<OptionalAuthOptions> {
  readonly mode: 'optional';
}

/** What class and handler require together. */
export interface RouteRequirements {
  /** The issuer itself must say that the token is good. */
  readonly online: boolean;
  /** All of them must be met; in the order in which they are asked. */
  readonly all: readonly Requirement[];
}

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
 * classes which that one extends. Where the guard runs without any mark, a user is required. What is demanded of
 * the user adds up over all of them.
 */
export function readRouteRules(
  route: RouteTarget,
  defaults: Required<OptionalAuthOptions>,
  bringsGuard: BringsGuard,
): RouteRules {
  const levels = [route.getHandler(), ...lineageOf(route.getClass())];
  const mode = readMode(levels, defaults, bringsGuard);
  if (mode.mode === 'public') return mode;
  const requirements = toRouteRequirements(levels.toReversed().flatMap(readRequirements));
  const credentials = levels.map(readAcceptedCredentials).find((kinds) => kinds !== undefined) ?? null;
  // An anonymous caller cannot satisfy a requirement, so any requirement makes authentication mandatory.
  if (requirements !== null && requirements.all.length > 0) return { mode: 'required', requirements, credentials };
  return { ...mode, requirements, credentials };
}

function toRouteRequirements(requirements: readonly DeclaredRequirement[]): RouteRequirements | null {
  if (requirements.length === 0) return null;
  return {
    online: requirements.some(({ kind }) => kind === 'online'),
    all: requirements.filter((demand) => demand.kind !== 'online').sort((one, other) => turnOf(one) - turnOf(other)),
  };
}

/** First what the token tells, then what may have to be looked up, and the app's own rules when nothing else refuses. */
function turnOf({ kind }: Requirement): number {
  switch (kind) {
    case 'scopes':
    case 'roles':
      return 0;
    case 'permissions':
    case 'organization':
    case 'profile':
      return 1;
    case 'policy':
      return 2;
  }
}

/** Rules of which only the nearest count. */
type Mode = PublicRules | Omit<RequiredRules, keyof GuardedRules> | Omit<OptionalRules, keyof GuardedRules>;

function readMode(levels: readonly object[], defaults: Required<OptionalAuthOptions>, bringsGuard: BringsGuard): Mode {
  for (const level of levels) {
    const mode = readLevel(level, defaults, bringsGuard);
    if (mode !== undefined) return mode;
  }
  return { mode: 'required' };
}

/** A class and the classes that it extends, nearest first. */
export function lineageOf(target: object): object[] {
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
): Mode | undefined {
  const mark = readAuthMetadata(target);
  // @OptionalAuth() brings the guard itself, so the guard beside it says nothing more.
  if (mark?.mode === 'optional') return { ...defaults, ...mark.options, mode: 'optional' };
  // The guard written beside @Public() contradicts it, and the stricter of the two holds.
  if (bringsGuard(target)) return { mode: 'required' };
  return mark?.mode === 'public' ? { mode: 'public' } : undefined;
}

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
