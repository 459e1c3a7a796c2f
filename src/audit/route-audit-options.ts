import { path, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';

/** What is listed at start, and what stops it. */
export interface RouteAuditOptions {
  /**
   * Stops the app when a handler has neither the guard nor `@Public()` before it.
   *
   * @defaultValue false
   */
  readonly strict?: boolean;
  /**
   * Guard classes other than `AuthGuard` that count as protection: `AuthGuard('jwt')` of @nestjs/passport, or one of
   * your own that asks for a key. What they demand is not listed.
   *
   * @defaultValue none
   */
  readonly otherGuards?: readonly (abstract new (
    ...parts: never[]
  ) => unknown)[];
  /**
   * Handlers that global guards (`guardEverything`, `APP_GUARD`, `useGlobalGuards`) reach besides HTTP routes and
   * resolvers. Nest takes them to message handlers of a hybrid app only with `inheritAppConfig: true`, and to gateways
   * not before its version 12, which cannot be seen from inside: without a word here they count as unguarded unless
   * a guard stands on the class or the handler.
   *
   * @defaultValue none; in an app without HTTP: messages
   */
  readonly globalGuardsReach?: readonly ('websocket' | 'message')[];
}

/** The options with everything filled in; `null` where no audit is wanted. */
export type ResolvedRouteAudit = Required<RouteAuditOptions>;

const reachable = ['websocket', 'message'] as const;

/** @throws {ConfigurationError} */
export function readRouteAudit(where: string, given: unknown): ResolvedRouteAudit | null {
  if (given === undefined || given === false) return null;
  const options = readOptions(where, given === true ? {} : given, ['strict', 'otherGuards', 'globalGuardsReach']);
  return Object.freeze({
    strict: readSwitch(where, options, 'strict', false),
    otherGuards: readList(
      path(where, 'otherGuards'),
      options['otherGuards'],
      isClass,
      'Write guard classes: [ApiKeyGuard]',
    ),
    globalGuardsReach: readList(
      path(where, 'globalGuardsReach'),
      options['globalGuardsReach'],
      (value) => reachable.some((kind) => kind === value),
      "Write ['websocket', 'message'] or a part of it",
    ),
  }) as ResolvedRouteAudit;
}

function readList(where: string, given: unknown, fits: (value: unknown) => boolean, fix: string): readonly unknown[] {
  if (given === undefined) return [];
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (!Array.isArray(given) || !list.every(fits))
    throw new ConfigurationError(where, 'something in it does not fit', fix);
  return Object.freeze([...list]);
}

function isClass(value: unknown): boolean {
  return typeof value === 'function';
}
