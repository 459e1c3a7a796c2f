import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost, MetadataScanner, ModuleRef, ModulesContainer, type ApplicationConfig } from '@nestjs/core';
import { RouteRulesReader, type RouteRequirements, type RouteRules } from '../access/route-rules.js';
import { readDeclaredHandlers } from './declared-handlers.js';
import {
  applicationConfigOf,
  graphqlOptionsToken,
  guardsOn,
  isAuthGuard,
  readsCurrentUser,
} from '../guard/nest-internals.js';
import { type ExternalHandler, ExternalHandlers } from './external-handlers.service.js';
import { findGuardedOverridden, namesOfGuards } from './guards-of-methods.js';
import { HttpPaths, type HttpRoute } from './http-paths.service.js';
import type { ResolvedRouteAudit } from './route-audit-options.js';
import { Transports } from '../transports/transports.js';

/** A class of an app. */
type Class = new (...parts: never[]) => object;

type Method = object & { readonly name: string };

/** An HTTP handler with its routes. */
export interface HttpHandlerInfo extends HandlerInfo {
  readonly kind: 'http';
  readonly routes: readonly HttpRoute[];
}

interface HandlerOrigin {
  readonly of: Class;
  readonly method: Method;
  /** Whether Nest runs guards for it. */
  readonly runsGuards: boolean;
}

/** The services and settings that are the same for all handlers of an app. */
interface InventoryContext {
  readonly coverage: GuardCoverage;
  readonly paths: HttpPaths;
  /** Whether Nest runs guards for field and entity resolvers of GraphQL. */
  readonly hasFieldGuards: boolean;
}

const defaults: ResolvedRouteAudit = { strict: false, otherGuards: [], globalGuardsReach: [] };

/**
 * Lists every handler that clients can call, with its protection: HTTP routes, queries, mutations, subscriptions,
 * entities of a subgraph, fields with a guard of their own, gateway messages, microservice patterns, and the handlers of
 * other libraries, as soon as these have created them. It reads the same metadata as the guard.
 */
