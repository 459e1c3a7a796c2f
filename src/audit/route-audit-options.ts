import { path, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';

/** Configures the list of handlers that the app logs at start, and whether an unguarded handler stops the start. */
export interface RouteAuditOptions {
  /**
   * Stops the app at start when a handler has neither the guard nor `@Public()`.
   *
   * @defaultValue false
   */
  readonly strict?: boolean;
  /**
   * Guard classes other than `AuthGuard` that count as protection: `AuthGuard('jwt')` of @nestjs/passport, or a guard of
   * your app. Their requirements are not listed.
   *
   * @defaultValue none
   */
  readonly otherGuards?: readonly (abstract new (
    ...parts: never[]
  ) => unknown)[];
  /**
   * The kinds of handlers, other than HTTP routes and resolvers, for which Nest runs global guards (`guardEverything`,
   * `APP_GUARD`, `useGlobalGuards`). Nest runs them for message handlers of a hybrid app only with
   * `inheritAppConfig: true`, and for gateways only since version 12. The audit cannot detect either, so without this
   * option such handlers count as unguarded unless the handler or its class has a guard.
   *
   * @defaultValue none; in an app without HTTP: messages
   */
  readonly globalGuardsReach?: readonly ('websocket' | 'message')[];
}

/** The options with all defaults. */
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
  if (!Array.isArray(given) || !list.every(fits)) throw new ConfigurationError(where, 'an entry is not valid', fix);
  return Object.freeze([...list]);
}

function isClass(value: unknown): boolean {
  return typeof value === 'function';
}