@Injectable()
export class HandlerInventory {
  private readonly scanner = new MetadataScanner();
  /** The class and the method of each listed handler. */
  private readonly origins = new WeakMap<HandlerInfo, HandlerOrigin>();

  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(RouteRulesReader) private readonly rules: RouteRulesReader,
    @Inject(ExternalHandlers) private readonly externals: ExternalHandlers,
    @Inject(Transports) private readonly transports: Transports,
  ) {}

  /** Lists all handlers. Call it after the app has been created: global guards that are added later are not considered. */
  list(options: ResolvedRouteAudit = defaults): readonly HandlerInfo[] {
    return this.find(options);
  }

  /** Lists the HTTP handlers. */
  listHttp(options: ResolvedRouteAudit = defaults): readonly HttpHandlerInfo[] {
    return this.find(options).filter((info): info is HttpHandlerInfo => info.kind === 'http');
  }

  /** Calls a listener for each handler of another library that is created from now on. What it throws stops that library. */
  watch(options: ResolvedRouteAudit, listener: (info: HandlerInfo) => void): void {
    this.externals.watch((handler) => {
      listener(this.ofExternal(handler, this.coverageOf(options)));
    });
  }

  /** The names of the guards that Nest runs for an unguarded handler, and that do not count as protection. */
  findOtherGuards(info: HandlerInfo): readonly string[] {
    const { of, method, runsGuards } = this.origins.get(info) ?? {};
    return of === undefined || method === undefined || runsGuards !== true ? [] : namesOfGuards([of, method]);
  }

  /** Whether a guard of any kind is on the handler, on its class or global. */
  hasAnyGuard(info: HandlerInfo): boolean {
    return this.findOtherGuards(info).length > 0 || this.coverageOf(defaults).hasGlobals;
  }

  /** The guarded method of a parent class that the handler overrides, `BaseController.list`; `null` where there is none. */
  findGuardedOverridden(info: HandlerInfo): string | null {
    const { of, method } = this.origins.get(info) ?? {};
    return of === undefined || method === undefined ? null : findGuardedOverridden(of, method.name);
  }

  /** Whether the handler has a parameter `@CurrentUser()`. */
  readsUser(info: HandlerInfo): boolean {
    const { of, method } = this.origins.get(info) ?? {};
    return of !== undefined && method !== undefined && readsCurrentUser(of, method.name);
  }

  /** Whether a global guard counts as protection, where Nest runs it. */
  hasGlobalGuard(options: ResolvedRouteAudit = defaults): boolean {
    return this.coverageOf(options).isGlobal;
  }

  private find(options: ResolvedRouteAudit): readonly HandlerInfo[] {
    const context: InventoryContext = {
      coverage: this.coverageOf(options),
      paths: new HttpPaths(applicationConfigOf<ApplicationConfig>(this.moduleRef), this.modules),
      hasFieldGuards: this.hasFieldGuards(),
    };
    const ofClasses = [...this.modules.values()].flatMap((module) =>
      [...module.controllers.values(), ...module.providers.values()]
        .filter((wrapper) => !wrapper.isNotMetatype && isClass(wrapper.metatype))
        .flatMap((wrapper) => this.ofClass(wrapper.metatype as Class, module.metatype, context)),
    );
    return [...ofClasses, ...this.externals.list().map((handler) => this.ofExternal(handler, context.coverage))];
  }

  private coverageOf(options: ResolvedRouteAudit): GuardCoverage {
    const config = applicationConfigOf<ApplicationConfig>(this.moduleRef);
    return new GuardCoverage(config, hasAdapter(this.adapterHost), options);
  }

  private ofExternal(external: ExternalHandler, coverage: GuardCoverage): HandlerInfo {
    const { contextType, ofClass, name, method, runsGuards } = external;
    const route = { getClass: () => ofClass, getHandler: () => method };
    const rules = this.rules.read(route);
    const unread = { isPublic: rules.mode === 'public', isDeclared: this.rules.isDeclared(route) };
    const isGuarded = runsGuards && coverage.covers('other', ofClass, method);
    const needsNoUser = this.transports.needsNoUser(contextType, unread);
    return {
      kind: 'other',
      handler: `${ofClass.name}.${name}`,
      addresses: [`${contextType} ${name}`],
      ...toProtection(needsNoUser ? { mode: 'public' } : rules, isGuarded),
    };
  }

  private ofClass(of: Class, module: object, context: InventoryContext): readonly HandlerInfo[] {
    const { coverage, paths, hasFieldGuards } = context;
    return this.scanner.getAllMethodNames(of.prototype as object).flatMap((name) => {
      const method = Reflect.get(of.prototype as object, name) as Method;
      const describe = (kind: HandlerKind, addresses: readonly string[], runsGuards = true): HandlerInfo => {
        const rules = this.rules.read({ getClass: () => of, getHandler: () => method });
        const isGuarded = runsGuards && coverage.covers(kind, of, method);
        const info: HandlerInfo = {
          kind,
          handler: `${of.name}.${name}`,
          addresses,
          ...toProtection(rules, isGuarded),
        };
        this.origins.set(info, { of, method, runsGuards });
        return info;
      };
      const routes = paths.find(module, of, method);
      const http: readonly HttpHandlerInfo[] =
        routes.length === 0
          ? []
          : [Object.assign(describe('http', routes.map(toAddress)), { kind: 'http', routes } as const)];
      const others = readDeclaredHandlers(of, name, method)
        // A field belongs to a query that is listed anyway, so it is listed only if it has a guard of its own.
        .filter(({ resolves }) => resolves !== 'field' || coverage.hasGuard(method))
        .map(({ kind, address, resolves }) => describe(kind, [address], resolves === undefined || hasFieldGuards));
      return [...http, ...others];
    });
  }

  /** Whether `GraphQLModule`, or each of several, has `fieldResolverEnhancers: ['guards']`. */
  private hasFieldGuards(): boolean {
    const options = [...this.modules.values()].flatMap(({ providers }) => {
      const wrapper = providers.get(graphqlOptionsToken);
      return wrapper === undefined ? [] : [wrapper.instance as { readonly fieldResolverEnhancers?: unknown } | null];
    });
    const enhancers = options.map((given) => given?.fieldResolverEnhancers);
    return enhancers.length > 0 && enhancers.every((names) => Array.isArray(names) && names.includes('guards'));
  }
}

function isClass(value: unknown): value is Class {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}

function hasAdapter({ httpAdapter }: HttpAdapterHost): boolean {
  return (httpAdapter as unknown) !== undefined && (httpAdapter as unknown) !== null;
}

function toAddress({ method, path }: HttpRoute): string {
  return `${method} ${path}`;
}

/** The kind of transport over which a handler is called; `other` in a context of another library. */
export type HandlerKind = 'http' | 'graphql' | 'websocket' | 'message' | 'other';

/**
 * How a handler is protected: by the guard (`protected`, or `optional` where it also accepts anonymous callers), by
 * intent not at all (`public`, for `@Public()`), or not at all (`unguarded`).
 */
export type Protection = 'protected' | 'optional' | 'public' | 'unguarded';

/** A handler that clients can call. */
export interface HandlerInfo {
  readonly kind: HandlerKind;
  /** `CatsController.list` */
  readonly handler: string;
  /** The addresses that clients use: `GET /cats/:id`, `query cats`, `message move`; `rmq created` in a context of another library. */
  readonly addresses: readonly string[];
  readonly protection: Protection;
  /** What the route requires of a user; `null` where it requires only that there is one. */
  readonly requirements: RouteRequirements | null;
  /** The kinds of credentials that the route accepts (`@AcceptCredentials`); `null` for all. */
  readonly credentials: readonly string[] | null;
  /** @deprecated Use `requirements`, whose list is `all`. Removed in 1.0. */
  readonly demands: LegacyDemands | null;
  /** The statuses with which the guard may answer, except 400 for a malformed request. */
  readonly refusals: readonly (401 | 403 | 503)[];
}

/** The form that `requirements` had before 0.2. */
interface LegacyDemands {
  readonly online: boolean;
  readonly requirements: RouteRequirements['all'];
}

interface HandlerProtection extends Pick<HandlerInfo, 'protection' | 'requirements' | 'credentials' | 'refusals'> {
  readonly demands: LegacyDemands | null;
}

/** Combines the metadata of a handler with whether the guard runs for it. */
function toProtection(rules: RouteRules, isGuarded: boolean): HandlerProtection {
  const none = { requirements: null, credentials: null, demands: null, refusals: [] } as const;
  if (rules.mode === 'public') return { protection: 'public', ...none };
  // Without the guard the requirements have no effect.
  if (!isGuarded) return { protection: 'unguarded', ...none };
  const { requirements, credentials } = rules;
  const demands = requirements && { online: requirements.online, requirements: requirements.all };
  if (rules.mode === 'required') {
    const denied = requirements === null || requirements.all.length === 0 ? ([] as const) : ([403] as const);
    return { protection: 'protected', requirements, credentials, demands, refusals: [401, ...denied, 503] };
  }
  const invalid = rules.onInvalid === 'reject' ? ([401] as const) : [];
  const unavailable = rules.onUnavailable === 'reject' ? ([503] as const) : [];
  return { protection: 'optional', requirements, credentials, demands, refusals: [...invalid, ...unavailable] };
}

/** Decides whether an accepted guard runs for a handler: one on the handler, one on its class, or a global one. */
class GuardCoverage {
  private readonly accepted: readonly unknown[];
  readonly isGlobal: boolean;
  /** Whether there are global guards, accepted or not. */
  readonly hasGlobals: boolean;
  private readonly globalKinds: ReadonlySet<HandlerKind>;

  constructor(config: ApplicationConfig, hasHttp: boolean, options: ResolvedRouteAudit) {
    this.accepted = options.otherGuards;
    const globals = [...config.getGlobalGuards(), ...config.getGlobalRequestGuards().map(({ metatype }) => metatype)];
    this.isGlobal = globals.some((guard) => this.accepts(guard));
    this.hasGlobals = globals.length > 0;
    this.globalKinds = new Set([
      'http',
      'graphql',
      'other',
      ...(hasHttp ? [] : ['message' as const]),
      ...options.globalGuardsReach,
    ]);
  }

  covers(kind: HandlerKind, of: object, method: object): boolean {
    if (this.isGlobal && this.globalKinds.has(kind)) return true;
    return [of, method].some((target) => this.hasGuard(target));
  }

  /** Whether the method or class has an accepted guard. Nest also runs the guards of a parent class. */
  hasGuard(target: object): boolean {
    return guardsOn(target).some((guard) => this.accepts(guard));
  }

  private accepts(guard: unknown): boolean {
    return isAuthGuard(guard) || this.accepted.some((known) => isGuardOf(guard, known));
  }
}

/** Whether a guard, which is a class or an instance, is of the known class or of one that extends it. */
function isGuardOf(guard: unknown, known: unknown): boolean {
  if (typeof known !== 'function') return false;
  if (typeof guard === 'function') return guard === known || guard.prototype instanceof known;
  return guard instanceof known;
}
